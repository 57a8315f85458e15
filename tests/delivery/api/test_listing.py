"""The list of voicemails: every filter, alone and together, pages that stay correct, masks, and the search by body."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench.api.statements import counted, traced
from delivery.api.serializers.voicemails import VoicemailSerializer
from delivery.models import Voicemail
from rvm.platform.database.ids import uuid7_at
from rvm.platform.models import Workspace
from rvm.platform.scopes import Scope
from tests.delivery.api.sending import codes
from tests.factories import Api, make_api, make_lane, make_setup, make_use_case, make_voicemail
from usecases.models import UseCase

T0 = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def at(minutes: int) -> dict[str, Any]:
    moment = T0 + timedelta(minutes=minutes)
    return {"id": uuid7_at(int(moment.timestamp() * 1000)), "created_at": moment, "updated_at": moment}


def names(response: Any) -> str:
    assert response.status_code == 200, response.content
    return "".join(item["reference"] for item in response.json()["items"])


@pytest.fixture
def world(workspace: Workspace) -> dict[str, Any]:
    """Six voicemails a to f, a minute apart, and another workspace's."""
    first, second = make_use_case(workspace), make_use_case(workspace, setup=make_setup(workspace, carrier="other"))
    campaign = make_lane(first)
    make_voicemail(first, reference="a", recipient="+12025550101", **at(1))
    make_voicemail(first, reference="b", recipient="+12025550102", status="failed", reason="busy", **at(2))
    make_voicemail(second, reference="c", recipient="+12025550101", status="failed", reason="no_answer", **at(3))
    make_voicemail(second, reference="d", recipient="+12025550102", status="delivered", **at(4))
    make_voicemail(lane=campaign, reference="e", recipient="+12025550101", status="failed", reason="busy", **at(5))
    make_voicemail(lane=campaign, reference="f", recipient="+12025550103", **at(6))
    make_voicemail(reference="x", recipient="+12025550101", **at(7))
    return {"first": first, "second": second, "campaign": campaign}


FILTERS: list[tuple[dict[str, Any], str]] = [
    ({}, "fedcba"),
    ({"use_case_id": "first"}, "feba"),
    ({"setup_id": "second"}, "dc"),
    ({"campaign_id": "campaign"}, "fe"),
    ({"status": ["failed"]}, "ecb"),
    ({"status": ["failed", "delivered"]}, "edcb"),
    ({"reason": "busy"}, "eb"),
    ({"carrier": "sandbox"}, "feba"),
    ({"reference": "c"}, "c"),
    ({"recipient_phone_number": "+12025550101"}, "eca"),
    ({"created_after": T0 + timedelta(minutes=3)}, "fedc"),
    ({"created_before": T0 + timedelta(minutes=3)}, "ba"),
    ({"updated_after": T0 + timedelta(minutes=5)}, "fe"),
    ({"updated_before": T0 + timedelta(minutes=2)}, "a"),
    ({"created_before": datetime(1900, 1, 1, tzinfo=UTC)}, ""),
    ({"created_after": datetime(9999, 1, 1, tzinfo=UTC)}, ""),
    ({"recipient_phone_number": "+12025550199"}, ""),
    ({"use_case_id": str(uuid4())}, ""),
    ({"use_case_id": "first", "status": ["failed"], "recipient_phone_number": "+12025550101"}, "e"),
    ({"setup_id": "first", "carrier": "sandbox", "reason": "busy", "created_before": T0 + timedelta(minutes=5)}, "b"),
    ({"campaign_id": "campaign", "status": ["queued"], "updated_after": T0, "use_case_id": "second"}, ""),
]


def spelled(filters: dict[str, Any], world: dict[str, Any]) -> dict[str, Any]:
    def spell(name: str, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.isoformat().replace("+00:00", "Z")
        if isinstance(value, str) and value in world:
            return str(world[value].setup_id if name == "setup_id" else world[value].pk)
        return value

    return {name: spell(name, value) for name, value in filters.items()}


@pytest.mark.parametrize(("filters", "expected"), FILTERS)
def test_filters_in_the_query_and_in_a_body_find_the_same(
    api: Api, world: dict[str, Any], filters: dict[str, Any], expected: str
) -> None:
    asked = spelled(filters, world)
    assert names(api.get("voicemail", **asked)) == expected
    assert names(api.post("voicemail/search", asked)) == expected


@pytest.mark.parametrize("filters", [filters for filters, _ in FILTERS])
def test_a_page_takes_four_statements_whatever_it_is_filtered_by(
    api: Api, world: dict[str, Any], filters: dict[str, Any]
) -> None:
    """The key, the page, what its voicemails wait for, and the audit event of the numbers."""
    asked = spelled(filters, world)
    for _ in range(2):  # the first notes that the key is used
        with traced() as taken:
            api.get("voicemail", **asked)
    assert len(counted(taken)) <= 4


def test_an_unescaped_plus_in_the_query_is_understood(api: Api, world: dict[str, Any]) -> None:
    assert names(api.client.get(api.url("voicemail?recipient_phone_number=+12025550102"))) == "db"


def test_the_line_of_the_api_is_no_campaign(api: Api, world: dict[str, Any]) -> None:
    lane = Voicemail.objects.get(reference="a").lane_id
    assert names(api.get("voicemail", campaign_id=str(lane))) == ""


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"status": "lost"}, "/status/0"),
        ({"status": ["queued"] * 21}, "/status"),
        ({"use_case_id": "x"}, "/use_case_id"),
        ({"recipient_phone_number": "5550142"}, "/recipient_phone_number"),
        ({"reason": "bad luck"}, "/reason"),
        ({"carrier": "pigeon"}, "/carrier"),
        ({"created_after": "yesterday"}, "/created_after"),
        ({"limit": "0"}, "/limit"),
        ({"limit": "201"}, "/limit"),
        ({"limit": "many"}, "/limit"),
        ({"continuation_token": "x"}, "/continuation_token"),
        ({"statuses": "failed"}, "/statuses"),
    ],
)
def test_a_filter_that_cannot_be_used_is_422_and_named(api: Api, query: dict[str, Any], wrong: str) -> None:
    response = api.get("voicemail", **query)
    assert response.status_code == 422
    assert wrong in [pointer for pointer, _ in codes(response)]
    in_body = {name: int(value) if name == "limit" and value.isdigit() else value for name, value in query.items()}
    assert api.post("voicemail/search", in_body).status_code == 422


def test_twenty_statuses_are_taken(api: Api, world: dict[str, Any]) -> None:
    assert names(api.get("voicemail", status=["failed"] * 20)) == "ecb"


def test_pages_stay_correct_while_rows_arrive(api: Api, use_case: UseCase) -> None:
    for minute in range(7):
        make_voicemail(use_case, reference=str(minute), **at(minute))
    seen, token = "", None
    for turn in range(10):
        asked = {"limit": 3} | ({"continuation_token": token} if token else {})
        page = api.get("voicemail", **asked).json()
        seen += "".join(item["reference"] for item in page["items"])
        token = page["continuation_token"]
        make_voicemail(use_case, reference="n", **at(100 + turn))
        assert page["has_more"] is (token is not None)
        if not token:
            break
    assert seen == "6543210"


def test_a_token_of_other_filters_is_refused(api: Api, use_case: UseCase) -> None:
    for minute in range(3):
        make_voicemail(use_case, **at(minute))
    token = api.get("voicemail", limit=1).json()["continuation_token"]
    response = api.get("voicemail", limit=1, continuation_token=token, status="queued")
    assert codes(response) == [("/continuation_token", "continuation_token_invalid")]


def test_a_search_goes_on_with_its_token(api: Api, use_case: UseCase) -> None:
    for minute in range(3):
        make_voicemail(use_case, reference=str(minute), **at(minute))
    first = api.post("voicemail/search", {"limit": 2, "status": ["queued"]}).json()
    rest = api.post(
        "voicemail/search", {"limit": 2, "status": ["queued"], "continuation_token": first["continuation_token"]}
    )
    assert names(rest) == "0"


def test_an_item_has_every_documented_field_and_no_other(api: Api, use_case: UseCase) -> None:
    make_voicemail(use_case, status="failed", reason="busy", metadata={"a": 1})
    [item] = api.get("voicemail").json()["items"]
    assert list(item) == list(VoicemailSerializer().fields)
    assert (item["reason_detail"], item["duration_ms"], item["carrier"]) == ("The line was busy.", 15_000, "sandbox")
    assert item["campaign_id"] is None


def test_a_campaigns_voicemail_names_its_campaign(api: Api, workspace: Workspace) -> None:
    lane = make_lane(make_use_case(workspace))
    make_voicemail(lane=lane)
    [item] = api.get("voicemail").json()["items"]
    assert item["campaign_id"] == str(lane.pk)


def test_numbers_are_masked_without_the_scope(workspace: Workspace, use_case: UseCase) -> None:
    make_voicemail(use_case, recipient="+12025550142")
    masked = make_api(workspace, scopes=[Scope.VOICEMAIL_READ])
    for response in (
        masked.get("voicemail"),
        masked.post("voicemail/search", {"recipient_phone_number": "+12025550142"}),
    ):
        [item] = response.json()["items"]
        assert item["recipient_phone_number"] == "+•••••••0142"
        assert "2025550142" not in response.content.decode()
    [item] = make_api(workspace).get("voicemail").json()["items"]
    assert item["recipient_phone_number"] == "+12025550142"


def test_the_size_of_a_page_does_not_change_the_number_of_queries(api: Api, use_case: UseCase) -> None:
    make_voicemail(use_case)
    with CaptureQueriesContext(connection) as one:
        api.get("voicemail")
    for _ in range(20):
        make_voicemail(use_case)
    with CaptureQueriesContext(connection) as many:
        api.get("voicemail")
    assert len(many) <= len(one)
