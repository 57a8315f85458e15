"""Numbers of voicemails are removed with time: what goes, what stays, and what is left alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.people.search import by_identifier
from delivery.exports import export_rows
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import TERMINAL, VoicemailStatus
from delivery.models import KeptDecision, Voicemail, VoicemailIdentifier
from delivery.retention import numbers
from delivery.retention.numbers import count, purge
from delivery.selectors.filters import VoicemailFilter
from delivery.selectors.voicemails import voicemails
from delivery.services.retries import LeftOut, requeue_failed, retry
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import RetentionRule, Workspace
from rvm.platform.retention import holds
from rvm.platform.retention_kinds import TERMS, RetentionKind
from rvm.platform.times import moments
from tests.factories import RECIPIENT, make_api, make_campaign, make_lane, make_use_case, make_user, make_voicemail

pytestmark = pytest.mark.django_db

NUMBERS = RetentionKind.NUMBERS
DAYS = timedelta(days=TERMS[NUMBERS].days or 0)
PERSON: dict[str, Any] = {
    "record_number": "MRN-1",
    "merge_fields": {"name": "Ana Alder"},
    "metadata": {"site": "north"},
    "zones": ["America/New_York", "state:NY"],
    "reference": "visit-1",
}


def ended(status: str = "delivered", *, ago: timedelta = DAYS + timedelta(hours=1), **fields: Any) -> Voicemail:
    return make_voicemail(status=status, ended_at=database_now() - ago, **fields)


def purged(workspace: Workspace) -> int:
    return sum(purge(workspace.pk, database_now()))


def removed(*rows: Voicemail) -> list[bool]:
    for row in rows:
        row.refresh_from_db()
    return [row.recipient is None for row in rows]


def test_what_is_known_of_a_person_goes_and_the_rest_of_the_voicemail_stays() -> None:
    before = ended("failed", reason="busy", **PERSON)
    KeptDecision.objects.create(
        voicemail=before,
        step="claim",
        decision="defer",
        decided_at=database_now(),
        facts={"zones": ["America/New_York"]},
    )
    assert purged(before.workspace) == 1
    row = Voicemail.objects.get(pk=before.pk)
    assert (row.recipient, row.last4, row.record_number, row.merge_fields, row.metadata, row.zones) == (
        None,
        "",
        None,
        None,
        None,
        None,
    )
    assert row.number_removed_at is not None
    assert row.masked_recipient == f"number removed on {moments.day(row.number_removed_at)}"
    for name in ("status", "reason", "ended_at", "created_at", "reference", "recipient_index", "lane_id", "attempts"):
        assert getattr(row, name) == getattr(before, name), name
    entry = VoicemailIdentifier.objects.get(voicemail=row)
    assert entry.record_number is None
    assert entry.reference is not None
    assert not KeptDecision.objects.exists()
    assert purged(before.workspace) == 0


def test_what_may_still_be_sent_or_settled_and_what_is_not_old_enough_keeps_its_number() -> None:
    use_case = make_use_case()
    waiting = [
        make_voicemail(use_case, status=status, ended_at=None, created_at=database_now() - 2 * DAYS)
        for status in set(VoicemailStatus) - TERMINAL
    ]
    young = ended(ago=DAYS - timedelta(hours=1), use_case=use_case)
    assert purged(use_case.workspace) == 0
    assert not any(removed(young, *waiting))


def test_the_database_keeps_the_number_of_whoever_is_to_be_reached() -> None:
    voicemail = make_voicemail()
    with pytest.raises(IntegrityError, match="delivery_number_while_sent"), transaction.atomic():
        Voicemail.objects.filter(pk=voicemail.pk).update(recipient=None)


def test_a_workspace_keeps_numbers_for_as_long_as_it_says() -> None:
    ours, theirs = ended(ago=timedelta(days=31)), ended(ago=timedelta(days=31))
    RetentionRule.objects.create(workspace=ours.workspace, kind=NUMBERS, days=30)
    assert purged(ours.workspace) == purged(theirs.workspace) + 1
    assert removed(ours, theirs) == [True, False]


def test_a_hold_keeps_the_people_of_its_campaign_or_all_of_its_workspace() -> None:
    use_case = make_use_case()
    held, other = (ended(lane=make_lane(use_case)) for _ in range(2))
    workspace = use_case.workspace
    hold = holds.place(workspace, campaign_id=held.lane_id, name="Flu", reason="Alder v. Clinic", actor=None)
    whole = holds.place(workspace, campaign_id=None, name="All", reason="Audit", actor=None)
    assert (count(workspace.pk, database_now()), purged(workspace)) == (0, 0)
    holds.lift(whole, reason="Done", actor=None, now=database_now())
    assert (count(workspace.pk, database_now()), purged(workspace)) == (1, 1)
    assert removed(held, other) == [False, True]
    holds.lift(hold, reason="Settled", actor=None, now=database_now())
    assert purged(workspace) == 1


def test_small_steps_reach_all_and_pass_over_what_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "STEP_ROWS", 3)
    use_case = make_use_case()
    lanes = [make_lane(use_case) for _ in range(2)]
    moment = database_now() - DAYS - timedelta(hours=1)
    rows = [make_voicemail(lane=lanes[place % 2], status="canceled", ended_at=moment) for place in range(10)]
    holds.place(use_case.workspace, campaign_id=lanes[0].pk, name="Flu", reason="Alder", actor=None)
    assert sum(purge(use_case.workspace_id, database_now())) == 5
    assert removed(*rows) == [False, True] * 5


def test_a_look_with_nothing_to_do_reads_the_index_of_what_is_left() -> None:
    workspace = ended(ago=timedelta(days=1)).workspace
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN " + numbers._FIND_ENDED,
            [workspace.pk, database_now() - DAYS, database_now() - 2 * DAYS, workspace.pk, 500],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "voicemail_to_purge" in plan
    assert "Sort" not in plan


def test_a_purged_voicemail_is_not_sent_again_and_its_lane_leaves_it_out() -> None:
    voicemail = ended("failed", reason="busy")
    assert purged(voicemail.workspace) == 1
    with pytest.raises(ServiceError, match=r"Its number was removed on .* nothing can be sent") as refused:
        retry(voicemail, actor=None, now=database_now())
    assert refused.value.code == "not_retryable"
    with transaction.atomic():
        found = requeue_failed(
            voicemail.lane,
            {Reason.BUSY},
            since=database_now(),
            after=voicemail.workspace_id,
            expires_at=None,
            limit=10,
            now=database_now(),
        )
    assert (found.queued, found.left_out) == (0, {LeftOut.NUMBER_REMOVED: 1})


@pytest.mark.parametrize("sees", [True, False])
def test_pages_lists_exports_and_searches_say_that_the_number_was_removed(client: Client, sees: bool) -> None:
    voicemail = ended(**PERSON)
    workspace = voicemail.workspace
    purged(workspace)
    voicemail.refresh_from_db()
    said = voicemail.masked_recipient
    client.force_login(make_user(workspace=workspace, is_staff=True, may_see_numbers=sees))
    page = client.get(f"/admin/delivery/voicemail/{voicemail.pk}/change/")
    assert said in page.content.decode()
    assert said in client.get("/admin/delivery/voicemail/", {"workspace": workspace.pk}).content.decode()
    followed = client.get(f"/admin/people/of-voicemail/{voicemail.pk}/", follow=True).content.decode()
    assert (
        f"The number of this voicemail was removed on {said.removeprefix('number removed on ')}, so its recipient has no page."
        in followed
    )
    header, row = export_rows(voicemails(workspace, live=None), reveal=sees)
    assert dict(zip(header, row, strict=True))["recipient_phone_number"] == said
    api = make_api(workspace, live=True)
    shown = api.get(f"voicemail/{voicemail.pk}").json()
    assert (shown["recipient_phone_number"], shown["record_number"], shown["metadata"]) == (None, None, None)
    assert shown["number_removed_at"]
    assert [match.removed_at for match in by_identifier(workspace, reference="visit-1", live=None, limit=9).items] == [
        voicemail.number_removed_at
    ]
    assert by_identifier(workspace, record_number="MRN-1", live=None, limit=9).items == []
    assert voicemails(workspace, VoicemailFilter(recipient=RECIPIENT), live=None).count() == 1


def test_a_campaign_of_purged_people_still_counts_them() -> None:
    campaign = make_campaign(count=2, state="completed")
    Voicemail.objects.filter(lane=campaign.lane).update(
        status="delivered", ended_at=database_now() - DAYS - timedelta(hours=1)
    )
    assert purged(campaign.workspace) == 2
    assert Voicemail.objects.filter(lane=campaign.lane, status="delivered").count() == 2


class EveryVoicemail(TestCase):
    @settings(max_examples=40)
    @given(
        st.lists(
            st.tuples(st.sampled_from(list(VoicemailStatus)), st.integers(-3, 3), st.booleans()), min_size=1, max_size=6
        )
    )
    def test_loses_its_number_if_and_only_if_it_ended_before_the_days_and_is_not_held(
        self, drawn: list[tuple[VoicemailStatus, int, bool]]
    ) -> None:
        use_case = make_use_case()
        held, free = make_lane(use_case), make_lane(use_case)
        holds.place(use_case.workspace, campaign_id=held.pk, name="A", reason="B", actor=None)
        now, rows = database_now(), []
        for status, days, is_held in drawn:
            at = now - DAYS - timedelta(days=days, hours=1) if status in TERMINAL else None
            rows.append(make_voicemail(lane=held if is_held else free, status=status, ended_at=at))
        assert count(use_case.workspace_id, now - DAYS) == sum(purge(use_case.workspace_id, now))
        assert removed(*rows) == [status in TERMINAL and days >= 0 and not is_held for status, days, is_held in drawn]
