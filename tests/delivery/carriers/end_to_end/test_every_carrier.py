"""Every sandbox number once through every adapter and its simulated vendor: the same ends, nobody reached twice, nothing lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from delivery.carriers import CARRIERS
from delivery.models import CarrierReport
from rvm.simulators.framework.calls import CallingVendor
from rvm.simulators.framework.service import running
from rvm.simulators.framework.vendor import Vendor
from rvm.simulators.sandbox.outcomes import NUMBERS
from rvm.simulators.vendors import names, simulator_class
from tests.delivery.carriers.end_to_end import runs
from tests.docs.pages import PROJECT, table
from usecases.models import Suppression

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("as_runtime")]

UNREPORTED, REFUSED = "0010", "0011"
# What a vendor cannot tell from something else, by the sandbox's code; all else ends as docs/integrate/sandbox.md says.
# Vendors that ring know nothing of a number: lists are calls that the network does not put through, and of a box that is full the
# recording is never played to its end.
RINGING = {
    "number_not_supported": "human_answered",
    "mailbox_full": "unreported",
    **dict.fromkeys(
        ("do_not_call", "litigator", "number_reassigned", "opted_out", "too_many_attempts"), "carrier_denied"
    ),
}
READ_AS: Mapping[str, Mapping[str, str]] = {
    "twilio": RINGING,
    "signalwire": RINGING,
    "drop_cowboy": {
        "human_answered": "voicemail_not_detected",
        "number_not_supported": "voicemail_not_detected",
    },
    # of the words of results, few are known
    "slybroadcast": {
        "unreachable": "number_not_supported",
        "human_answered": "voicemail_not_detected",
        "do_not_call": "unknown",
        "litigator": "unknown",
        "number_reassigned": "unknown",
        "carrier_denied": "unknown",
        "too_many_attempts": "unknown",
        "opted_out": "unknown",
    },
    # it tells little beyond "not-delivered"
    "voicedrop": {
        "no_answer": "voicemail_not_detected",
        "busy": "voicemail_not_detected",
        "unreachable": "voicemail_not_detected",
        "human_answered": "voicemail_not_detected",
        "do_not_call": "unknown",
        "litigator": "voicemail_not_detected",
        "number_reassigned": "voicemail_not_detected",
        "too_many_attempts": "voicemail_not_detected",
        "opted_out": "voicemail_not_detected",
    },
    "telnyx": {**RINGING, "mailbox_full": "mailbox_full"},  # it says that the machine hung up during the message
}
SUPPRESSING = {"do_not_call", "litigator", "number_reassigned", "opted_out"}


@pytest.fixture(autouse=True)
def _surroundings(settings: Any, live_server: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.surround(settings, live_server, tmp_path, monkeypatch)


@pytest.fixture(params=names())
def vendor(request: pytest.FixtureRequest) -> Iterator[Vendor]:
    with running(simulator_class(request.param)) as simulator:
        yield simulator


def ends(name: str) -> dict[str, tuple[str, str]]:
    """What each number comes to through this carrier."""
    read_as = READ_AS.get(name, {})
    found = {
        last4: ("delivered", "")
        if plan.code == "delivered"
        else ("failed", read_as.get(plan.code or "", plan.code or ""))
        for last4, plan in NUMBERS.items()
    }
    return found | {UNREPORTED: ("failed", "unreported"), REFUSED: ("failed", "refused")}


# The sandbox is its own simulator.
def test_every_carrier_has_a_simulator_and_every_simulator_a_carrier() -> None:
    assert set(names()) == set(CARRIERS) - {"sandbox"}


def test_every_sandbox_number_ends_alike_through_every_vendor(vendor: Vendor) -> None:
    use_case = runs.make_use_case(runs.make_setup(vendor))
    recording = runs.make_recording(use_case)
    voicemails = {last4: runs.queue(use_case, recording, last4) for last4 in NUMBERS}
    silent = voicemails[UNREPORTED]
    runs.work(runs.all_ended(vendor, but=(silent,)))
    assert runs.state(silent) == ("accepted", "")
    runs.report_horizon_over(silent)
    expected = ends(vendor.name)
    assert {last4: runs.state(voicemail) for last4, voicemail in voicemails.items()} == expected

    ledger = vendor.ledger
    assert ledger.violations == []
    delivered = {f"{runs.PREFIX}{last4}" for last4, (status, _) in expected.items() if status == "delivered"}
    assert {to for to, _ in ledger.left} == delivered
    assert ledger.summary()["reached_more_than_once"] == 0
    assert set(ledger.accepted.values()) == {1}
    assert ledger.overheard == {}
    assert {status for _, status in ledger.reports} <= {200}
    assert not CarrierReport.objects.filter(effect="unknown_drop").exists()
    suppressed = {last4 for last4, (_, reason) in expected.items() if reason in SUPPRESSING}
    assert set(Suppression.objects.values_list("last4", flat=True)) == suppressed


def test_what_a_vendor_cannot_tell_is_documented() -> None:
    told = {
        (vendor.strip(), code.strip("`"), reason)
        for code, through in table(PROJECT / "docs/integrate/sandbox.md", "reason at the sandbox")
        for vendors, reason in re.findall(r"([a-z_, ]+): `(\w+)`", through)
        for vendor in vendors.split(",")
    }
    read_as = {(vendor, code, reason) for vendor, reasons in READ_AS.items() for code, reason in reasons.items()}
    assert told == {each for each in read_as if each[1] != each[2]}


def test_a_vendor_that_rings_is_known_by_its_simulator(vendor: Vendor) -> None:
    assert runs.make_setup(vendor).rings is isinstance(vendor, CallingVendor)
