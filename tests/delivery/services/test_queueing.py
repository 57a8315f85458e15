"""Queueing voicemails: who is taken, who is refused and why, from which number, in which line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from delivery.models import Lane, LaneDelta, Voicemail, VoicemailReference
from delivery.services.voicemails import Recipient, api_lane, queue_voicemails
from rvm.platform.database.ids import time_of
from rvm.platform.errors import ServiceError
from tests.factories import make_lane, make_recording, make_setup, make_suppression, make_use_case, make_voicemail
from usecases.models import UseCase

NOW = datetime(2026, 3, 2, 15, 0, 0, 123_456, tzinfo=UTC)


def patient(number: int) -> Recipient:
    return Recipient(f"+1202555{number:04}")


def queue(use_case: UseCase, *recipients: Recipient | ServiceError, **options: Any) -> list[Voicemail | ServiceError]:
    recording = options.pop("recording", None) or make_recording(use_case.workspace)
    return queue_voicemails(
        **{"use_case": use_case, "recording": recording, "live": True, "recipients": recipients, "now": NOW, **options}
    )


def queue_one(use_case: UseCase, recipient: Recipient, **options: Any) -> Voicemail | ServiceError:
    [outcome] = queue(use_case, recipient, **options)
    return outcome


def refusal(outcome: Voicemail | ServiceError) -> tuple[str, str]:
    assert isinstance(outcome, ServiceError), "it was queued"
    return outcome.code, outcome.field


@pytest.mark.django_db
def test_a_voicemail_is_queued_with_everything_that_a_listing_shows() -> None:
    use_case = make_use_case()
    recording = make_recording(use_case.workspace)
    recipient = Recipient("+12025550142", "appointment-1", {"site": "north"})
    queued = queue_one(use_case, recipient, recording=recording)
    assert isinstance(queued, Voicemail)
    row = Voicemail.objects.get()
    assert row.pk == queued.pk
    assert (row.workspace, row.use_case, row.setup) == (use_case.workspace, use_case, use_case.setup)
    assert (row.recording, row.lane, row.live) == (recording, api_lane(use_case, True), True)
    assert (row.recipient, row.last4, row.sender) == ("+12025550142", "0142", use_case.phone_numbers.get().e164)
    assert (row.reference, row.metadata) == ("appointment-1", {"site": "north"})
    assert (row.status, row.reason, row.attempts, row.drop_id) == ("queued", "", 0, None)
    assert row.created_at == row.updated_at == row.not_before == time_of(row.pk)
    assert row.expires_at == row.created_at + timedelta(hours=72)


@pytest.mark.django_db
def test_the_line_counts_what_was_queued_in_one_delta() -> None:
    use_case = make_use_case()
    queue(use_case, patient(101), patient(102), Recipient("nonsense"))
    assert list(LaneDelta.objects.values_list("lane", "status", "reason", "delta")) == [
        (api_lane(use_case, True).pk, "queued", "", 2)
    ]


@pytest.mark.django_db
def test_the_bell_rings_once_after_the_commit(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    rings: list[str] = []
    monkeypatch.setattr("delivery.runtime.wakeups.wake", rings.append)
    with django_capture_on_commit_callbacks(execute=True):
        queue(make_use_case(), patient(101), patient(102))
        assert rings == []
    assert rings == ["dispatch"]
    with django_capture_on_commit_callbacks(execute=True):
        queue(make_use_case(), Recipient("nonsense"))
    assert rings == ["dispatch"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("recipient", "code", "field"),
    [
        (Recipient("2025550142"), "number_malformed", "recipient_phone_number"),
        (Recipient(""), "number_malformed", "recipient_phone_number"),
        (Recipient("+1 202 555 0142"), "number_malformed", "recipient_phone_number"),
        (Recipient("+12025550142; drop table"), "number_malformed", "recipient_phone_number"),
        (Recipient("+442079460958"), "number_country_not_opened", "recipient_phone_number"),
        (Recipient("+11115550142"), "number_not_valid", "recipient_phone_number"),
        (Recipient("+12025550142", "r" * 101), "too_long", "reference"),
        (Recipient("+12025550142", "", {"note": "x" * 2048}), "too_long", "metadata"),
    ],
)
def test_a_recipient_that_cannot_be_used_is_refused_by_name(recipient: Recipient, code: str, field: str) -> None:
    assert refusal(queue_one(make_use_case(), recipient)) == (code, field)
    assert not Voicemail.objects.exists()
    assert not VoicemailReference.objects.exists()
    assert not LaneDelta.objects.exists()


@pytest.mark.django_db
def test_metadata_of_endless_depth_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"a": deep}
    assert refusal(queue_one(make_use_case(), Recipient("+12025550142", "", deep))) == ("not_json", "metadata")


@pytest.mark.django_db
def test_a_country_that_the_workspace_opened_is_reached() -> None:
    use_case = make_use_case()
    use_case.workspace.countries = ["GB"]
    assert isinstance(queue_one(use_case, Recipient("+442079460958")), Voicemail)


@pytest.mark.django_db
def test_a_suppressed_number_is_blocked_in_its_own_workspace_only() -> None:
    use_case = make_use_case()
    make_suppression(use_case.workspace, "+12025550142")
    blocked, other = queue(use_case, patient(142), patient(143))
    assert refusal(blocked) == ("blocked.suppressed", "recipient_phone_number")
    assert isinstance(other, Voicemail)
    assert isinstance(queue_one(make_use_case(), patient(142)), Voicemail)


@pytest.mark.django_db
def test_a_suppression_under_an_older_index_key_still_blocks(keys: Callable[..., None]) -> None:
    use_case = make_use_case()
    make_suppression(use_case.workspace, "+12025550142")
    keys(index=(1, 2))
    assert refusal(queue_one(use_case, patient(142)))[0] == "blocked.suppressed"


@pytest.mark.django_db
def test_the_same_number_twice_in_a_batch_is_left_one_message() -> None:
    first, second = queue(make_use_case(), patient(101), patient(101))
    assert isinstance(first, Voicemail)
    assert refusal(second) == ("recipient_repeated", "recipient_phone_number")


@pytest.mark.django_db
def test_answers_stand_in_the_order_of_the_recipients() -> None:
    own = ServiceError("invalid", "This must be an object.")
    outcomes = queue(make_use_case(), own, patient(101), Recipient("nonsense"), patient(102), own, patient(103))
    assert [isinstance(outcome, Voicemail) for outcome in outcomes] == [False, True, False, True, False, True]
    assert outcomes[0] is outcomes[4] is own
    queued = [outcome for outcome in outcomes if isinstance(outcome, Voicemail)]
    assert [row.last4 for row in queued] == ["0101", "0102", "0103"]
    assert [row.pk for row in queued] == sorted(row.pk for row in queued)


@pytest.mark.django_db
def test_a_patient_keeps_the_number_seen_last_while_it_is_assigned() -> None:
    use_case = make_use_case(numbers=5)
    senders = list(use_case.phone_numbers.values_list("e164", flat=True))
    for sender in senders:
        make_voicemail(use_case, recipient="+12025550142", sender=sender)
        queued = queue_one(use_case, patient(142))
        assert isinstance(queued, Voicemail)
        assert queued.sender == sender
    use_case.assignments.filter(phone_number__e164=senders[-1]).delete()
    moved = queue_one(use_case, patient(142))
    assert isinstance(moved, Voicemail)
    assert moved.sender in senders[:-1]


@pytest.mark.django_db
def test_another_use_case_and_the_test_mode_do_not_decide_the_number() -> None:
    setup = make_setup()
    use_case = make_use_case(setup=setup, numbers=6)
    expected = queue_one(use_case, patient(142))
    assert isinstance(expected, Voicemail)
    expected.delete()
    other = make_use_case(setup=setup, numbers=use_case.phone_numbers.all())
    for sender in use_case.phone_numbers.exclude(e164=expected.sender).values_list("e164", flat=True):
        make_voicemail(other, recipient="+12025550142", sender=sender)
        make_voicemail(use_case, recipient="+12025550142", sender=sender, live=False)
    again = queue_one(use_case, patient(142))
    assert isinstance(again, Voicemail)
    assert again.sender == expected.sender


@pytest.mark.django_db
def test_the_number_seen_last_is_found_under_an_older_index_key(keys: Callable[..., None]) -> None:
    use_case = make_use_case(numbers=8)
    senders = list(use_case.phone_numbers.values_list("e164", flat=True))
    seen = {f"+120255501{place:02}": sender for place, sender in enumerate(senders)}
    for number, sender in seen.items():
        make_voicemail(use_case, recipient=number, sender=sender)
    keys(index=(1, 2))
    outcomes = queue(use_case, *map(Recipient, seen))
    assert [outcome.sender for outcome in outcomes if isinstance(outcome, Voicemail)] == senders
    assert {row.index_key for row in outcomes if isinstance(row, Voicemail)} == {2}


@pytest.mark.django_db
def test_patients_are_spread_over_the_numbers() -> None:
    use_case = make_use_case(numbers=4)
    outcomes = queue(use_case, *(patient(number) for number in range(100, 200)))
    assert {outcome.sender for outcome in outcomes if isinstance(outcome, Voicemail)} == set(
        use_case.phone_numbers.values_list("e164", flat=True)
    )


@pytest.mark.django_db
def test_sandbox_numbers_are_taken_only_where_no_person_can_be_reached() -> None:
    simulated = make_use_case()
    assert isinstance(queue_one(simulated, Recipient("+15550010001")), Voicemail)
    live = make_use_case(setup=make_setup(simulated.workspace, carrier="drop_cowboy", credentials={}))
    assert refusal(queue_one(live, Recipient("+15550010001")))[0] == "number_sandbox_only"
    assert isinstance(queue_one(live, Recipient("+15550010001"), live=False), Voicemail)


@pytest.mark.django_db
def test_a_reference_is_unique_in_its_workspace_for_ever() -> None:
    use_case = make_use_case()
    first = queue_one(use_case, Recipient("+12025550142", "appointment-1"))
    assert isinstance(first, Voicemail)
    Voicemail.objects.all().delete()  # purged one day
    second = queue_one(use_case, Recipient("+12025550143", "appointment-1"))
    assert refusal(second) == ("reference_used", "reference")
    assert isinstance(second, ServiceError)
    assert second.facts == {"voicemail_id": first.pk}
    assert isinstance(queue_one(make_use_case(), Recipient("+12025550142", "appointment-1")), Voicemail)


@pytest.mark.django_db
def test_a_reference_twice_in_a_batch_names_the_first_of_them() -> None:
    use_case = make_use_case()
    earlier = queue_one(use_case, Recipient("+12025550100", "a"))
    used, first, second = queue(
        use_case, Recipient("+12025550101", "a"), Recipient("+12025550102", "b"), Recipient("+12025550103", "b")
    )
    assert isinstance(earlier, Voicemail)
    assert isinstance(first, Voicemail)
    assert isinstance(used, ServiceError)
    assert isinstance(second, ServiceError)
    assert used.facts == {"voicemail_id": earlier.pk}
    assert second.facts == {"voicemail_id": first.pk}
    assert Voicemail.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_same_reference_from_two_sides_at_once_is_one_voicemail() -> None:
    use_case = make_use_case()
    recording = make_recording(use_case.workspace)
    references = [f"appointment-{number}" for number in range(20)]
    outcomes: list[list[Voicemail | ServiceError]] = []
    barrier = Barrier(2)

    def send(order: list[str], area: int) -> None:
        try:
            barrier.wait(10)
            people = [Recipient(f"+1{area}555{100 + place:04}", name) for place, name in enumerate(order)]
            outcomes.append(queue(use_case, *people, recording=recording))
        finally:
            connection.close()

    # In opposite orders: whoever locked in the order given would wait for the other for ever.
    threads = [Thread(target=send, args=(references, 202)), Thread(target=send, args=(references[::-1], 303))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    queued = {row.reference: row.pk for answer in outcomes for row in answer if isinstance(row, Voicemail)}
    refused = [row for answer in outcomes for row in answer if isinstance(row, ServiceError)]
    assert sorted(queued) == sorted(references)
    assert Voicemail.objects.count() == len(refused) == 20
    assert {row.facts["voicemail_id"] for row in refused} == set(queued.values())
    assert Lane.objects.count() == 1


@pytest.mark.django_db
def test_a_time_to_come_is_kept_and_the_expiry_counts_from_it() -> None:
    queued = queue_one(make_use_case(expires_after_hours=5), patient(101), not_before=NOW + timedelta(days=2))
    assert isinstance(queued, Voicemail)
    assert queued.not_before == NOW + timedelta(days=2)
    assert queued.expires_at == NOW + timedelta(days=2, hours=5)


@pytest.mark.django_db
def test_a_time_that_has_passed_means_now() -> None:
    queued = queue_one(make_use_case(), patient(101), not_before=NOW - timedelta(days=9))
    assert isinstance(queued, Voicemail)
    assert queued.not_before == queued.created_at


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("times", "code", "field"),
    [
        ({"not_before": NOW + timedelta(days=367)}, "too_late", "not_before"),
        ({"not_before": datetime.max.replace(tzinfo=UTC)}, "too_late", "not_before"),
        ({"expires_at": NOW - timedelta(seconds=1)}, "too_early", "expires_at"),
        ({"not_before": NOW + timedelta(days=2), "expires_at": NOW + timedelta(days=1)}, "too_early", "expires_at"),
        ({"expires_at": datetime.max.replace(tzinfo=UTC)}, "too_late", "expires_at"),
    ],
)
def test_times_that_make_no_sense_refuse_the_whole_call(times: dict[str, datetime], code: str, field: str) -> None:
    with pytest.raises(ServiceError) as caught:
        queue(make_use_case(), patient(101), **times)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert not Voicemail.objects.exists()


@pytest.mark.django_db
def test_a_campaign_brings_its_own_line() -> None:
    lane = make_lane()
    queued = queue_one(lane.use_case, patient(101), lane=lane)
    assert isinstance(queued, Voicemail)
    assert queued.lane == lane
    assert not Lane.objects.filter(for_api=True).exists()


@pytest.mark.django_db
def test_live_and_test_sends_of_a_use_case_have_a_line_each() -> None:
    use_case = make_use_case()
    assert api_lane(use_case, True) == api_lane(use_case, True)
    assert api_lane(use_case, True) != api_lane(use_case, False)


@pytest.mark.django_db
@pytest.mark.parametrize("switch", ["workspace", "use_case"])
def test_behind_a_kill_switch_voicemails_are_queued_and_wait(switch: str) -> None:
    use_case = make_use_case()
    switched = use_case.workspace if switch == "workspace" else use_case
    switched.sending_enabled = False
    switched.save()
    assert isinstance(queue_one(UseCase.objects.get(), patient(101)), Voicemail)


@pytest.mark.django_db
def test_a_use_case_that_cannot_send_refuses_the_whole_call() -> None:
    for use_case, live, code in (
        (make_use_case(numbers=0), True, "no_number_assigned"),
        (make_use_case(setup=make_setup(enabled=False)), True, "setup_disabled"),
        (make_use_case(setup=make_setup(carrier="other")), False, "no_sandbox_setup"),
    ):
        with pytest.raises(ServiceError) as caught:
            queue(use_case, patient(101), live=live)
        assert caught.value.code == code
    assert not Voicemail.objects.exists()


@pytest.mark.django_db
def test_a_thousand_take_as_many_queries_as_one() -> None:
    use_case = make_use_case(numbers=3)
    api_lane(use_case, True)
    recording = make_recording(use_case.workspace)
    with CaptureQueriesContext(connection) as one:
        queue(use_case, Recipient("+12025550100", "first"), recording=recording)
    areas = (202, 203, 205, 206, 207, 208, 209, 210, 212, 213)
    people = [Recipient(f"+1{area}555{100 + last:04}", f"{area}-{last}") for area in areas for last in range(100)]
    with CaptureQueriesContext(connection) as thousand:
        outcomes = queue(use_case, *people, recording=recording)
    assert sum(isinstance(outcome, Voicemail) for outcome in outcomes) == 1000
    assert len(thousand) == len(one)
