"""What a suppression stops: what waits ends at once, every later claim skips, and a lift binds the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from campaigns.planning.audience import audience_groups
from delivery.engine import claim as claims
from delivery.engine.claim import ClaimedBatch, claim
from delivery.engine.lane_routes import active_routes
from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import REASONS, Reason
from delivery.models import Voicemail
from delivery.reports.inbox import merge, receive
from delivery.services import suppressions
from delivery.services.suppressions import end_left_waiting, stopped_by
from delivery.worker import tick
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.encryption.keys import KeyRing
from rvm.platform.models import Workspace
from tests.campaigns.opt_outs.lists import imported
from tests.delivery.states import make_submitted, state
from tests.factories import RECIPIENT, make_campaign, make_use_case, make_voicemail, make_workspace, patient_number
from tests.sessions import Session
from usecases.models import Suppression, UseCase
from usecases.services.suppressions import lift, suppress_number
from usecases.suppression_kinds import SuppressionKind
from usecases.suppressions import Statement, suppress, suppress_all, suppress_index

PERSON = Suppression.Source.PERSON
OTHER = "+12025550143"
LEASE = timedelta(seconds=45)


def claim_all() -> ClaimedBatch:
    """One claim of every active lane, as workers make them; the last one's batch."""
    now = database_now()
    batch = ClaimedBatch([], 0)
    for route in active_routes(now, 100):
        batch = claim(route, 100, now, LEASE)
    return batch


def waiting(use_case: UseCase, number: str = RECIPIENT, **fields: Any) -> Voicemail:
    return make_voicemail(use_case, recipient=number, **fields)


def states(*voicemails: Voicemail) -> list[str]:
    found = dict(Voicemail.objects.values_list("pk", "status"))
    return [found[voicemail.pk] for voicemail in voicemails]


@pytest.fixture
def rotated() -> Iterator[None]:
    """A new index key has become current; rows still carry the old one's indexes."""
    before = settings.RVM_INDEX_KEYS
    settings.RVM_INDEX_KEYS = KeyRing(keys={**before.keys, 2: bytes(32)}, current=2)
    blind_index.cache_clear()
    yield
    settings.RVM_INDEX_KEYS = before
    blind_index.cache_clear()


# at once


def by_hand(use_case: UseCase) -> None:
    suppress_number(
        workspace=use_case.workspace, number=RECIPIENT, kind=SuppressionKind.OPT_OUT, source=PERSON, actor=None
    )


def by_a_report(use_case: UseCase) -> None:
    drop = make_submitted("accepted", use_case=use_case)
    receive(drop.setup_id, b"{}", [Report(drop.id, ReportStatus.FAILED, timezone.now(), reason=Reason.OPTED_OUT)])
    merge(timezone.now())


def by_a_list(use_case: UseCase) -> None:
    imported(use_case.workspace, f"Phone\n{RECIPIENT}\n")


def by_its_index(use_case: UseCase) -> None:
    index = blind_index()
    suppress_index(
        workspace_id=use_case.workspace_id,
        number_index=index.of(use_case.workspace_id, RECIPIENT),
        index_key=index.current,
        last4="0142",
        reason="opted_out",
    )


@pytest.mark.django_db
@pytest.mark.parametrize("by", [by_hand, by_a_list, by_its_index])
def test_what_waits_for_the_number_in_the_workspace_ends_at_once(by: Callable[[UseCase], None]) -> None:
    use_case = make_use_case()
    held = make_campaign(make_use_case(use_case.workspace), state="scheduled").lane
    now_due, in_a_lane, tested = waiting(use_case), waiting(use_case, lane=held), waiting(use_case, live=False)
    other, elsewhere = waiting(use_case, OTHER), waiting(make_use_case())
    by(use_case)
    assert states(now_due, in_a_lane, tested, other, elsewhere) == ["skipped"] * 3 + ["queued"] * 2
    now_due.refresh_from_db()
    assert (now_due.reason, now_due.ended_at is not None) == ("suppressed", True)
    assert not Suppression.objects.filter(waiting=True).exists()


@pytest.mark.django_db
def test_what_waits_for_somebody_who_opted_out_by_a_report_ends_in_the_next_tick() -> None:
    use_case = make_use_case()
    voicemails = [waiting(use_case) for _ in range(2)]
    by_a_report(use_case)
    assert states(*voicemails) == ["queued"] * 2
    assert [end_left_waiting(database_now()) for _ in range(2)] == [1, 0]
    assert states(*voicemails) == ["skipped"] * 2


@pytest.mark.django_db
def test_what_is_taken_back_with_its_transaction_has_ended_nothing() -> None:
    use_case = make_use_case()
    voicemail = waiting(use_case)
    with transaction.atomic():
        by_hand(use_case)
        transaction.set_rollback(True)
    assert states(voicemail) == ["queued"]


@pytest.mark.django_db
def test_what_is_under_way_goes_on_and_a_retry_of_it_is_skipped_by_its_claim() -> None:
    use_case = make_use_case(max_attempts=3)
    drop = make_submitted("accepted", use_case=use_case)
    by_hand(use_case)
    assert state(drop)[0] == "accepted"
    receive(drop.setup_id, b"{}", [Report(drop.id, ReportStatus.FAILED, timezone.now(), reason=Reason.BUSY)])
    merge(timezone.now())
    Voicemail.objects.filter(status="queued").update(not_before=timezone.now() - timedelta(minutes=1))
    claim_all()
    assert Voicemail.objects.get().status == "skipped"


@pytest.mark.django_db
def test_a_voicemail_that_waits_again_after_a_failure_ends_too() -> None:
    use_case = make_use_case()
    voicemail = waiting(use_case, reason="not_sent", attempts=1)
    by_hand(use_case)
    assert states(voicemail) == ["skipped"]


@pytest.mark.django_db
def test_of_very_many_the_rest_is_left_to_the_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppressions, "MAX_ENDED", 2)
    use_case = make_use_case()
    voicemails = [waiting(use_case) for _ in range(5)]
    by_hand(use_case)
    assert sorted(states(*voicemails)) == ["queued"] * 3 + ["skipped"] * 2
    assert end_left_waiting in tick.STEPS
    assert [end_left_waiting(database_now()) for _ in range(3)] == [1, 1, 0]
    assert states(*voicemails) == ["skipped"] * 5


@pytest.mark.django_db
def test_what_was_lifted_meanwhile_ends_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppressions, "MAX_ENDED", 1)
    use_case = make_use_case()
    voicemails = [waiting(use_case) for _ in range(4)]
    row, _ = suppress(
        workspace_id=use_case.workspace_id, number=RECIPIENT, source=PERSON, kind=SuppressionKind.WRONG_NUMBER
    )
    lift(row, reason="It is hers.", actor=None, now=database_now())
    assert end_left_waiting(database_now()) == 0
    assert states(*voicemails).count("queued") == 3


@pytest.mark.django_db
def test_while_the_index_key_rotates_what_waits_under_the_older_key_ends(request: pytest.FixtureRequest) -> None:
    use_case = make_use_case()
    voicemail = waiting(use_case)
    request.getfixturevalue("rotated")
    by_hand(use_case)
    assert states(voicemail) == ["skipped"]
    row = Suppression.objects.get()
    assert row.index_key != voicemail.index_key
    assert [found.pk for found in stopped_by(row)] == [voicemail.pk]


@pytest.mark.django_db
def test_a_suppression_knows_what_it_has_stopped() -> None:
    use_case = make_use_case(purpose="wellness")
    earlier = waiting(use_case, status="skipped", reason="suppressed")
    Voicemail.objects.filter(pk=earlier.pk).update(ended_at=timezone.now() - timedelta(days=1))
    stopped, other = waiting(use_case), waiting(make_use_case(use_case.workspace, purpose="appointment"))
    row, _ = suppress(workspace_id=use_case.workspace_id, number=RECIPIENT, source=PERSON, purposes=["wellness"])
    waiting(use_case, status="skipped", reason="no_sender")
    assert states(stopped, other) == ["skipped", "queued"]
    assert [found.pk for found in stopped_by(row)] == [stopped.pk]


# purposes


@pytest.mark.django_db
def test_a_suppression_for_purposes_binds_use_cases_of_these_only() -> None:
    workspace = make_workspace()
    wellness, appointment = (make_use_case(workspace, purpose=purpose) for purpose in ("wellness", "appointment"))
    suppress(workspace_id=workspace.pk, number=RECIPIENT, source=PERSON, purposes=["wellness", "test_result"])
    first, second = waiting(wellness), waiting(appointment)
    claim_all()
    assert states(first, second) == ["skipped", "sending"]


@pytest.mark.django_db
def test_a_purpose_that_a_use_case_gets_binds_its_next_claim() -> None:
    use_case = make_use_case(purpose="appointment")
    suppress(workspace_id=use_case.workspace_id, number=RECIPIENT, source=PERSON, purposes=["wellness"])
    first = waiting(use_case)
    UseCase.objects.filter(pk=use_case.pk).update(purpose="wellness")
    claim_all()
    assert states(first) == ["skipped"]


@pytest.mark.django_db
@pytest.mark.parametrize(("purpose", "suppressed"), [("wellness", 2), ("appointment", 1)])
def test_the_preview_counts_by_the_purpose_of_the_use_case(
    purpose: str, suppressed: int, request: pytest.FixtureRequest
) -> None:
    campaign = make_campaign(make_use_case(purpose=purpose), 3)
    numbers = [patient_number(serial) for serial in range(3)]
    # Written past the services, as if their voicemails had been queued in the same moment.
    Suppression.objects.bulk_create(
        Suppression(
            workspace_id=campaign.workspace_id,
            number=number,
            number_index=blind_index().of(campaign.workspace_id, number),
            index_key=blind_index().current,
            last4=number[-4:],
            source=PERSON,
            purposes=purposes,
        )
        for number, purposes in ((numbers[0], []), (numbers[1], ["wellness"]))
    )
    for rotating in (False, True):
        if rotating:
            request.getfixturevalue("rotated")
        counted = sum(
            count
            for group, count in audience_groups(campaign.lane, at=database_now(), simulated=True).items()
            if group.suppressed
        )
        assert counted == suppressed


# the claim, against transactions of others


@pytest.mark.django_db(transaction=True)
def test_a_claim_waits_for_no_suppression_and_sends_nothing_that_is_being_suppressed() -> None:
    use_case = make_use_case()
    voicemail = waiting(use_case)
    with transaction.atomic():
        by_hand(use_case)
        assert Session(claim_all).result().claims == []  # the row is locked by who suppresses
    assert Session(claim_all).result().claims == []
    assert states(voicemail) == ["skipped"]


@pytest.mark.django_db(transaction=True)
def test_a_suppression_that_commits_after_a_claim_has_locked_its_rows_binds_that_claim(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_case = make_use_case()
    voicemail, other = waiting(use_case), waiting(use_case, OTHER)
    look = claims.are_suppressed

    def late(*arguments: Any, **options: Any) -> list[bool]:
        Session(lambda: by_hand(use_case)).result()  # it passes over the locked row, and commits
        return look(*arguments, **options)

    monkeypatch.setattr(claims, "are_suppressed", late)
    batch = claim_all()
    assert [claimed.voicemail_id for claimed in batch.claims] == [other.pk]
    assert states(voicemail) == ["skipped"]
    assert Suppression.objects.get().waiting
    end_left_waiting(database_now())
    assert not Suppression.objects.get().waiting


@pytest.mark.django_db(transaction=True)
def test_a_suppression_that_commits_after_the_look_of_a_claim_binds_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_case = make_use_case()
    claimed, put_off = waiting(use_case), waiting(use_case)
    look = claims.are_suppressed

    def early(*arguments: Any, **options: Any) -> list[bool]:
        found = look(*arguments, **options)
        Session(lambda: by_hand(use_case)).result()
        return found

    monkeypatch.setattr(claims, "are_suppressed", early)
    now = database_now()
    [route] = active_routes(now, 100)
    assert len(claim(route, 1, now, LEASE).claims) == 1
    monkeypatch.undo()
    # What the claim had locked is left to the tick: one is sent by then, and none else is.
    end_left_waiting(database_now())
    assert sorted(states(claimed, put_off)) == ["sending", "skipped"]
    assert claim_all().claims == []


@pytest.mark.django_db(transaction=True)
def test_a_lift_binds_the_next_claim_and_a_later_no_binds_again() -> None:
    use_case = make_use_case()
    stays = waiting(use_case)
    row, _ = suppress(
        workspace_id=use_case.workspace_id, number=RECIPIENT, source=PERSON, kind=SuppressionKind.WRONG_NUMBER
    )
    with transaction.atomic():
        lift(row, reason="It is hers.", actor=None, now=database_now())
        unseen = waiting(use_case)
        assert Session(claim_all).result().claims == []
    again = waiting(use_case)
    claim_all()
    assert states(stays, unseen, again) == ["skipped", "sending", "sending"]
    last = waiting(use_case)
    by_hand(use_case)
    assert states(last) == ["skipped"]
    assert Suppression.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_no_that_arrives_during_a_lift_waits_for_it_and_binds() -> None:
    workspace = make_workspace()
    said: dict[str, Any] = {"workspace_id": workspace.pk, "number": RECIPIENT, "source": PERSON}
    row, _ = suppress(**said, kind=SuppressionKind.WRONG_NUMBER)
    with transaction.atomic():
        lift(row, reason="It is hers.", actor=None, now=database_now())
        other = Session(
            lambda: suppress_all([Statement(workspace.pk, RECIPIENT, "", SuppressionKind.WRONG_NUMBER)], PERSON)
        )
        other.wait_until_blocked()
    other.result()
    assert [row.active for row in Suppression.objects.order_by("id")] == [False, True]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_say_the_same_at_once_one_row_is_kept() -> None:
    workspace = make_workspace()

    def say() -> tuple[Suppression, bool]:
        return suppress(workspace_id=workspace.pk, number=RECIPIENT, source=PERSON)

    with transaction.atomic():
        first, created = say()
        second = Session(say)
        second.wait_until_blocked()
    row, again = second.result()
    assert (created, again, row.pk) == (True, False, first.pk)


def test_every_reason_of_a_carrier_that_suppresses_has_a_kind() -> None:
    kinds = {reason.value: facts.suppresses for reason, facts in REASONS.items() if facts.suppresses}
    assert kinds == {
        "do_not_call": SuppressionKind.DO_NOT_VOICEMAIL,
        "opted_out": SuppressionKind.OPT_OUT,
        "litigator": SuppressionKind.DO_NOT_VOICEMAIL,
        "number_reassigned": SuppressionKind.WRONG_NUMBER,
    }


@pytest.mark.django_db
@pytest.mark.parametrize("reason", [reason for reason, facts in REASONS.items() if facts.suppresses])
def test_what_a_carrier_reports_is_of_its_kind(workspace: Workspace, reason: Reason) -> None:
    drop = make_submitted("accepted", use_case=make_use_case(workspace))
    receive(drop.setup_id, b"{}", [Report(drop.id, ReportStatus.FAILED, timezone.now(), reason=reason)])
    merge(timezone.now())
    row = Suppression.objects.get()
    assert (row.kind, row.source, row.reason) == (REASONS[reason].suppresses, "carrier", reason.value)
