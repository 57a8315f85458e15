"""From a queued voicemail to its end through the simulated Drop Cowboy: the real engine, the real transport, the real callback view.

The two jobs run in turn, as one worker would run them; results come back over HTTP to a live server.
"""

from __future__ import annotations

import time as clock
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import time
from typing import Any

import pytest
from django.db import connection
from django_rq import get_connection

from delivery.engine.dispatcher import Claimed, Dispatcher, boot_clock
from delivery.engine.rate_limit import RateLimiter
from delivery.models import CarrierMedia, CarrierReport, Drop, Recording, Voicemail
from delivery.recordings.carrier_media import upload_one
from delivery.recordings.recordings import store_recording
from delivery.reports.inbox import merge
from delivery.reports.reconciliation import reconcile
from delivery.transport.curl import CurlTransport
from rvm.platform.database.clock import database_now
from rvm.simulators.framework.service import running
from rvm.simulators.vendors.drop_cowboy import COMPLETE, CREATE, SEND, SIMULATED, STORE, Simulator
from tests import factories
from tests.delivery.audio.mp3_bytes import encoded
from tests.delivery.fake_carrier import Inline
from usecases.models import Suppression, TelephonySetup, UseCase

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
    settings.RVM_PUBLIC_URL = live_server.url
    settings.MEDIA_ROOT = str(tmp_path)
    get_connection("dispatch").flushdb()


def make_setup(vendor: Simulator, **credentials: str) -> TelephonySetup:
    return factories.make_setup(
        carrier="drop_cowboy",
        credentials=vendor.credentials | {"signing_secret": vendor.signing_secret} | credentials,
        pace_per_second=1000,
        simulated=True,
    )


def make_use_case(setup: TelephonySetup, **fields: Any) -> UseCase:
    return factories.make_use_case(
        setup=setup, max_attempts=1, window_start=time(0), window_end=time(23, 59, 59), **fields
    )


def make_recording(use_case: UseCase) -> Recording:
    return factories.attested(store_recording(use_case.workspace, "Reminder", encoded(12)))


def queue(use_case: UseCase, recording: Recording, last4: str = "0001") -> Voicemail:
    return factories.make_voicemail(use_case, recording=recording, recipient=f"+1555001{last4}")


def work(vendor: Simulator, done: Callable[[], bool], seconds: float = 40) -> None:
    """Both jobs in turn until `done`."""
    deadline = clock.monotonic() + seconds
    while not done():
        assert clock.monotonic() < deadline, f"waited {seconds:g} s; {statuses()}"
        transport: CurlTransport[Claimed] = CurlTransport(total_timeout=15)
        limiter = RateLimiter(get_connection("dispatch"), "worker-1")
        Dispatcher(transport, limiter, Inline(), http_timeout=15).run(5)
        transport.close()
        asking: CurlTransport[Any] = CurlTransport(total_timeout=15)
        while merge(database_now()):
            pass
        reconcile(asking, limiter)
        upload_one(asking, database_now, boot_clock)
        asking.close()
        no_wait()


def no_wait() -> None:
    """What the engine lets rest for seconds comes at once; a test has no use for the time in between."""
    Voicemail.objects.filter(status="queued", not_before__gt=database_now()).update(not_before=database_now())
    Drop.objects.filter(status="uncertain", due_at__gt=database_now()).update(due_at=database_now())
    CarrierMedia.objects.filter(state="failed").update(due_at=database_now())


def statuses() -> Counter[tuple[str, str]]:
    return Counter(Voicemail.objects.values_list("status", "reason"))


def all_ended(vendor: Simulator) -> Callable[[], bool]:
    def done() -> bool:
        open_ones = Voicemail.objects.filter(ended_at=None).exists()
        return not open_ones and not vendor.pending and not CarrierReport.objects.filter(merged_at=None).exists()

    return done


def test_the_table_of_ends_names_every_simulated_number() -> None:
    assert ENDS.keys() == SIMULATED.keys()


@pytest.mark.parametrize("signed", [False, True], ids=["post-backs alone", "post-backs and webhooks"])
def test_every_simulated_number_comes_to_its_end(vendor: Simulator, live_server: Any, signed: bool) -> None:
    use_case = make_use_case(make_setup(vendor, **({} if signed else {"signing_secret": ""})))
    if signed:
        vendor.webhook_url = f"{live_server.url}/carriers/{factories.fixed_token(use_case.setup)}/"
    recording = make_recording(use_case)
    voicemails = {last4: queue(use_case, recording, last4) for last4 in SIMULATED}
    work(vendor, all_ended(vendor))
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


def state(voicemail: Voicemail) -> tuple[str, str]:
    voicemail.refresh_from_db()
    return voicemail.status, voicemail.reason


def test_fifty_voicemails_through_two_setups_upload_their_recording_twice(vendor: Simulator) -> None:
    first = make_use_case(make_setup(vendor))
    second = make_use_case(
        factories.make_setup(first.workspace, carrier="drop_cowboy", credentials=vendor.credentials, simulated=True)
    )
    recording = make_recording(first)
    for use_case in (first, second):
        for _ in range(25):
            queue(use_case, recording)
    work(vendor, all_ended(vendor))
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
    work(vendor, all_ended(vendor))
    assert [state(voicemail) for voicemail in voicemails] == [DELIVERED, ("failed", "busy")]
    assert [kind for kind, _ in vendor.ledger.reports] == ["webhook", "webhook"]


def test_post_backs_suppress_nobody_where_a_signing_secret_is_set_up(vendor: Simulator) -> None:
    use_case = make_use_case(make_setup(vendor))
    recording = make_recording(use_case)
    voicemails = {last4: queue(use_case, recording, last4) for last4 in LISTED}
    work(vendor, all_ended(vendor))
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
    work(vendor, CarrierMedia.objects.filter(state="ready").exists)
    # Not by the service, which would have the recording uploaded anew: the vendor has revoked the key.
    use_case.setup.credentials = vendor.credentials | {"key": "revoked", "signing_secret": secret}
    use_case.setup.save(update_fields=["credentials"])
    work(vendor, all_ended(vendor))
    assert state(voicemail) == ("failed", "carrier_account")
    assert voicemail.carrier_code == "3007"
    assert vendor.ledger.accepted == {}
    use_case.setup.refresh_from_db()
    assert use_case.setup.breaker_reason == (
        "The carrier refused the account's credentials or rights." if opened else ""
    )


def test_an_answer_lost_after_the_send_is_settled_by_the_same_key_and_sent_once(vendor: Simulator) -> None:
    use_case = make_use_case(make_setup(vendor))
    vendor.answers_after[SEND] = [500]
    vendor.loses_reports = True
    voicemail = queue(use_case, make_recording(use_case))
    work(vendor, lambda: state(voicemail)[0] == "accepted")
    assert vendor.ledger.requests[SEND] == 2
    assert vendor.ledger.accepted == {"+15550010001": 1}
    assert Drop.objects.count() == 1


def test_an_answer_lost_before_the_send_is_settled_by_the_same_key_and_sent_once(vendor: Simulator) -> None:
    use_case = make_use_case(make_setup(vendor))
    vendor.answers[SEND] = [502]
    voicemail = queue(use_case, make_recording(use_case))
    work(vendor, all_ended(vendor))
    assert state(voicemail) == DELIVERED
    assert vendor.ledger.accepted == {"+15550010001": 1}


def test_a_throttled_send_is_a_new_drop_later(vendor: Simulator) -> None:
    use_case = make_use_case(make_setup(vendor))
    vendor.answers[SEND] = [429]
    voicemail = queue(use_case, make_recording(use_case))
    work(vendor, all_ended(vendor))
    assert state(voicemail) == DELIVERED
    assert list(Drop.objects.order_by("number").values_list("status", "carrier_code")) == [
        ("not_sent", "http_429"),
        ("delivered", "0"),
    ]


def test_an_upload_that_storage_refuses_once_delays_and_loses_nothing(vendor: Simulator) -> None:
    use_case = make_use_case(make_setup(vendor))
    vendor.answers[STORE] = [403]
    voicemail = queue(use_case, make_recording(use_case))
    work(vendor, all_ended(vendor))
    assert state(voicemail) == DELIVERED
    assert (vendor.ledger.requests[CREATE], CarrierMedia.objects.get().attempts) == (2, 2)


def test_neither_the_number_nor_the_key_is_in_what_is_kept_readable(vendor: Simulator) -> None:
    use_case = make_use_case(make_setup(vendor))
    queue(use_case, make_recording(use_case), "0005")
    work(vendor, all_ended(vendor))
    with connection.cursor() as cursor:
        for table in ("delivery_drop", "delivery_carrierreport", "delivery_carriermedia", "delivery_voicemail"):
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE to_jsonb(t)::text LIKE '%%+15550010005%%'")
            assert cursor.fetchone() == (0,), table
