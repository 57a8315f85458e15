"""The printed summary: what a person takes to a meeting, without a patient's name or number on it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.templatetags.static import static
from django.test import RequestFactory
from django.urls import reverse

from campaigns.admin.campaign.printed_summary import (
    ASK_FIRST,
    ELSEWHERE,
    FIX,
    LEAVE,
    MAX_REASONS,
    NOTHING,
    RETRY,
    Line,
    Summary,
    follow_up,
    summarize,
    summary_of,
    summary_page,
)
from campaigns.admin.campaign.settings_summary import settings_summary
from campaigns.admin.labels import STATUSES_IN_PRINT
from campaigns.models import Campaign
from delivery.lifecycle.reasons import REASONS, Reason
from delivery.lifecycle.status import VoicemailStatus
from tests.factories import (
    make_campaign,
    make_import,
    make_recording,
    make_use_case,
    make_user,
    make_voicemail,
    make_workspace,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 21, 30, tzinfo=UTC)


@pytest.fixture
def campaign() -> Campaign:
    workspace = make_workspace(name="Lakeside Health", time_zone="America/Chicago")
    use_case = make_use_case(workspace, name="Flu shots", purpose="wellness")
    return make_campaign(
        use_case,
        name="Flu shots, March",
        state="completed",
        recording=make_recording(workspace, name="Flu reminder", duration_ms=20_376),
        time_zone="America/Chicago",
        launched_at=datetime(2026, 3, 2, 15, 0, tzinfo=UTC),
        launched_by=make_user(first_name="Ann", last_name="Lee"),
        ended_at=datetime(2026, 3, 2, 21, 5, tzinfo=UTC),
        pace_per_second=20,
        days=[1, 2],
    )


def made(campaign: Campaign, counts: dict[tuple[str, str], int], rejected: dict[str, int] | None = None) -> Summary:
    return summarize(campaign, counts, rejected or {}, NOW)


def test_the_facts_are_those_of_the_campaign_in_the_time_zone_of_the_workspace(campaign: Campaign) -> None:
    summary = made(campaign, {})
    assert summary.facts == [
        ("From", "Lakeside Clinic (Lakeside Health)"),
        ("Use case", "Flu shots: wellness outreach"),
        ("Recording", "“Flu reminder”, 20.4 seconds"),
        ("Hours", "8:00 AM to 9:00 PM at the recipient, Monday, Tuesday"),
        ("Pace", "at most 20 a second"),
        ("Launched", "Mon, Mar 2, 2026, 9:00 AM CST, by Ann Lee"),
        ("Ended", "Mon, Mar 2, 2026, 3:05 PM CST"),
    ]
    assert summary.generated_at == "Mon, Mar 2, 2026, 3:30 PM CST"
    assert (summary.name, summary.state, summary.recipients) == ("Flu shots, March", "completed", "0 recipients")


def test_a_clinic_that_is_called_like_its_workspace_is_named_once(campaign: Campaign) -> None:
    campaign.use_case.workspace.name = campaign.use_case.entity_name
    assert dict(made(campaign, {}).facts)["From"] == "Lakeside Clinic"


def test_what_is_not_yet_is_said(campaign: Campaign) -> None:
    campaign.launched_at = campaign.ended_at = campaign.recording = campaign.launched_by = None
    facts = dict(made(campaign, {}).facts)
    assert (facts["Launched"], facts["Ended"], facts["Recording"]) == ("not yet", "not yet", "none")


def test_totals_are_by_status_and_reasons_by_size_with_what_can_be_done(campaign: Campaign) -> None:
    summary = made(
        campaign,
        {
            ("delivered", ""): 1990,
            ("failed", "busy"): 3,
            ("failed", "mailbox_full"): 5,
            ("skipped", "suppressed"): 1,
            ("queued", "no_answer"): 1,
        },
    )
    assert summary.recipients == "2,000 recipients"
    assert [(line.counted, line.share, line.what) for line in summary.by_status] == [
        ("1,990", "99.5 %", "delivered"),
        ("1", "under 0.1 %", "queued"),
        ("8", "0.4 %", "failed"),
        ("1", "under 0.1 %", "skipped"),
    ]
    assert summary.by_reason == [
        Line(5, "0.2 %", "The voicemail box is full.", ELSEWHERE),
        Line(3, "0.1 %", "The line was busy.", RETRY),
        Line(1, "under 0.1 %", "The number is on the suppression list.", LEAVE),
    ]


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("no_answer", RETRY),
        ("unconfirmed", ASK_FIRST),
        ("unreported", ASK_FIRST),
        ("opted_out", LEAVE),
        ("suppressed", LEAVE),
        ("no_funds", FIX),
        ("canceled", NOTHING),
        ("expired", ELSEWHERE),
        ("human_answered", ELSEWHERE),
    ],
)
def test_each_reason_says_what_can_be_done(reason: str, advice: str) -> None:
    assert follow_up(Reason(reason)) == advice


@pytest.mark.parametrize("reason", REASONS)
def test_a_retry_is_advised_only_where_it_reaches_nobody_twice(reason: Reason) -> None:
    assert (follow_up(reason) == RETRY) is (REASONS[reason].retryable and not REASONS[reason].may_have_reached)


def test_every_status_has_its_words() -> None:
    assert set(STATUSES_IN_PRINT) == set(VoicemailStatus)


def test_more_reasons_than_fit_on_the_sheet_are_summed_up(campaign: Campaign) -> None:
    counts = {("failed", reason.value): 100 - number for number, reason in enumerate(REASONS)}
    lines = made(campaign, counts).by_reason
    assert len(lines) == MAX_REASONS
    assert sum(line.number for line in lines) == sum(counts.values())
    assert lines[-1].what == f"{len(REASONS) - MAX_REASONS + 1} other reasons; the export has them all."


def import_with(campaign: Campaign, codes: dict[str, int], state: str = "completed") -> None:
    make_import(campaign, file_name="Ann Lee.csv", state=state, codes=codes)


def test_it_reads_counters_and_the_lists_that_were_imported(campaign: Campaign) -> None:
    make_voicemail(lane=campaign.lane, status="failed", reason="busy")
    import_with(campaign, {"number_not_valid": 2, "phone_missing": 1})
    import_with(campaign, {"phone_missing": 4})
    import_with(campaign, {"phone_missing": 100}, state="discarded")
    summary = summary_of(campaign, NOW)
    assert (summary.total, [line.number for line in summary.rejected]) == (1, [5, 2])
    assert summary.rejected_rows == "7 rows of the lists became no recipient"


def page(campaign: Campaign) -> str:
    answer = summary_page(RequestFactory().get("/"), campaign)
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
    return answer.content.decode()


def test_the_page_loads_only_its_button_and_names_no_patient(campaign: Campaign) -> None:
    make_voicemail(
        lane=campaign.lane, status="failed", reason="busy", reference="ref-77", merge_fields={"name": "Bo Diaz"}
    )
    import_with(campaign, {"phone_missing": 1})
    html = page(campaign)
    assert "Flu shots, March" in html and "The line was busy." in html and RETRY in html
    assert "There is no phone number in this row" in html
    assert not [phi for phi in ("0142", "Bo Diaz", "ref-77", "Ann Lee.csv") if phi in html]
    named = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert named == [reverse("admin:campaigns_campaign_change", args=[campaign.pk]), static("campaigns/print.js")]
    assert not [loaded for loaded in ("url(", "<script>", "//") if loaded in html]


def test_a_name_is_text_on_the_page(campaign: Campaign) -> None:
    campaign.name = "<b>Spring</b>"
    assert "&lt;b&gt;Spring&lt;/b&gt;" in page(campaign)


@pytest.mark.parametrize("live", [True, False])
def test_a_test_is_called_one(live: bool) -> None:
    campaign: Any = make_campaign(live=live)
    assert ("This was a test" in page(campaign)) is not live


def test_it_says_on_which_basis_people_are_reached_and_the_campaigns_page_does() -> None:
    campaign = make_campaign(make_use_case(), 1)
    for number in range(5):
        make_import(campaign, state="completed", file_name=f"{number}.csv", consent_statement="They agreed. " * 40)
    basis = [how for what, how in summary_of(campaign, NOW).facts if what == "Basis"]
    assert basis[0] == "The person's prior express consent, as the use case says."
    assert basis[1].startswith("“They agreed. ") and basis[1].endswith("…” The platform, of “4.csv”.")
    assert basis[4:] == ["And of 2 more lists; the campaign's page has them."]
    assert [how for what, how in settings_summary(campaign) if what == "Basis"] == basis
