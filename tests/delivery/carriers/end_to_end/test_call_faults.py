"""Faults of calls, played by simulated vendors: what was not left is not delivered, and nobody is reached twice or kept in a call."""

from __future__ import annotations

from typing import Any

import pytest

from delivery.calls.commands import TALLY
from delivery.models import CallCommand, Drop
from delivery.web.gauges import tally
from rvm.simulators.framework.service import running
from rvm.simulators.vendors import signalwire, telnyx, twilio
from tests.delivery.carriers.end_to_end import runs
from usecases.models import TelephonySetup

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("as_runtime")]

TWIML = pytest.mark.parametrize("simulator", [twilio.Simulator, signalwire.Simulator], ids=["twilio", "signalwire"])
BOX, PERSON = "0001", "0020"


@pytest.fixture(autouse=True)
def _surroundings(settings: Any, live_server: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.surround(settings, live_server, tmp_path, monkeypatch)


@TWIML
def test_a_recording_that_is_never_had_for_as_long_as_it_lasts_is_not_delivered(
    simulator: type[twilio.Simulator],
) -> None:
    with running(simulator) as vendor:
        vendor.loses_recordings = vendor.goes_on = True
        use_case = runs.make_use_case(runs.make_setup(vendor))
        voicemail = runs.queue(use_case, runs.make_recording(use_case), BOX)
        runs.work(runs.all_ended(vendor))
        assert ("step", 200) in vendor.ledger.reports
        assert vendor.ledger.reports.count(("step", 200)) == 2  # answered, and asked what follows the recording
        assert not vendor.ledger.left
    assert runs.state(voicemail) == ("failed", "unreported")


@TWIML
def test_a_request_that_the_vendor_obeys_twice_leaves_one_message_and_is_not_repeated(
    simulator: type[twilio.Simulator],
) -> None:
    with running(simulator) as vendor:
        vendor.calls_twice = True
        use_case = runs.make_use_case(runs.make_setup(vendor), max_attempts=3, retry_minutes=1)
        voicemail = runs.queue(use_case, runs.make_recording(use_case), BOX)
        runs.work(runs.all_ended(vendor))
        assert vendor.ledger.ends.total() == 2
        assert vendor.ledger.summary()["left"] == 1
    assert runs.state(voicemail) == ("delivered", "")
    assert Drop.objects.count() == 1


def test_a_hang_up_that_is_refused_is_asked_for_again_under_its_key_until_the_call_ends() -> None:
    with running(telnyx.Simulator) as vendor:
        vendor.answers[telnyx.HANG_UP] = [503, 429]
        vendor.answers_after[telnyx.HANG_UP] = [500]  # obeyed, and answered with an error
        use_case = runs.make_use_case(runs.make_setup(vendor))
        voicemail = runs.queue(use_case, runs.make_recording(use_case), PERSON)
        runs.work(lambda: runs.all_ended(vendor)() and not CallCommand.objects.filter(ended_at=None).exists())
        assert vendor.ledger.requests[telnyx.HANG_UP] == 4
        assert vendor.ledger.overheard == {}
        assert vendor.ledger.violations == []
    assert runs.state(voicemail) == ("failed", "human_answered")
    assert tally(TALLY) == 0


def test_a_command_that_refuses_the_account_is_said_at_the_setup() -> None:
    with running(telnyx.Simulator) as vendor:
        vendor.answers[telnyx.HANG_UP] = [401]
        setup = runs.make_setup(vendor)
        use_case = runs.make_use_case(setup)
        runs.queue(use_case, runs.make_recording(use_case), PERSON)
        runs.work(lambda: TelephonySetup.objects.get(pk=setup.pk).breaker_until is not None)
        runs.work(runs.all_ended(vendor))
    assert "It said: 10009 Authentication failed" in TelephonySetup.objects.get(pk=setup.pk).breaker_reason
