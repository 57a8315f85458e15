"""What a campaign's preview, stats and export say over HTTP."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.api.serializers.stats import CampaignPreviewSerializer, CampaignProgressSerializer
from campaigns.models import Campaign
from campaigns.planning.plan import plan_of
from campaigns.planning.preview import preview
from delivery.models import Lane
from rvm.platform.models import AuditEvent
from rvm.platform.scopes import Scope
from tests.campaigns.api.calling import refusal, wrong
from tests.factories import Api, add_recipients, make_api, make_voicemail
from usecases.models import UseCase


@pytest.fixture
def campaign(new_campaign: Callable[..., Campaign]) -> Campaign:
    campaign = new_campaign()
    add_recipients(campaign, 3, merge_fields={"name": "=HYPERLINK(1)", "day": "Friday"}, reference="a-1")
    add_recipients(campaign, 2, status="failed", reason="busy")
    add_recipients(campaign, 1, status="failed", reason="no_answer")
    add_recipients(campaign, 1, status="delivered")
    return campaign


def table(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    content = b"".join(response.streaming_content)
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_the_preview_is_the_services_own(api: Api, campaign: Campaign) -> None:
    told = api.get(f"campaigns/{campaign.pk}/preview").json()
    now = datetime.now(UTC)
    known = preview(plan_of(campaign, now), now)
    assert list(told) == list(CampaignPreviewSerializer().fields)
    assert told["total"] == known.total == 3
    later = sum(entry["count"] for entry in told["later"])
    assert told["now"] + later + sum(told["skipped"].values()) + told["expiring"] == 3
    assert told["pace_per_second"] == known.pace_per_second


def test_a_preview_through_the_sandbox_offers_a_rehearsal_in_which_all_binds(
    api: Api, new_campaign: Callable[..., Campaign]
) -> None:
    campaign = new_campaign()
    never = campaign.use_case
    # Of the next two days, which both come whole before the end, each allows another one.
    tomorrow, day_after = ((datetime.now(UTC) + timedelta(days=count)).isoweekday() for count in (1, 2))
    UseCase.objects.filter(pk=never.pk).update(days=[tomorrow], sends_on_holidays=True)
    Lane.objects.filter(pk=campaign.pk).update(days=[day_after])
    add_recipients(campaign, 2)
    told = api.get(f"campaigns/{campaign.pk}/preview").json()
    assert (told["simulated"], told["rehearsal"], told["now"], told["closed"]["count"]) == (True, False, 2, 0)
    told = api.get(f"campaigns/{campaign.pk}/preview", rehearsal="true").json()
    assert (told["simulated"], told["rehearsal"], told["now"], told["expiring"]) == (True, True, 0, 2)
    [group] = told["closed"]["groups"]
    assert (group["count"], group["opens_at"]) == (2, None)
    assert "campaign_days" in group["parts"]
    # What a proposal asks for is the body of a PATCH.
    proposals = {each["name"]: each for each in told["closed"]["proposals"]}
    healed = proposals["campaign_days"]
    assert (healed["target"], healed["count"], healed["changes"]) == ("campaign", 2, {"days": None})
    assert api.patch(f"campaigns/{campaign.pk}", healed["changes"]).status_code == 200
    told = api.get(f"campaigns/{campaign.pk}/preview", rehearsal="true").json()
    assert told["expiring"] == told["closed"]["count"]


def test_an_unknown_question_of_the_preview_is_refused(api: Api, campaign: Campaign) -> None:
    answer = api.get(f"campaigns/{campaign.pk}/preview", rehersal="true")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/rehersal")


def test_the_preview_of_a_later_start_is_for_then(api: Api, new_campaign: Callable[..., Campaign]) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    campaign = new_campaign(starts_at=start)
    add_recipients(campaign, 2)
    told = api.get(f"campaigns/{campaign.pk}/preview").json()
    assert told["starts_at"] == start.isoformat().replace("+00:00", "Z")


def test_the_stats_come_from_counters(api: Api, campaign: Campaign) -> None:
    told = api.get(f"campaigns/{campaign.pk}/stats").json()
    assert list(told) == list(CampaignProgressSerializer().fields)
    assert told["total"] == 7
    assert told["by_status"] == {"queued": 3, "failed": 3, "delivered": 1}
    assert {reason: count for reason, count in told["by_reason"].items() if reason} == {"busy": 2, "no_answer": 1}
    assert told["waiting_by_zone"] == {"UTC": 3}
    assert told["open_imports"] == []


def test_the_export_holds_this_campaigns_voicemails_and_no_other(api: Api, campaign: Campaign) -> None:
    make_voicemail(campaign.use_case)
    rows = table(api.get(f"campaigns/{campaign.pk}/export"))
    assert len(rows) == 7
    assert {row["campaign_id"] for row in rows} == {str(campaign.pk)}
    event = AuditEvent.objects.get(action="voicemail.exported")
    assert (event.subject_id, event.actor) == (campaign.pk, api.key.user)


def test_the_export_is_filtered_like_the_listing(api: Api, campaign: Campaign) -> None:
    path = f"campaigns/{campaign.pk}/export"
    assert [row["status"] for row in table(api.get(path, status="failed"))] == ["failed"] * 3
    assert len(table(api.get(path, status=["failed", "delivered"]))) == 4
    assert [row["reason"] for row in table(api.get(path, reason="busy"))] == ["busy", "busy"]
    assert wrong(api.get(path, status="asleep")) == [("/status/0", "invalid_choice")]
    assert wrong(api.get(path, campaign_id=str(campaign.pk))) == [("/campaign_id", "unknown_field")]


def test_numbers_are_written_for_people_or_for_machines(api: Api, campaign: Campaign) -> None:
    path = f"campaigns/{campaign.pk}/export"
    assert table(api.get(path, status="delivered"))[0]["recipient_phone_number"] == "(201) 555-0100"
    plain = table(api.get(path, status="delivered", format="e164"))
    assert plain[0]["recipient_phone_number"] == "+12015550100"


def test_no_cell_is_run_as_a_formula(api: Api, campaign: Campaign) -> None:
    assert table(api.get(f"campaigns/{campaign.pk}/export", status="queued"))[0]["name"] == "'=HYPERLINK(1)"


def test_without_the_scope_for_numbers_nobody_is_named(campaign: Campaign) -> None:
    api = make_api(campaign.workspace, scopes=[Scope.CAMPAIGNS_READ])
    rows = table(api.get(f"campaigns/{campaign.pk}/export", format="e164"))
    assert {row["recipient_phone_number"][:-4] for row in rows} == {"•••••••"}
    assert "name" not in rows[0]
    assert "HYPERLINK" not in str(rows) and "201555" not in str(rows)


@pytest.mark.parametrize("accept", ["text/csv", "*/*", "application/json"])
def test_the_export_comes_whatever_is_accepted(api: Api, campaign: Campaign, accept: str) -> None:
    path = api.url(f"campaigns/{campaign.pk}/export")
    assert len(table(api.client.get(path, headers={"Accept": accept}))) == 7


def test_a_refused_export_is_a_problem_all_the_same(api: Api) -> None:
    path = api.url("campaigns/00000000-0000-0000-0000-000000000000/export")
    assert refusal(api.client.get(path, headers={"Accept": "text/csv"}), 404) == "not_found"
