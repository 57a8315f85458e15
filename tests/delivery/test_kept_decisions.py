"""What was withheld says why: its latest decision is kept with the facts, and they give the same decision again."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench.api.statements import traced
from delivery.admin import guard_labels
from delivery.carriers.sandbox import Sandbox
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.kept_decisions import Withheld, keep, kept_decision
from delivery.models import Drop, KeptDecision, KeptPolicy, Voicemail
from delivery.services.eligibility import waiting_for
from delivery.services.retries import retry
from delivery.services.suppressions import end_left_waiting
from rvm.platform.models import Workspace
from rvm.platform.roles import Role
from tests.factories import Api, make_suppression, make_use_case, make_user, make_voicemail
from usecases.eligibility import Decision, Defer, DeferReason, Expire, Guard, Send, Skip, decide, explain
from usecases.facts_json import PLAIN
from usecases.models import StateFreeze, Suppression, UseCase
from usecases.suppressions import suppress

pytestmark = pytest.mark.django_db

MONDAY_NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)  # in New York
NIGHT = datetime(2026, 3, 3, 4, tzinfo=UTC)  # 23:00 in New York
MORNING = datetime(2026, 3, 3, 14, tzinfo=UTC)  # 09:00 in New York
USUAL: dict[str, Any] = {
    "window_start": time(9),
    "window_end": time(20),
    "days": [1, 2, 3, 4, 5, 6],
    "sends_on_holidays": False,
}
NEW_YORK = "+12125550142"
PEOPLE = [NEW_YORK, "+14015550143", "+15045550144", "+13055550145", "+12705550146", "+18085550147", "+17875550148"]
MOMENTS = [
    MONDAY_NOON, NIGHT, datetime(2026, 11, 26, 17, tzinfo=UTC), datetime(2026, 3, 1, 18, tzinfo=UTC),
    datetime(2026, 3, 8, 6, 30, tzinfo=UTC), datetime(2026, 7, 3, 23, 30, tzinfo=UTC),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _carrier_that_reaches_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)
    monkeypatch.setattr(Sandbox, "max_delivery_delay", timedelta(minutes=15))


@pytest.fixture
def use_case(workspace: Workspace) -> UseCase:
    return make_use_case(workspace, **USUAL)


def wait(use_case: UseCase, at: datetime, number: str = NEW_YORK, **fields: Any) -> Voicemail:
    return make_voicemail(
        use_case, recipient=number, **{"not_before": at, "expires_at": at + timedelta(days=9), **fields}
    )


def claim_all(at: datetime) -> None:
    for route in active_routes(at, 1000):
        claim(route, 1000, at, timedelta(seconds=60))


def again(kept: KeptDecision) -> Decision:
    return decide(kept.all_facts, kept.decided_at)


def said(kept: KeptDecision) -> Decision:
    """The decision of the row's columns."""
    match kept.decision:
        case "defer":
            assert kept.until
            return Defer(kept.until, DeferReason(kept.reason))
        case "skip":
            return Skip(kept.reason)  # type: ignore[arg-type]
        case "expire":
            return Expire()
    return Send()


@pytest.mark.parametrize("now", MOMENTS, ids=str)
def test_whatever_a_claim_withholds_is_kept_and_decided_the_same_again(use_case: UseCase, now: datetime) -> None:
    StateFreeze.objects.create(state="LA", starts_on=date(2026, 3, 1), reason="Flood.")
    make_suppression(use_case.workspace, PEOPLE[3])
    draw = random.Random(str(now))
    rows = [
        wait(use_case, now, draw.choice(PEOPLE), zones=draw.choice([None, ["America/Denver", "state:WY"]]))
        for _ in range(40)
    ]
    claim_all(now)
    withheld = Voicemail.objects.filter(pk__in=[row.pk for row in rows]).exclude(status="sending")
    assert withheld
    for row in withheld:
        kept = kept_decision(row)
        assert kept is not None
        assert (kept.step, kept.decided_at) == ("claim", now)
        assert again(kept) == said(kept)
        assert (row.status, row.reason) == {"defer": ("queued", ""), "skip": ("skipped", kept.reason)}[kept.decision]
        assert waiting_for([row]) == ({row.pk: kept.reason} if row.status == "queued" else {})
    # What left in the middle of its hours has cost nothing.
    assert KeptDecision.objects.exclude(decision="send").count() == withheld.count()


def test_facts_that_a_lane_has_in_common_are_kept_once_and_no_number_or_name_is(use_case: UseCase) -> None:
    for number in PEOPLE:
        wait(
            use_case,
            NIGHT,
            number,
            record_number="MRN-77",
            metadata={"name": "Ann Lee"},
            merge_fields={"name": "Ann Lee"},
        )
    claim_all(NIGHT)
    kept = list(KeptDecision.objects.select_related("policy"))
    assert len(kept) >= 5
    [policy] = KeptPolicy.objects.all()
    assert {row.policy for row in kept} == {policy}
    texts = json.dumps([policy.facts, *(row.facts for row in kept)])
    for word in (*(number[-7:] for number in PEOPLE), "Ann", "MRN", use_case.name, use_case.entity_name):
        assert word not in texts
    [ny] = [row for row in kept if row.facts["states"] == ["NY"]]
    assert ny.facts == {
        "zones": ["America/New_York"],
        "states": ["NY"],
        "expires_at": "2026-03-12T04:00:00+00:00",
        "attested": True,
    }


def test_why_it_waits_is_gone_once_it_waits_for_something_else_or_is_sent(use_case: UseCase) -> None:
    row = wait(use_case, NIGHT)
    claim_all(NIGHT)
    row.refresh_from_db()
    assert waiting_for([row]) == {row.pk: "outside_window"}
    claim_all(MORNING)
    row.refresh_from_db()
    assert (row.status, waiting_for([row])) == ("sending", {})
    Voicemail.objects.filter(pk=row.pk).update(status="failed", reason="busy", ended_at=MORNING)
    row.refresh_from_db()
    retry(row, actor=None, now=MORNING + timedelta(minutes=1))
    row.refresh_from_db()
    assert (row.status, waiting_for([row])) == ("queued", {})


def test_only_the_latest_decision_is_kept(use_case: UseCase) -> None:
    row = wait(use_case, NIGHT)
    claim_all(NIGHT)
    UseCase.objects.filter(pk=use_case.pk).update(days=[3])
    claim_all(MORNING)
    kept = kept_decision(row)
    assert kept is not None
    assert (kept.reason, kept.decided_at, KeptDecision.objects.count()) == ("off_day", MORNING, 1)
    assert kept.all_facts.hours.days == {3}
    # A later change of the use case does not change what was decided.
    UseCase.objects.filter(pk=use_case.pk).update(days=[2], window_start=time(12))
    assert again(kept_decision(row)) == said(kept)  # type: ignore[arg-type]


def test_who_is_suppressed_is_skipped_with_the_ids_of_the_suppressions(use_case: UseCase) -> None:
    opt_out, _ = suppress(workspace_id=use_case.workspace_id, number=NEW_YORK, source=Suppression.Source.PERSON)
    wrong = make_suppression(use_case.workspace, NEW_YORK, kind="wrong_number")
    make_suppression(use_case.workspace, PEOPLE[1])
    make_suppression(use_case.workspace, NEW_YORK, source="api", lifted_at=MONDAY_NOON)
    row = wait(use_case, MONDAY_NOON)
    claim_all(MONDAY_NOON)
    kept = kept_decision(row)
    assert kept is not None
    assert kept.all_facts.suppressions == tuple(sorted([str(opt_out.pk), str(wrong.pk)]))
    assert (kept.step, again(kept)) == ("claim", said(kept))


@pytest.mark.parametrize("later", [False, True])
def test_what_a_suppression_ends_says_which_one(use_case: UseCase, later: bool) -> None:
    row = wait(use_case, NIGHT)
    claim_all(NIGHT)
    made, _ = suppress(workspace_id=use_case.workspace_id, number=NEW_YORK, source=Suppression.Source.PERSON)
    if later:
        Voicemail.objects.filter(pk=row.pk).update(status="queued", reason="")
        Suppression.objects.filter(pk=made.pk).update(waiting=True)
        assert end_left_waiting(NIGHT) == 1
    row.refresh_from_db()
    kept = kept_decision(row)
    assert kept is not None
    assert (row.status, kept.step, kept.decision, kept.reason) == ("skipped", "suppression", "skip", "suppressed")
    assert kept.known_facts == {"suppressed": True, "suppressions": [str(made.pk)]}
    assert again(kept) == said(kept)


def test_a_number_without_its_key_says_so(use_case: UseCase) -> None:
    row = wait(use_case, MONDAY_NOON)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_voicemail SET recipient = '\\x00' WHERE id = %s", [row.pk])
    claim_all(MONDAY_NOON)
    [row] = Voicemail.objects.defer("recipient").filter(pk=row.pk)
    assert waiting_for([row]) == {row.pk: "unreadable"}
    kept = kept_decision(row)
    assert kept is not None
    assert again(kept) == said(kept)


def test_sending_keeps_nothing_and_costs_no_statement(use_case: UseCase, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(20):
        wait(use_case, MONDAY_NOON)
    with CaptureQueriesContext(connection) as queries:
        claim_all(MONDAY_NOON)
    assert not [query for query in queries if "kept" in query["sql"]]
    assert not KeptDecision.objects.exists()
    assert not KeptPolicy.objects.exists()


# The end of the allowed time

LAST = datetime(2026, 3, 3, 0, 40, tzinfo=UTC)  # 19:40 in New York, five minutes before hours close for the carrier
END = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "near"),
    [(LAST, True), (datetime(2026, 3, 3, 0, 29, tzinfo=UTC), False), (datetime(2026, 3, 3, 0, 30, tzinfo=UTC), True)],
)
def test_what_leaves_at_the_end_of_the_hours_keeps_their_end(use_case: UseCase, at: datetime, near: bool) -> None:
    row = wait(use_case, at)
    claim_all(at)
    row.refresh_from_db()
    assert row.status == "sending"
    kept = kept_decision(row)
    assert (kept is not None) is near
    if kept is not None:
        assert (kept.decision, kept.hours_end, again(kept)) == ("send", END, Send())


@pytest.mark.parametrize(
    ("drop", "after"),
    [
        ({}, None),
        ({"status": "accepted", "accepted_at": END - timedelta(seconds=1)}, False),
        ({"status": "accepted", "accepted_at": END + timedelta(seconds=1)}, True),
        ({"status": "delivered", "accepted_at": LAST, "ended_at": END + timedelta(minutes=7)}, True),
        ({"status": "delivered", "accepted_at": LAST, "ended_at": END - timedelta(minutes=7)}, False),
        ({"status": "failed", "accepted_at": LAST, "ended_at": END + timedelta(minutes=7)}, False),
    ],
)
def test_a_drop_accepted_at_the_end_is_seen_as_such(
    api: Api, use_case: UseCase, client: Client, drop: dict[str, Any], after: bool | None
) -> None:
    row = wait(use_case, LAST)
    claim_all(LAST)
    Drop.objects.filter(voicemail_id=row.pk).update(**drop)
    told = api.get(f"voicemail/{row.pk}").json()["last_decision"]
    assert (told["decision"], told["until"], told["hours_end"]) == ("send", None, "2026-03-03T01:00:00Z")
    assert told["after_hours"] is after
    client.force_login(make_user(workspace=use_case.workspace, role=Role.VIEWER, is_staff=True))
    html = client.get(reverse("admin:delivery_voicemail_change", args=[row.pk])).content.decode()
    assert "It was sent 20 minutes before the end of the allowed time, Mon, Mar 2, 2026, 8:00 PM EST." in html
    assert ("it came after that end" in html) is bool(after)


def test_what_reaches_nobody_has_no_end_of_hours(use_case: UseCase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", True)
    wait(use_case, LAST)
    claim_all(LAST)
    assert not KeptDecision.objects.exists()


# What readers see


def test_the_api_says_why_each_voicemail_of_a_page_waits_in_one_statement(api: Api, use_case: UseCase) -> None:
    for _ in range(3):
        wait(use_case, NIGHT)
    claim_all(NIGHT)
    wait(use_case, NIGHT)
    with traced() as statements:
        page = api.get("voicemail").json()["items"]
    assert [item["waiting_for"] for item in page] == [None, "outside_window", "outside_window", "outside_window"]
    assert len([statement for statement in statements if "keptdecision" in statement]) == 1


def test_the_detail_has_the_facts_of_the_decision(api: Api, use_case: UseCase) -> None:
    row = wait(use_case, NIGHT)
    assert api.get(f"voicemail/{row.pk}").json()["last_decision"] is None
    claim_all(NIGHT)
    body = api.get(f"voicemail/{row.pk}").json()
    assert (body["waiting_for"], body["not_before"]) == ("outside_window", "2026-03-03T14:00:00Z")
    told = body["last_decision"]
    assert (told["step"], told["decision"], told["reason"]) == ("claim", "defer", "outside_window")
    assert (told["decided_at"], told["until"]) == ("2026-03-03T04:00:00Z", "2026-03-03T14:00:00Z")
    assert (told["hours_end"], told["after_hours"]) == (None, None)
    assert told["facts"]["zones"] == ["America/New_York"]
    assert told["facts"]["hours"]["start"] == "09:00:00"
    assert NEW_YORK not in json.dumps(told)


def test_the_page_says_in_plain_words_why_it_waits(client: Client, use_case: UseCase) -> None:
    client.force_login(make_user(workspace=use_case.workspace, role=Role.VIEWER, is_staff=True))
    row = wait(use_case, NIGHT)
    address = reverse("admin:delivery_voicemail_change", args=[row.pk])
    assert 'id="kept"' not in client.get(address).content.decode()
    claim_all(NIGHT)
    html = client.get(address).content.decode()
    assert "Waits for the calling hours where the person may be." in html
    assert "It is outside the calling hours, 9:00 AM to 8:00 PM where the person may be" in html
    assert (
        "decided at Tue, Mar 3, 2026, 4:00:00 AM UTC, to be decided again at Tue, Mar 3, 2026, 2:00:00 PM UTC" in html
    )
    assert "The number is not on the suppression list." in html
    listed = client.get(reverse("admin:delivery_voicemail_changelist")).content.decode()
    assert listed.count("Waits for the calling hours where the person may be.") == 1
    claim_all(MORNING)
    assert (
        "Waits for the calling hours" not in client.get(reverse("admin:delivery_voicemail_changelist")).content.decode()
    )


def test_the_page_links_the_suppression_that_ended_it(client: Client, use_case: UseCase) -> None:
    client.force_login(make_user(workspace=use_case.workspace, role=Role.VIEWER, is_staff=True))
    row = wait(use_case, NIGHT)
    made, _ = suppress(workspace_id=use_case.workspace_id, number=NEW_YORK, source=Suppression.Source.PERSON)
    html = client.get(reverse("admin:delivery_voicemail_change", args=[row.pk])).content.decode()
    assert "Why it was not sent" in html
    assert reverse("admin:usecases_suppression_change", args=[made.pk]) in html
    # Nothing else was looked at.
    assert "It is outside the calling hours" not in html
    assert "The use case has a sender number." not in html


def test_keeping_again_replaces_and_names_each_voicemail_once(use_case: UseCase) -> None:
    rows = [wait(use_case, NIGHT) for _ in range(2)]
    facts = replace(PLAIN, zones=("America/New_York",))
    for reason in (DeferReason.OFF_DAY, DeferReason.HOLIDAY):
        decisions = [Withheld(row.pk, facts, Defer(MORNING, reason)) for row in rows]
        keep(decisions, KeptDecision.Step.CLAIM, NIGHT)
    assert set(KeptDecision.objects.values_list("reason", flat=True)) == {"holiday"}
    assert KeptDecision.objects.count() == 2
    keep([], KeptDecision.Step.CLAIM, NIGHT)


def test_every_reason_to_wait_has_a_sentence_and_every_guard_speaks_of_what_was_kept(use_case: UseCase) -> None:
    assert set(guard_labels._WAITS) == set(DeferReason)
    for simulated in (False, True):
        found = explain(replace(PLAIN, simulated=simulated), NIGHT)
        assert [guard_labels.message_of(verdict)[-1] for verdict in found.verdicts] == ["."] * len(Guard)


def test_a_cap_that_is_reached_is_kept_with_the_times_that_were_counted(workspace: Workspace) -> None:
    use_case = make_use_case(workspace, **USUAL, max_per_day=1)
    first, second = wait(use_case, MONDAY_NOON), wait(use_case, MONDAY_NOON)
    claim_all(MONDAY_NOON)
    [waits] = Voicemail.objects.filter(pk__in=[first.pk, second.pk], status="queued")
    assert waiting_for([waits]) == {waits.pk: "cap_reached"}
    kept = kept_decision(waits)
    assert kept is not None
    assert again(kept) == said(kept)
    assert kept.all_facts.reached


def test_what_no_hour_allows_is_kept_as_expired(workspace: Workspace) -> None:
    use_case = make_use_case(workspace, window_start=time(8), window_end=time(8, 40))
    row = wait(use_case, MONDAY_NOON, "+12705550142")  # Kentucky opens at ten
    claim_all(MONDAY_NOON)
    row.refresh_from_db()
    kept = kept_decision(row)
    assert kept is not None
    assert (row.status, kept.decision, kept.reason, kept.until) == ("expired", "expire", "", None)
    assert again(kept) == said(kept)


def test_a_decision_of_a_newer_release_is_shown_by_an_older_one_without_its_guards(
    api: Api, client: Client, use_case: UseCase
) -> None:
    row = wait(use_case, NIGHT)
    claim_all(NIGHT)
    policy = KeptPolicy.objects.get()
    policy.facts["hours"]["rules"] = "2999-01-01"
    policy.save()
    assert api.get(f"voicemail/{row.pk}").json()["last_decision"]["facts"]["hours"]["rules"] == "2999-01-01"
    client.force_login(make_user(workspace=use_case.workspace, role=Role.VIEWER, is_staff=True))
    answer = client.get(reverse("admin:delivery_voicemail_change", args=[row.pk]))
    assert answer.status_code == 200
    assert "Why it was made to wait" in answer.content.decode()
