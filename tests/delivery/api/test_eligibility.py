"""The question whether a person may be reached: answered as the engine decides, for the key's own workspace and world."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from delivery.carriers.sandbox import Sandbox
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.models import Voicemail
from rvm.platform.models import Workspace
from rvm.platform.scopes import Scope
from tests.factories import (
    Api,
    make_api,
    make_consent,
    make_setup,
    make_suppression,
    make_use_case,
    make_voicemail,
    make_workspace,
)
from tests.random_text import without_ids
from usecases.models import StateFreeze, TelephonySetup, UseCase
from usecases.state_rules import current_version

pytestmark = pytest.mark.django_db

NEW_YORK, MIAMI, PROVIDENCE, NEW_ORLEANS = "+12125550142", "+13055550142", "+14015550142", "+15045550142"
NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)  # a Monday, in New York
SUNDAY = datetime(2026, 3, 1, 17, tzinfo=UTC)
POLICY = {"window_start": time(9), "window_end": time(20), "days": [1, 2, 3, 4, 5, 6], "sends_on_holidays": False}


@pytest.fixture(autouse=True)
def _now_is_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.api.eligibility.database_now", lambda: NOON)


@pytest.fixture
def _carrier_that_reaches_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)
    monkeypatch.setattr(Sandbox, "max_delivery_delay", timedelta(minutes=15))


@pytest.fixture
def use_case(workspace: Workspace) -> UseCase:
    return make_use_case(workspace, **POLICY)


def ask(api: Api, use_case: UseCase, number: str = NEW_YORK, at: datetime | None = None, **fields: Any) -> Any:
    body = {"use_case_id": str(use_case.pk), "recipient_phone_number": number, **fields}
    return api.post("eligibility", body | ({"at": at.isoformat()} if at else {}))


def summary(answer: Any) -> tuple[str, str | None, str | None]:
    assert answer.status_code == 200, answer.content
    told = answer.json()
    return told["decision"], told["reason"], told["until"]


@pytest.mark.usefixtures("_carrier_that_reaches_people")
@pytest.mark.parametrize(
    ("number", "at", "expected"),
    [
        (NEW_YORK, None, ("send", None, None)),
        (NEW_YORK, SUNDAY, ("defer", "off_day", "2026-03-02T14:00:00Z")),
        (NEW_YORK, NOON + timedelta(hours=9), ("defer", "outside_window", "2026-03-03T14:00:00Z")),
        # The last quarter of an hour: the carrier may take so long.
        (NEW_YORK, datetime(2026, 3, 3, 0, 50, tzinfo=UTC), ("defer", "outside_window", "2026-03-03T14:00:00Z")),
        (NEW_YORK, datetime(2026, 11, 26, 17, tzinfo=UTC), ("defer", "holiday", "2026-11-27T14:00:00Z")),
        (PROVIDENCE, datetime(2026, 3, 2, 23, 30, tzinfo=UTC), ("defer", "state_rule", "2026-03-03T14:00:00Z")),
        (MIAMI, datetime(2026, 3, 2, 23, 30, tzinfo=UTC), ("send", None, None)),
        (NEW_ORLEANS, None, ("defer", "state_frozen", "2026-03-05T15:00:00Z")),
        # Toll-free: may be anywhere; no hour is allowed in all zones by the rules of all states.
        ("+15550010001", None, None),
    ],
)
def test_the_answer_says_what_would_become_of_a_voicemail(
    api: Api, use_case: UseCase, number: str, at: datetime | None, expected: Any
) -> None:
    StateFreeze.objects.create(state="LA", starts_on=date(2026, 3, 1), ends_on=date(2026, 3, 4), reason="Flood.")
    answer = ask(api, use_case, number, at)
    if expected is None:
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "number_sandbox_only")
    else:
        assert summary(answer) == expected


@pytest.mark.usefixtures("_carrier_that_reaches_people")
@pytest.mark.parametrize("at", [NOON, NOON + timedelta(hours=6), SUNDAY, datetime(2026, 7, 3, 17, tzinfo=UTC)])
@pytest.mark.parametrize("number", [NEW_YORK, PROVIDENCE, NEW_ORLEANS, MIAMI])
def test_the_claim_does_what_the_answer_said(api: Api, use_case: UseCase, number: str, at: datetime) -> None:
    decision, _, until = summary(ask(api, use_case, number, at))
    voicemail = make_voicemail(use_case, recipient=number, not_before=at, expires_at=at + timedelta(days=9))
    for route in active_routes(at, 10):
        claim(route, 10, at, timedelta(seconds=60))
    row = Voicemail.objects.get(pk=voicemail.pk)
    if decision == "send":
        assert row.status == "sending"
    else:
        assert (row.status, f"{row.not_before:%Y-%m-%dT%H:%M:%SZ}") == ("queued", until)


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_every_guard_says_what_it_saw_and_nothing_about_the_person(api: Api, use_case: UseCase) -> None:
    answer = ask(api, use_case, MIAMI, SUNDAY)
    told = {guard["guard"]: guard for guard in answer.json()["guards"]}
    assert list(told) == [
        "expiry", "use_case", "suppression", "consent", "kill_switch", "setup", "agreement", "number_key", "sender",
        "recording", "caps", "window", "days", "holidays", "state_rules", "freeze",
    ]  # fmt: skip
    assert (told["days"]["decision"], told["days"]["until"]) == ("defer", "2026-03-02T05:00:00Z")
    assert told["days"]["facts"]["days"] == [1, 2, 3, 4, 5, 6]
    assert told["window"]["facts"].items() >= {"window_start": "09:00:00", "window_end": "20:00:00"}.items()
    law = told["state_rules"]["facts"]
    assert (law["states"], law["rules"], law["state_rules"]) == (["FL"], ["US", "FL"], current_version())
    assert law["zones"] == ["America/New_York"]
    content = answer.content.decode()
    assert MIAMI not in content
    assert "0142" not in without_ids(content)
    assert use_case.entity_name not in content


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_switches_senders_and_the_suppression_list_are_those_of_now(api: Api, use_case: UseCase) -> None:
    make_suppression(use_case.workspace, MIAMI)
    assert summary(ask(api, use_case, MIAMI)) == ("skip", "suppressed", None)
    use_case.assignments.all().delete()
    assert summary(ask(api, use_case)) == ("skip", "no_sender", None)
    UseCase.objects.filter(pk=use_case.pk).update(sending_enabled=False)
    decision, reason, _ = summary(ask(api, use_case))
    assert (decision, reason) == ("defer", "stopped")


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_without_the_overlay_the_law_narrows_nothing_and_a_window_that_never_meets_is_said_to_be_so(
    api: Api, workspace: Workspace
) -> None:
    free = make_use_case(workspace, **POLICY, state_overlay=False, state_overlay_reason="Says counsel.")
    assert summary(ask(api, free, PROVIDENCE, datetime(2026, 3, 2, 23, 30, tzinfo=UTC))) == ("send", None, None)
    early = make_use_case(workspace, window_start=time(8), window_end=time(8, 40))
    assert summary(ask(api, early, "+12705550142")) == ("expire", "never_open", None)  # Kentucky opens at ten


def test_a_simulated_setup_says_that_no_hours_bind(api: Api, use_case: UseCase) -> None:
    answer = ask(api, use_case, at=SUNDAY)
    assert summary(answer) == ("send", None, None)
    of_hours = answer.json()["guards"][-5:]
    assert all(guard["facts"] == {"simulated": True} for guard in of_hours)


def test_a_rehearsal_answers_as_if_the_simulated_setup_reached_people(api: Api, use_case: UseCase) -> None:
    assert summary(ask(api, use_case, at=SUNDAY)) == ("send", None, None)
    assert summary(ask(api, use_case, at=SUNDAY, rehearsal=False)) == ("send", None, None)
    assert summary(ask(api, use_case, at=SUNDAY, rehearsal=True)) == ("defer", "off_day", "2026-03-02T14:00:00Z")
    quarter_to_eight = datetime(2026, 3, 3, 0, 50, tzinfo=UTC)
    assert summary(ask(api, use_case, at=quarter_to_eight, rehearsal=True))[:2] == ("defer", "outside_window")


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_a_test_key_asks_about_the_sandbox_under_every_use_case(
    workspace: Workspace, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sandbox, "simulated", True)
    TelephonySetup.objects.update(simulated=True)
    live = make_use_case(setup=make_setup(workspace, carrier="drop_cowboy", credentials={}), **POLICY)
    test = make_api(workspace, live=False)
    assert summary(ask(test, live, at=SUNDAY)) == ("send", None, None)
    assert summary(ask(make_api(workspace), live, at=SUNDAY)) == ("defer", "off_day", "2026-03-02T14:00:00Z")
    make_suppression(workspace, NEW_YORK)
    assert summary(ask(test, live)) == ("skip", "suppressed", None)


def test_a_test_key_of_a_workspace_without_a_sandbox_setup_is_told_so() -> None:
    workspace = make_workspace()
    use_case = make_use_case(setup=make_setup(workspace, carrier="drop_cowboy", credentials={}))
    answer = ask(make_api(workspace, live=False), use_case)
    assert (answer.status_code, answer.json()["code"]) == (422, "no_sandbox_setup")


@pytest.mark.parametrize("lacking", [Scope.ELIGIBILITY_READ, Scope.NUMBERS_READ])
def test_it_needs_a_scope_of_its_own_and_that_for_numbers(
    workspace: Workspace, use_case: UseCase, lacking: Scope
) -> None:
    api = make_api(workspace, scopes=[scope for scope in Scope if scope is not lacking])
    answer = ask(api, use_case)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert lacking.value in answer.json()["detail"]


def test_a_use_case_of_another_workspace_does_not_exist_and_its_suppressions_say_nothing(
    api: Api, use_case: UseCase
) -> None:
    theirs = make_use_case()
    make_suppression(theirs.workspace, NEW_YORK)
    answer = ask(api, theirs)
    assert (answer.status_code, answer.json()["code"]) == (404, "use_case_not_found")
    assert summary(ask(api, use_case))[0] == "send"


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"recipient_phone_number": "2125550142"}, "/recipient_phone_number", "number_malformed"),
        ({"recipient_phone_number": "+1212555014"}, "/recipient_phone_number", "number_not_valid"),
        ({"recipient_phone_number": "+18005550142"}, "/recipient_phone_number", "number_kind_not_reachable"),
        ({"recipient_phone_number": 12125550142}, "/recipient_phone_number", "invalid"),
        ({"recipient_phone_number": None}, "/recipient_phone_number", "null"),
        ({"at": "2027-03-05T17:00:00Z"}, "/at", "too_late"),
        ({"at": "2025-02-27T17:00:00Z"}, "/at", "too_late"),
        ({"at": "tomorrow"}, "/at", "invalid"),
        ({"use_case_id": "x"}, "/use_case_id", "invalid"),
        ({"now": True}, "/now", "unknown_field"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_with_its_field(
    api: Api, use_case: UseCase, fields: dict[str, Any], pointer: str, code: str
) -> None:
    body = {"use_case_id": str(use_case.pk), "recipient_phone_number": NEW_YORK, **fields}
    answer = api.post("eligibility", body)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
    assert "5550142" not in answer.content.decode()


def test_times_within_a_year_are_answered(api: Api, use_case: UseCase) -> None:
    for at in (NOON - timedelta(days=366), NOON + timedelta(days=366)):
        assert ask(api, use_case, at=at).status_code == 200


def test_nothing_is_written(api: Api, use_case: UseCase) -> None:
    before = Voicemail.objects.count()
    ask(api, use_case)
    assert Voicemail.objects.count() == before


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_a_needed_consent_is_asked_for_at_the_moment_in_question(
    api: Api, use_case: UseCase, workspace: Workspace
) -> None:
    UseCase.objects.update(purpose="appointment", consent_required="recorded")
    assert summary(ask(api, use_case)) == ("skip", "no_consent", None)
    row = make_consent(workspace, NEW_YORK, at=NOON, expires_at=NOON + timedelta(days=1))
    answer = ask(api, use_case)
    assert summary(answer) == ("send", None, None)
    [seen] = [guard["facts"] for guard in answer.json()["guards"] if guard["guard"] == "consent"]
    assert seen["consents"] == [str(row.pk)]
    assert summary(ask(api, use_case, at=NOON + timedelta(days=2))) == ("skip", "no_consent", None)
