"""A new set of state rules: read, refused with its places, tried on all that waits, and loaded for every process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.planning.rule_changes import changed_states, effects, policy_effects
from delivery.carriers.sandbox import Sandbox
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.kept_decisions import kept_decision
from delivery.models import Voicemail
from delivery.services.policies import policy_of
from rvm.platform.models import AuditEvent
from tests.factories import Api, make_api, make_campaign, make_use_case, make_voicemail
from usecases import state_rules
from usecases.eligibility import decide
from usecases.models import StateRuleSet, TelephonySetup
from usecases.rules_in_force import law_in_force, make_known, overdue_review, rules_in_force
from usecases.state_rules import FOLDER, current_version, read_rules, rule_set

pytestmark = pytest.mark.django_db

NEW = "2026-12-15"
NOW = datetime(2026, 12, 16, 18, tzinfo=UTC)  # a Wednesday, eleven in Utah
USUAL: dict[str, Any] = {
    "window_start": time(9),
    "window_end": time(20),
    "days": [1, 2, 3, 4, 5, 6],
    "sends_on_holidays": False,
}
UTAH, NEVADA, OHIO = (
    ["America/Denver", "state:UT"],
    ["America/Los_Angeles", "state:NV"],
    ["America/New_York", "state:OH"],
)
RELEASED = (FOLDER / f"{current_version()}.toml").read_text()
# Utah's weekdays end at noon, and Nevada is closed on Saturday.
UTAHS = 'state = "UT"\nhours = { mon-sat = "08:00-21:00" }'
NEVADAS = 'state = "NV"\nhours = { mon-sun = "09:00-20:00" }'
CHANGED = RELEASED.replace(UTAHS, 'state = "UT"\nhours = { mon-sat = "08:00-12:00" }').replace(
    NEVADAS, 'state = "NV"\nhours = { mon-fri = "09:00-20:00" }'
)
assert CHANGED.count("08:00-12:00") == 2 and NEVADAS not in CHANGED


@pytest.fixture(autouse=True)
def _a_process_that_has_met_no_loaded_set(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(state_rules, "_LOADED", {})
    monkeypatch.setattr(Sandbox, "simulated", False)
    monkeypatch.setattr(Sandbox, "max_delivery_delay", timedelta(minutes=15))
    for name in ("campaigns.management.commands.state_rules", "usecases.rules_in_force"):
        monkeypatch.setattr(f"{name}.database_now", lambda: NOW)
    yield
    # Calendars are kept by version, and the next test may mean another set by the same one.
    from usecases import windows

    for cached in (windows._calendar, windows._spans, windows._allowed):
        cached.cache_clear()


def new_file(folder: Path, text: str = CHANGED, name: str = f"{NEW}.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command("state_rules", *map(str, arguments), stdout=out)
    return out.getvalue()


def claim_all(at: datetime) -> None:
    for route in active_routes(at, 1000):
        claim(route, 1000, at, timedelta(seconds=60))


# reading


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ('sources = ["https://www.law.cornell.edu/cfr/text/47/64.1200"]', "", ["Rule 1 (US), line 15: sources: A rule names"]),
        ('"08:00-20:00"', '"8-20"', ["hours: “8-20” is no window; write it as in 08:00-20:00."]),
        ('state = "FL"', 'state = "QQ"', ["Rule 2 (QQ), line 23: state: “QQ” is no state; write its two letters, such as TX."]),
        ('state = "FL"', 'state = ["FL"]', ["Rule 2 (['FL']), line 23: state:"]),
        ('certainty = "verified"', "certainty = 7", ["certainty: This is one of verified, weak, unverified."]),
        ("reviewed_on = 2026-10-31", "reviewed_on = 2027-10-31", ["Rule for US: reviewed_on: 2027-10-31 lies in the future."]),
        ("reviewed_on = 2026-10-31", "reviewed_on = 2026-10-31T12:00:00", ["reviewed_on: This is the day"]),
        ('state = "US"', 'state = "US" x', ["is no TOML:", "line 16"]),
        ("[[rules]]", "[[rule]]", ["rule: There is no such table."]),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_with_the_place(
    tmp_path: Path, written: str, instead: str, told: list[str]
) -> None:
    assert written in RELEASED
    with pytest.raises(CommandError) as refused:
        run("load", new_file(tmp_path, RELEASED.replace(written, instead, 1)))
    for each in told:
        assert each in str(refused.value)
    assert not StateRuleSet.objects.exists()


def test_a_rule_may_be_reviewed_on_the_day_that_it_is_where_the_platform_is(tmp_path: Path, settings: Any) -> None:
    text = CHANGED.replace("reviewed_on = 2026-10-31", "reviewed_on = 2026-12-17", 1)
    with pytest.raises(CommandError, match="2026-12-17 lies in the future"):
        run("check", new_file(tmp_path, text))
    settings.RVM_TIME_ZONE = "Pacific/Guam"
    assert "Nothing was changed." in run("check", new_file(tmp_path, text))


def test_all_that_is_wrong_is_said_at_once_and_no_more_than_a_page_of_it(tmp_path: Path) -> None:
    text = "\n".join(f'[[rules]]\nstate = "X{number}"' for number in range(60))
    with pytest.raises(CommandError) as refused:
        run("check", new_file(tmp_path, text))
    lines = str(refused.value).splitlines()
    assert len(lines) == 22
    assert "Rule 1 (X0), line 1: state:" in lines[1]
    assert lines[-1] == "  and 41 more"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("rules.toml", "name the file by the day of the set, such as 2026-12-16.toml"),
        ("2026-12-15.yaml", "name the file by the day"),
        ("2026-12-18.toml", "this day lies in the future"),
        ("20261215.toml", "name the file by the day"),
    ],
)
def test_a_file_is_named_by_the_day_of_the_set(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(CommandError, match=told):
        run("check", new_file(tmp_path, name=name))


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        run("check", tmp_path / f"{NEW}.toml")
    with pytest.raises(CommandError, match="larger than 200,000 bytes"):
        run("check", new_file(tmp_path, "#" * 200_001))
    (tmp_path / f"{NEW}.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="no UTF-8"):
        run("check", tmp_path / f"{NEW}.toml")


# what it would change


def waiting() -> None:
    use_case = make_use_case(name="Reminders", **USUAL)
    use_case.workspace.name = "Lakeside"
    use_case.workspace.save()
    fields: dict[str, Any] = {"use_case": use_case, "ends_at": NOW + timedelta(days=3)}
    make_campaign(count=10, zones=[UTAH, OHIO], name="Flu", state="running", **fields)
    make_campaign(count=4, zones=[OHIO], name="Ohio", **fields)
    make_campaign(count=3, zones=[UTAH], name="Over", **{**fields, "state": "completed"})
    evening = make_campaign(count=6, zones=[UTAH], name="Evenings", window_start=time(14), **fields)
    evening.ends_at = NOW + timedelta(days=3)
    evening.save()
    make_voicemail(use_case, recipient="+18015550142", not_before=NOW, expires_at=NOW + timedelta(days=2))
    other = {**USUAL, "state_overlay": False, "state_overlay_reason": "Says counsel."}
    make_campaign(use_case=make_use_case(name="No overlay", **other), count=5, zones=[UTAH], name="Free")


def test_a_dry_run_says_which_waiting_campaigns_and_use_cases_change_and_changes_nothing(tmp_path: Path) -> None:
    waiting()
    said = run("load", new_file(tmp_path), "--dry-run")
    assert said == run("check", new_file(tmp_path))
    assert "Set 2026-12-15: 24 rules, 6 verified, 12 weak, 6 unverified. In force: 2026-11-29." in said
    assert (
        "Utah (UT): Mon-Sat 08:00-21:00, Sun closed, holidays closed -> Mon-Sat 08:00-12:00, Sun closed, holidays closed [unverified]"
        in said
    )
    assert "Nevada (NV): Mon-Sun 09:00-20:00 -> Mon-Fri 09:00-20:00, Sat-Sun closed [weak]" in said
    assert (
        "Waiting campaigns that change: 3, with 12 people who have other hours in the coming week, 6 more expire unsent"
        in said
    )
    # Six weekdays lose the hours from a quarter to twelve to a quarter to eight.
    assert "  Flu (Lakeside, running): 5 of 10 people, -48.0 hours a week each" in said
    assert (
        "  Evenings (Lakeside, draft): 6 of 6 people, -34.5 hours a week each, 6 have no hour any more, 6 more expire unsent"
        in said
    )
    assert "  Reminders (API) (Lakeside): 1 of 1 people" in said
    assert (
        "Use cases whose hours change: 1:\n  Reminders (Lakeside): hours a week NV 64.5 -> 53.75, UT 64.5 -> 16.5"
        in said
    )
    assert said.endswith("Nothing was changed.\n")
    for word in ("Ohio", "Over", "Free", "No overlay", "0142"):
        assert word not in said
    assert rules_in_force() == current_version()
    assert not StateRuleSet.objects.exists()


def test_a_set_that_binds_like_the_one_in_force_says_so(tmp_path: Path) -> None:
    waiting()
    reviewed = RELEASED.replace("reviewed_on = 2026-10-31", "reviewed_on = 2026-12-14").replace('"weak"', '"verified"')
    said = run("check", new_file(tmp_path, reviewed))
    assert "18 verified, 0 weak, 6 unverified" in said
    assert "No rule binds differently." in said
    assert "Flu" not in said


def test_a_rule_that_goes_and_one_that_comes_are_said_so(tmp_path: Path) -> None:
    text = CHANGED.replace('state = "WY"', 'state = "OH"')
    said = run("check", new_file(tmp_path, text))
    assert "Wyoming (WY): no rule any more; was Mon-Sun 08:00-20:00" in said
    assert "Ohio (OH): new: Mon-Sun 08:00-20:00 [unverified]" in said


def test_the_output_is_bounded(tmp_path: Path) -> None:
    use_case = make_use_case(**USUAL)
    for number in range(25):
        make_campaign(use_case=use_case, count=1, zones=[UTAH], name=f"Flu {number}")
    said = run("check", new_file(tmp_path))
    assert said.count("  Flu ") == 20
    assert "  and 5 more" in said


def test_simulated_setups_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting()
    monkeypatch.setattr(Sandbox, "simulated", True)
    TelephonySetup.objects.update(simulated=True)
    said = run("check", new_file(tmp_path))
    assert "Nobody who waits has other hours in the coming week." in said
    assert "The hours of no live use case change." in said


def test_only_what_binds_differently_changes() -> None:
    old, new = rule_set(current_version()), read_rules(CHANGED, NEW)
    assert set(changed_states(old, new)) == {"UT", "NV"}
    assert list(effects(current_version(), NOW)) == []
    assert list(policy_effects(current_version(), ["UT"], NOW)) == []


# loading


def test_a_loaded_set_binds_the_next_claim_and_every_reader(tmp_path: Path, api: Api) -> None:
    use_case = make_use_case(api.key.workspace, **USUAL)
    three = datetime(2026, 12, 16, 22, tzinfo=UTC)  # in the afternoon in Utah
    rows = [
        make_voicemail(
            use_case, recipient="+18015550142", zones=UTAH, not_before=three, expires_at=three + timedelta(days=5)
        )
        for _ in range(2)
    ]
    [route] = active_routes(three, 10)
    assert len(claim(route, 1, three, timedelta(seconds=60)).claims) == 1
    said = run("load", new_file(tmp_path))
    assert "Set 2026-12-15 is loaded. It binds every claim that begins from now on, in every process." in said
    claim_all(three)
    [waits] = Voicemail.objects.filter(pk__in=[row.pk for row in rows], status="queued")
    assert waits.not_before == datetime(2026, 12, 17, 16, tzinfo=UTC)
    kept = kept_decision(waits)
    assert kept is not None
    assert (kept.reason, kept.all_facts.hours.rules) == ("state_rule", NEW)
    law = law_in_force(three)
    assert policy_of(use_case, use_case.setup, law=law).hours.rules == law.rules == NEW
    answer = api.post("eligibility", {"use_case_id": str(use_case.pk), "recipient_phone_number": "+18015550142"})
    judged = {guard["guard"]: guard for guard in answer.json()["guards"]}["state_rules"]
    assert judged["facts"]["state_rules"] == NEW
    assert "rules of December 15, 2026" in api.get(f"use-cases/{use_case.pk}").json()["policy_text"]
    event = AuditEvent.objects.get(action="state_rules.loaded")
    assert event.details == {"version": NEW, "instead_of": current_version()}


def test_a_decision_under_the_set_before_comes_out_again_and_one_under_a_loaded_set_in_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = datetime(2026, 12, 17, 3, tzinfo=UTC)  # eight in the evening in Utah
    row = make_voicemail(make_use_case(**USUAL), zones=UTAH, not_before=evening, expires_at=evening + timedelta(days=5))
    claim_all(evening)
    before = kept_decision(row)
    assert before is not None
    decided = decide(before.all_facts, evening)
    run("load", new_file(tmp_path))
    again = kept_decision(row)
    assert again is not None and again.all_facts.hours.rules == current_version()
    assert decide(again.all_facts, evening) == decided
    Voicemail.objects.filter(pk=row.pk).update(not_before=evening)
    claim_all(evening)
    under_new = kept_decision(row)
    assert under_new is not None
    decided = decide(under_new.all_facts, evening)
    assert (under_new.all_facts.hours.rules, decided) != (current_version(), decide(again.all_facts, evening))
    # A process that has not met the set reads it once.
    monkeypatch.setattr(state_rules, "_LOADED", {})
    with CaptureQueriesContext(connection) as queries:
        assert decide(kept_decision(row).all_facts, evening) == decided  # type: ignore[union-attr]
        make_known(NEW)
        make_known(current_version())
    assert decide(under_new.all_facts, evening) == decided
    assert len(queries) <= 2


def test_a_set_that_is_not_newer_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    run("load", new_file(tmp_path))
    with pytest.raises(CommandError, match="The set 2026-12-15 is in force, and 2026-12-15 is not newer"):
        run("load", new_file(tmp_path, RELEASED))
    with pytest.raises(CommandError, match="and 2026-11-28 is not newer"):
        run("load", new_file(tmp_path, name="2026-11-28.toml"))
    assert StateRuleSet.objects.get().text == CHANGED


def test_the_list_says_which_sets_there_are_and_which_is_in_force(tmp_path: Path) -> None:
    assert run("list") == "2026-11-29  released with RVM, in force; 24 rules, 6 verified, 12 weak, 6 unverified\n"
    run("load", new_file(tmp_path))
    first, second = run("list").splitlines()
    assert first.startswith("2026-11-29  released with RVM, kept for decisions made under it;")
    assert second.startswith("2026-12-15  loaded at ") and "UTC, in force; 24 rules" in second


def test_a_release_that_is_newer_than_what_was_loaded_is_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("load", new_file(tmp_path))
    monkeypatch.setattr(state_rules, "current_version", lambda: "2027-01-31")
    monkeypatch.setattr(state_rules, "is_known", lambda version: True)
    assert rules_in_force() == "2027-01-31"


def test_a_set_that_is_gone_from_the_database_sends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("load", new_file(tmp_path))
    StateRuleSet.objects.update(text="[[rules]]")
    monkeypatch.setattr(state_rules, "_LOADED", {})
    row = make_voicemail(make_use_case(**USUAL), zones=OHIO, not_before=NOW, expires_at=NOW + timedelta(days=5))
    claim_all(NOW)
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("queued", 0)
    assert "cannot prepare this voicemail" in row.carrier_text


def test_the_review_that_is_overdue_is_that_of_the_set_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = datetime(2027, 5, 1, tzinfo=UTC)
    monkeypatch.setattr("usecases.rules_in_force.database_now", lambda: later)
    assert "US" in overdue_review()
    reviewed = RELEASED.replace("reviewed_on = 2026-10-31", "reviewed_on = 2026-12-14")
    run("load", new_file(tmp_path, reviewed))
    assert overdue_review() == ""


def test_two_threads_that_meet_a_set_at_once_mean_the_same(tmp_path: Path) -> None:
    run("load", new_file(tmp_path))
    known = state_rules._LOADED[NEW] if NEW in state_rules._LOADED else read_rules(CHANGED, NEW)
    sets = [read_rules(CHANGED, NEW) for _ in range(4)]
    threads = [threading.Thread(target=state_rules.add_loaded, args=(each,)) for each in sets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rule_set(NEW).rules == known.rules


def test_other_workspaces_of_the_platform_are_counted_too(tmp_path: Path) -> None:
    for _ in range(2):
        make_campaign(use_case=make_use_case(make_api().key.workspace, **USUAL), count=2, zones=[NEVADA])
    assert "Waiting campaigns that change: 2, with 4 people" in run("check", new_file(tmp_path))
