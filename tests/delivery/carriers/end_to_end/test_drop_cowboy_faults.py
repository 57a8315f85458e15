"""From a queued voicemail to its end through the simulated Drop Cowboy: the real engine, the real transport, the real callback view.

`test_every_carrier.py` has what every vendor has; here is what this one has of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from delivery.models import CarrierMedia, CarrierReport, Drop
from rvm.simulators.framework.service import running
from rvm.simulators.vendors.drop_cowboy import COMPLETE, CREATE, SEND, SIMULATED, STORE, Simulator
from tests import factories
from tests.delivery.carriers.end_to_end import runs
from tests.delivery.carriers.end_to_end.runs import (
    all_ended,
    make_recording,
    make_use_case,
    queue,
    state,
    statuses,
    work,
)
from usecases.models import Suppression, TelephonySetup

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("as_runtime")]

DELIVERED = ("delivered", "")
# What each of the vendor's simulated numbers comes to, in the words that the customer reads.
ENDS: dict[str, tuple[str, str]] = {
    "0001": DELIVERED,
    "0002": ("failed", "voicemail_not_detected"),
    "0004": ("failed", "no_answer"),
    "0005": ("failed", "busy"),
    "0006": ("failed", "unreachable"),
    "0090": ("failed", "do_not_call"),
    "0091": ("failed", "litigator"),
    "0092": ("failed", "number_reassigned"),
    "0093": ("failed", "refused"),
    "0094": ("failed", "carrier_denied"),
    "0095": ("failed", "carrier_denied"),
    "0097": ("failed", "too_many_attempts"),
    "0098": ("failed", "opted_out"),
    "0099": ("failed", "refused"),
}
LISTED = {"0090", "0091", "0092", "0098"}


@pytest.fixture
def vendor() -> Iterator[Simulator]:
    with running(Simulator) as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def _surroundings(settings: Any, live_server: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.surround(settings, live_server, tmp_path, monkeypatch)


def make_setup(vendor: Simulator, **credentials: str) -> TelephonySetup:
    return runs.make_setup(vendor, credentials={"signing_secret": vendor.signing_secret} | credentials)


def test_the_table_of_ends_names_every_simulated_number() -> None:
    assert ENDS.keys() == SIMULATED.keys()


@pytest.mark.parametrize("signed", [False, True], ids=["post-backs alone", "post-backs and webhooks"])
def test_every_simulated_number_comes_to_its_end(vendor: Simulator, live_server: Any, signed: bool) -> None:
    use_case = make_use_case(make_setup(vendor, **({} if signed else {"signing_secret": ""})))
    if signed:
        vendor.webhook_url = f"{live_server.url}/carriers/{factories.fixed_token(use_case.setup)}/"
    recording = make_recording(use_case)
    voicemails = {last4: queue(use_case, recording, last4) for last4 in SIMULATED}
    work(all_ended(vendor))
    assert {last4: state(voicemail) for last4, voicemail in voicemails.items()} == ENDS
    assert set(Suppression.objects.values_list("last4", flat=True)) == LISTED
    assert {voicemail.carrier_code for voicemail in voicemails.values()} == {
        str(code) for code, _ in SIMULATED.values()
    }
    assert set(vendor.ledger.accepted.values()) == {1}
    assert Counter(vendor.ledger.reports) == (
        {("post-back", 200): 14, ("webhook", 200): 14} if signed else {("post-back", 200): 14}
    )
    assert not CarrierReport.objects.filter(effect="unknown_drop").exists()


def test_fifty_voicemails_through_two_setups_upload_their_recording_twice(vendor: Simulator) -> None:
    first = make_use_case(make_setup(vendor))
    second = make_use_case(runs.make_setup(vendor, workspace=first.workspace))
    recording = make_recording(first)
    for use_case in (first, second):
        for _ in range(25):
            queue(use_case, recording)
    work(all_ended(vendor))
    assert statuses() == {DELIVERED: 50}
    assert vendor.ledger.requests == {CREATE: 2, STORE: 2, COMPLETE: 2, SEND: 50}
    assert len(vendor.ready) == 2
    assert all(vendor.media.values())
    assert vendor.ledger.violations == []


def test_a_lost_post_back_is_made_good_by_the_signed_webhook(vendor: Simulator, live_server: Any) -> None:
    use_case = make_use_case(make_setup(vendor))
    vendor.loses_reports = True
    vendor.webhook_url = f"{live_server.url}/carriers/{factories.fixed_token(use_case.setup)}/"
    recording = make_recording(use_case)
    voicemails = [queue(use_case, recording, "0001"), queue(use_case, recording, "0005")]
    work(all_ended(vendor))
    assert [state(voicemail) for voicemail in voicemails] == [DELIVERED, ("failed", "busy")]
    assert [kind for kind, _ in vendor.ledger.reports] == ["webhook", "webhook"]


def test_post_backs_suppress_nobody_where_a_signing_secret_is_set_up(vendor: Simulator) -> None:
    use_case = make_use_case(make_setup(vendor))
    recording = make_recording(use_case)
    voicemails = {last4: queue(use_case, recording, last4) for last4 in LISTED}
    work(all_ended(vendor))
    assert {last4: state(voicemail) for last4, voicemail in voicemails.items()} == {
        last4: ENDS[last4] for last4 in LISTED
    }
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(("secret", "opened"), [("", True), ("another-secret", False)])
def test_a_wrong_key_is_accepted_and_ends_as_a_fault_of_the_account(
    vendor: Simulator, secret: str, opened: bool
) -> None:
    use_case = make_use_case(make_setup(vendor, signing_secret=secret))
    recording = make_recording(use_case)
    voicemail = queue(use_case, recording)
    work(CarrierMedia.objects.filter(state="ready").exists)
    # Not by the service, which would have the recording uploaded anew: the vendor has revoked the key.
    use_case.setup.credentials = vendor.credentials | {"key": "revoked", "signing_secret": secret}
    use_case.setup.save(update_fields=["credentials"])
    work(all_ended(vendor))
    assert state(voicemail) == ("failed", "carrier_account")
    assert voicemail.carrier_code == "3007"
    assert vendor.ledger.accepted == {}
    use_case.setup.refresh_from_db()
    refused = "The carrier refused the account's credentials or rights. It said: 3007"
    assert use_case.setup.breaker_reason.startswith(refused) is opened


def test_an_answer_lost_after_the_send_is_settled_by_the_same_key_and_sent_once(vendor: Simulator) -> None:
    use_case = make_use_case(make_setup(vendor))
    vendor.answers_after[SEND] = [500]
    vendor.loses_reports = True
    voicemail = queue(use_case, make_recording(use_case))
    work(lambda: state(voicemail)[0] == "accepted")
    assert vendor.ledger.requests[SEND] == 2
    assert vendor.ledger.accepted == {"+15550010001": 1}
    assert Drop.objects.count() == 1


def test_an_answer_lost_before_the_send_is_settled_by_the_same_key_and_sent_once(vendor: Simulator) -> None:
    use_case = make_use_case(make_setup(vendor))
    vendor.answers[SEND] = [502]
    voicemail = queue(use_case, make_recording(use_case))
    work(all_ended(vendor))
    assert state(voicemail) == DELIVERED
    assert vendor.ledger.accepted == {"+15550010001": 1}


def test_a_throttled_send_is_a_new_drop_later(vendor: Simulator) -> None:
    use_case = make_use_case(make_setup(vendor))
    vendor.answers[SEND] = [429]
    voicemail = queue(use_case, make_recording(use_case))
    work(all_ended(vendor))
    assert state(voicemail) == DELIVERED
    assert list(Drop.objects.order_by("number").values_list("status", "carrier_code")) == [
        ("not_sent", "http_429"),
        ("delivered", "0"),
    ]


def test_an_upload_that_storage_refuses_once_delays_and_loses_nothing(vendor: Simulator) -> None:
    use_case = make_use_case(make_setup(vendor))
    vendor.answers[STORE] = [403]
    voicemail = queue(use_case, make_recording(use_case))
    work(all_ended(vendor))
    assert state(voicemail) == DELIVERED
    assert (vendor.ledger.requests[CREATE], CarrierMedia.objects.get().attempts) == (2, 2)


def test_neither_the_number_nor_the_key_is_in_what_is_kept_readable(vendor: Simulator) -> None:
    use_case = make_use_case(make_setup(vendor))
    queue(use_case, make_recording(use_case), "0005")
    work(all_ended(vendor))
    with connection.cursor() as cursor:
        for table in ("delivery_drop", "delivery_carrierreport", "delivery_carriermedia", "delivery_voicemail"):
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE to_jsonb(t)::text LIKE '%%+15550010005%%'")
            assert cursor.fetchone() == (0,), table
