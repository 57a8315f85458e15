"""The feed over the API: in the order of publication, from a cursor that goes on for ever, in one workspace and one mode."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from rvm.platform.database.ids import first_id_at, uuid7, uuid7_at
from rvm.platform.events import feed
from rvm.platform.models import Event
from rvm.platform.scopes import Scope
from tests import factories
from tests.factories import Api
from tests.rvm.platform.events.publishing import happened

pytestmark = pytest.mark.django_db

ACCEPTED, DELIVERED, LAUNCHED = "voicemail.accepted", "voicemail.delivered", "campaign.launched"


def page(api: Api, **query: Any) -> dict[str, Any]:
    answer = api.get("events", **query)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [each["id"] for each in found["items"]]


def texts(events: list[Event]) -> list[str]:
    return [str(event.pk) for event in events]


def old(api: Api, days: float, *, live: bool = True) -> Event:
    """An event of so many days ago that is still there."""
    at = datetime.now(UTC) - timedelta(days=days)
    return Event.objects.create(
        id=uuid7_at(int(at.timestamp() * 1000)),
        workspace_id=api.workspace_id,
        live=live,
        type=ACCEPTED,
        subject_id=uuid7(),
        occurred_at=at,
        data={},
    )


def problem(api: Api, status: int, **query: Any) -> dict[str, Any]:
    answer = api.get("events", **query)
    assert answer.status_code == status, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_an_event_is_told_with_id_type_timestamp_and_data(api: Api) -> None:
    [event] = happened(api.workspace_id, ACCEPTED)
    told = {
        "id": str(event.pk),
        "type": ACCEPTED,
        "timestamp": event.occurred_at.isoformat().replace("+00:00", "Z"),
        "data": event.data,
    }
    assert page(api)["items"] == [told]
    assert api.get(f"events/{event.pk}").json() == told


def test_pages_follow_each_other_without_a_gap_while_more_happens(api: Api) -> None:
    events = happened(api.workspace_id, *[ACCEPTED] * 5)
    first = page(api, limit=2)
    events += happened(api.workspace_id, *[DELIVERED] * 2)
    second = page(api, limit=2, after=first["after"])
    third = page(api, limit=3, after=second["after"])
    assert ids(first) + ids(second) + ids(third) == texts(events)
    assert [each["has_more"] for each in (first, second, third)] == [True, True, False]


def test_the_last_page_says_from_where_to_go_on_and_so_does_one_without_events(api: Api) -> None:
    empty = page(api)
    assert empty["items"] == [] and empty["has_more"] is False
    events = happened(api.workspace_id, ACCEPTED)
    last = page(api, after=empty["after"])
    assert ids(last) == texts(events)
    assert page(api, after=last["after"]) == {"items": [], "after": last["after"], "has_more": False}
    events = happened(api.workspace_id, DELIVERED)
    assert ids(page(api, after=last["after"])) == texts(events)


def test_a_filter_by_types_passes_over_the_others_and_remembers_that(api: Api) -> None:
    events = happened(api.workspace_id, ACCEPTED, LAUNCHED, ACCEPTED, DELIVERED, ACCEPTED)
    found = page(api, type=[LAUNCHED, DELIVERED])
    assert ids(found) == texts([events[1], events[3]])
    assert (found["after"], found["has_more"]) == (str(events[4].pk), False)
    first = page(api, type=[LAUNCHED, DELIVERED], limit=1)
    assert (first["after"], first["has_more"]) == (str(events[1].pk), True)


def test_a_filter_that_matches_few_looks_at_a_bounded_number_of_events(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "SCANNED", 2)
    events = happened(api.workspace_id, *[ACCEPTED] * 3, LAUNCHED)
    first = page(api, type=LAUNCHED)
    assert first == {"items": [], "after": str(events[1].pk), "has_more": True}
    second = page(api, type=LAUNCHED, after=first["after"])
    assert ids(second) == texts(events[3:]) and second["has_more"] is False


def test_since_begins_with_a_time(api: Api) -> None:
    earlier = old(api, 2)
    later = happened(api.workspace_id, ACCEPTED)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert ids(page(api)) == texts([earlier, *later])
    assert ids(page(api, since=yesterday)) == ids(page(api, since=yesterday, after=str(earlier.pk))) == texts(later)
    assert ids(page(api, since=yesterday, after=str(later[0].pk))) == []


def test_another_workspace_and_another_mode_have_feeds_of_their_own(api: Api) -> None:
    [live] = happened(api.workspace_id, ACCEPTED)
    [test] = happened(api.workspace_id, ACCEPTED, live=False)
    stranger, tester = factories.make_api(), factories.make_api(api.key.workspace, live=False)
    [foreign] = happened(stranger.workspace_id, ACCEPTED)
    assert ids(page(api)) == [str(live.pk)] and ids(page(api, live="false")) == [str(test.pk)]
    assert ids(page(tester)) == [str(test.pk)] and ids(page(stranger)) == [str(foreign.pk)]
    assert problem(tester, 403, live="true")["code"] == "test_key"
    reached = {
        (name, event.pk): caller.get(f"events/{event.pk}").status_code
        for name, caller in {"live": api, "test": tester}.items()
        for event in (live, test, foreign)
    }
    assert list(reached.values()) == [200, 200, 404, 404, 200, 404]


@pytest.mark.parametrize("whose", ["of another workspace", "of the other mode", "of nobody", "no version 7"])
def test_a_cursor_of_another_feed_is_refused(api: Api, whose: str) -> None:
    cursor = {
        "of another workspace": lambda: happened(factories.make_workspace(), ACCEPTED)[0].pk,
        "of the other mode": lambda: happened(api.workspace_id, ACCEPTED, live=False)[0].pk,
        "of nobody": uuid7,
        "no version 7": uuid4,
    }[whose]()
    found = problem(api, 422, after=str(cursor))
    assert found["errors"] == [{"pointer": "/after", "code": "cursor_unknown", "detail": found["errors"][0]["detail"]}]
    assert "The live feed of this workspace has no event with this id." in found["detail"]


@pytest.mark.parametrize(
    "garbage", ["x", "0", "01920f3b9a0070018000", "{01920f3b-9a00-7001-8000-0000000000e1}", "٣" * 36]
)
def test_what_is_no_id_is_refused(api: Api, garbage: str) -> None:
    assert problem(api, 422, after=garbage)["errors"][0]["pointer"] == "/after"


@pytest.mark.parametrize("days", [31, 3000, 20_000])
def test_a_cursor_older_than_the_feed_is_told_how_far_back_it_goes_and_what_to_do(api: Api, days: int) -> None:
    cursor = first_id_at(datetime.now(UTC) - timedelta(days=days))
    found = problem(api, 410, after=str(cursor))
    kept_from = datetime.fromisoformat(found["kept_from"])
    assert found["code"] == "events_gone" and "updated_after" in found["detail"]
    assert abs(datetime.now(UTC) - timedelta(days=30) - kept_from) < timedelta(minutes=1)
    assert problem(api, 410, since=(datetime.now(UTC) - timedelta(days=days)).isoformat())["code"] == "events_gone"


def test_a_cursor_whose_event_is_still_there_goes_on_however_old(api: Api) -> None:
    """As while a legal hold stands."""
    kept, next_one = old(api, 40), old(api, 39)
    assert ids(page(api, after=str(kept.pk))) == [str(next_one.pk)]


def test_what_cannot_be_is_refused(api: Api) -> None:
    now = datetime.now(UTC)
    assert problem(api, 422, since=(now + timedelta(days=1)).isoformat())["errors"][0]["code"] == "too_late"
    ahead = first_id_at(now + timedelta(days=1))
    assert problem(api, 422, after=str(ahead))["errors"][0]["code"] == "cursor_unknown"
    assert problem(api, 422, type="voicemail.eaten")["errors"][0]["pointer"] == "/type/0"
    assert problem(api, 422, limit=201)["errors"][0]["pointer"] == "/limit"
    assert problem(api, 422, continuation_token="x")["errors"][0]["code"] == "unknown_field"


def test_the_feed_needs_its_scope() -> None:
    api = factories.make_api(scopes=[scope for scope in Scope if scope != Scope.EVENTS_READ])
    for path in ("events", f"events/{uuid7()}", "events/stream"):
        assert api.get(path).json()["code"] == "missing_scope"


def test_a_page_of_the_feed_reads_the_index_of_its_order(api: Api, django_assert_max_num_queries: Any) -> None:
    happened(api.workspace_id, *[ACCEPTED] * 3)
    with django_assert_max_num_queries(4):
        page(api)
