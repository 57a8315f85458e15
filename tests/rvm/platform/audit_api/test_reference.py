"""The audit in the reference platform's shape: its filters, its pages by offset, its summary, and exports as files."""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from typing import Any

import pytest

from rvm.platform.audit_api.reference import events as reference
from rvm.platform.audit_api.reference import exports
from rvm.platform.models import AuditEvent, User, Workspace
from rvm.platform.scopes import Scope
from tests.factories import Api, make_api, make_use_case, make_voicemail, make_workspace
from tests.rvm.platform.audit.conftest import record

pytestmark = pytest.mark.django_db

# The schemas of the reference's OpenAPI document: the members and what they may be.
_TEXT, _ID, _NULL = str, str, type(None)
EVENT: dict[str, tuple[type, ...]] = {
    "id": (_ID,), "workspace_id": (_ID,), "timestamp": (_TEXT,), "service": (_TEXT,), "action": (_TEXT,),
    "resource_type": (_TEXT,), "actor_credential_id": (_ID, _NULL), "actor_entity_id": (_ID, _NULL),
    "ip_address": (_TEXT, _NULL), "metadata": (dict, _NULL), "phi_accessed": (bool,), "resource_id": (_TEXT, _NULL),
    "resource_name": (_TEXT, _NULL), "user_agent": (_TEXT, _NULL),
}  # fmt: skip
PAGE: dict[str, tuple[type, ...]] = {
    "events": (list,),
    "total": (int,),
    "limit": (int,),
    "offset": (int,),
    "has_more": (bool,),
}
SUMMARY: dict[str, tuple[type, ...]] = dict.fromkeys(
    ("total_events", "phi_access_events", "unique_actors", "services_with_events"), (int,)
)
EXPORT: dict[str, tuple[type, ...]] = {
    "export_id": (_TEXT,), "s3_key": (_TEXT,), "row_count": (int,), "download_url": (_TEXT,), "created_at": (_TEXT,),
}  # fmt: skip
LISTED_EXPORT: dict[str, tuple[type, ...]] = {
    "key": (_TEXT,), "size": (int,), "download_url": (_TEXT, _NULL), "last_modified": (_TEXT, _NULL),
}  # fmt: skip
SPAN = {"date_from": "2020-01-01", "date_to": "2020-12-31"}


@pytest.fixture
def api(workspace: Workspace) -> Api:
    return make_api(workspace, scopes=[Scope.AUDIT_READ])


@pytest.fixture
def span(workspace: Workspace) -> dict[str, str]:
    """Today, as an export asks for it."""
    today = AuditEvent.objects.latest("id").at.astimezone(UTC)
    return {"date_from": str(today.date()), "date_to": (today + timedelta(days=1)).isoformat()}


def answer(api: Api, path: str = "audit", status: int = 200, **query: Any) -> Any:
    response: Any = api.get(path, **query)
    assert response.status_code == status, response.content
    return response.json()


def export(api: Api, status: int = 200, **asked: Any) -> Any:
    response: Any = api.post("audit/export", asked)
    assert response.status_code == status, response.content
    return response.json()


def lines(api: Api, made: dict[str, Any]) -> list[Any]:
    response: Any = api.client.get(made["download_url"].removeprefix("http://127.0.0.1:8000"))
    assert (response.status_code, response["Content-Type"]) == (200, "application/x-ndjson")
    return [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]


def conforms(value: dict[str, Any], schema: dict[str, tuple[type, ...]]) -> bool:
    return all(isinstance(value[name], kinds) for name, kinds in schema.items())


@pytest.fixture
def five(maria: User, workspace: Workspace) -> list[str]:
    """Five events, newest first."""
    return [str(record("workspace.updated", workspace, maria, workspace).pk) for _ in range(5)][::-1]


@pytest.mark.parametrize("path", ["audit", "audit/phi-access"])
def test_a_page_has_the_members_of_the_reference_beside_ours(
    api: Api, maria: User, workspace: Workspace, path: str
) -> None:
    voicemail = make_voicemail(make_use_case(workspace))
    record("voicemail.read", voicemail, maria, workspace)
    page = answer(api, path)
    assert conforms(page, PAGE)
    [event] = [event for event in page["events"] if event["action"] == "voicemail.read"]
    [ours] = [item for item in page["items"] if item["action"] == "voicemail.read"]
    assert conforms(event, EVENT)
    assert (event["id"], event["timestamp"], event["service"]) == (ours["event_id"], ours["at"], "delivery")
    assert (event["actor_entity_id"], event["phi_accessed"], event["metadata"]) == (str(maria.pk), True, {})
    log = answer(api, f"audit/entity/{voicemail.pk}/access-log")
    assert conforms(log, PAGE) and [each["id"] for each in log["events"]] == [event["id"]]


def test_offsets_lead_through_all_events(api: Api, five: list[str]) -> None:
    seen: list[str] = []
    query: dict[str, Any] = {"action": "workspace.updated", "limit": 2}
    while True:
        page = answer(api, **query)
        assert (page["total"], page["limit"], page["offset"]) == (5, 2, query.get("offset", 0))
        seen += [event["id"] for event in page["events"]]
        assert page["has_more"] == (page["next_offset"] is not None)
        if not page["has_more"]:
            break
        query["offset"] = page["next_offset"]
    assert seen == five


def test_an_offset_beyond_the_last_event_finds_none(api: Api, five: list[str]) -> None:
    page = answer(api, action="workspace.updated", offset=5)
    assert (page["events"], page["has_more"], page["total"], page["next_offset"]) == ([], False, 5, None)


def test_a_page_by_offset_goes_on_by_token_too(api: Api, five: list[str]) -> None:
    page = answer(api, action="workspace.updated", limit=2, offset=1)
    rest = answer(api, action="workspace.updated", continuation_token=page["continuation_token"])
    assert [event["id"] for event in [*page["events"], *rest["events"]]] == five[1:]
    assert rest["next_offset"] is None


def test_a_total_and_an_offset_have_bounds_that_are_told(
    api: Api, five: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "MAX_COUNTED", 3)
    assert answer(api, action="workspace.updated")["total"] == 3
    problem = answer(api, status=422, offset=reference.MAX_OFFSET + 1)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("/offset", "max_value")]
    monkeypatch.setattr(reference, "MAX_OFFSET", 1)
    page = answer(api, action="workspace.updated", limit=2)
    assert (page["has_more"], page["next_offset"]) == (True, None)


def test_a_repeated_export_is_one(api: Api, span: dict[str, str]) -> None:
    """Its scope only reads, but it makes a row."""
    first, again = (api.post("audit/export", span, Idempotency_Key="k1") for _ in range(2))
    assert again["Idempotent-Replayed"] == "true" and again.json() == first.json()
    assert len(answer(api, "audit/exports")["exports"]) == 1
    other = api.post("audit/export", {**span, "phi_only": True}, Idempotency_Key="k1")
    assert other.json()["code"] == "idempotency_key_reused"


def test_an_offset_and_a_token_are_refused_together(api: Api, five: list[str]) -> None:
    token = answer(api, limit=2)["continuation_token"]
    problem = answer(api, status=422, limit=2, offset=2, continuation_token=token)
    assert [error["pointer"] for error in problem["errors"]] == ["/offset"]


def test_events_are_filtered_by_service_actor_and_what_was_seen(api: Api, maria: User, workspace: Workspace) -> None:
    voicemail = make_voicemail(make_use_case(workspace))
    record("voicemail.read", voicemail, maria, workspace)
    record("voicemail.canceled", voicemail, None, workspace)
    record("use_case.updated", voicemail.use_case, maria, workspace)

    def found(path: str = "audit", **query: Any) -> list[str]:
        return [event["action"] for event in answer(api, path, **query)["events"]]

    assert found(service="delivery") == ["voicemail.canceled", "voicemail.read"]
    assert found(service="usecases", actor_entity_id=str(maria.pk)) == ["use_case.updated"]
    assert found(phi_only="true") == ["voicemail.read"]
    assert found(phi_only="false", resource_id=str(voicemail.pk)) == ["voicemail.canceled", "voicemail.read"]
    assert found("audit/phi-access", entity_id=str(voicemail.pk)) == ["voicemail.read"]
    assert found("audit/phi-access", entity_id=str(maria.pk)) == []


def test_a_span_is_of_days_or_of_times(api: Api, maria: User, workspace: Workspace) -> None:
    at = record("workspace.updated", workspace, maria, workspace).at.astimezone(UTC)
    day, second = str(at.date()), timedelta(seconds=1)

    def found(**query: Any) -> int:
        return len(answer(api, action="workspace.updated", **query)["events"])

    assert found(date_from=day, date_to=day) == 1
    assert found(date_from=f"{at - second:%Y-%m-%dT%H:%M:%SZ}", date_to=(at + second).isoformat()) == 1
    assert found(date_from=(at + second).isoformat()) == found(date_to=(at - second).isoformat()) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("service", "voice"),
        ("actor_entity_id", "maria"),
        ("phi_only", "yes"),
        ("offset", "-1"),
        ("offset", "x"),
        ("date_from", "2026-03-01T10:00:00"),
        ("date_from", "2026-W10-1"),
        ("date_to", "2026-02-30"),
        ("date_to", "yesterday"),
    ],
)
def test_what_no_event_can_have_is_refused(name: str, value: str, api: Api) -> None:
    problem = answer(api, status=422, **{name: value})
    assert [error["pointer"] for error in problem["errors"]] == [f"/{name}"]


# The summary


def test_the_summary_counts_the_last_days_or_those_asked_for(api: Api, maria: User, workspace: Workspace) -> None:
    voicemail = make_voicemail(make_use_case(workspace))
    before = answer(api, "audit/summary")
    record("voicemail.read", voicemail, maria, workspace)
    record("voicemail.canceled", voicemail, maria, workspace)
    record("voicemail.read", voicemail, maria, make_workspace())
    after = answer(api, "audit/summary")
    assert conforms(after, SUMMARY)
    assert [after[name] - before[name] for name in SUMMARY] == [2, 1, 1, 1]
    assert [answer(api, "audit/summary", **SPAN)[name] for name in SUMMARY] == [0, 0, 0, 0]


@pytest.mark.parametrize("span", [{"date_from": "2020-01-01"}, {"date_from": "2020-02-01", "date_to": "2020-01-01"}])
def test_a_summary_of_more_than_a_year_or_of_no_time_is_refused(api: Api, span: dict[str, str]) -> None:
    problem = answer(api, "audit/summary", status=422, **span)
    assert problem["detail"] == "`date_to` is after `date_from`, by at most 366 days."


# Exports


def test_an_export_is_an_event_and_its_file_has_what_matched_before(
    api: Api, five: list[str], span: dict[str, str], maria: User, workspace: Workspace
) -> None:
    made = export(api, action="workspace.updated", service=None, **span)
    assert conforms(made, EXPORT)
    record("workspace.updated", workspace, maria, workspace)
    events = lines(api, made)
    assert [event["id"] for event in events] == five
    assert all(conforms(event, EVENT) for event in events)
    assert made["row_count"] == 5
    assert events[0]["description"] == f"Maria Lopez changed the workspace {workspace.name}"
    recorded = AuditEvent.objects.filter(action__startswith="audit_event.").order_by("id")
    assert [(event.action, event.key_id) for event in recorded] == [
        ("audit_event.exported", api.key.pk),
        ("audit_event.downloaded", api.key.pk),
    ]
    assert recorded[0].details["rows"] == 5 and recorded[1].details == {"export": made["export_id"]}


def test_the_size_of_an_export_is_that_of_its_file(api: Api, five: list[str], span: dict[str, str]) -> None:
    made = export(api, **span)
    response: Any = api.get(f"audit/exports/{made['export_id']}")
    content = b"".join(response.streaming_content)
    assert (len(content), content.count(b"\n")) == (made["size"], made["row_count"])


def test_exports_are_listed_with_the_names_of_the_reference(
    api: Api, span: dict[str, str], maria: User, workspace: Workspace
) -> None:
    record("audit_event.exported", workspace, maria, workspace, filters={}, numbers_shown=False)  # of the desk
    made = [export(api, phi_only=True, **span)["export_id"] for _ in range(2)]
    listed = answer(api, "audit/exports")
    assert [each["key"] for each in listed["exports"]] == made[::-1]
    assert listed["exports"] == listed["items"] and conforms(listed["exports"][0], LISTED_EXPORT)
    assert answer(api, "audit/exports", limit=1)["has_more"] is True


def test_an_export_is_of_its_workspace_and_world(
    api: Api, span: dict[str, str], five: list[str], workspace: Workspace
) -> None:
    made = export(api, **span)
    for other in (make_api(scopes=[Scope.AUDIT_READ]), make_api(workspace, live=False, scopes=[Scope.AUDIT_READ])):
        assert answer(other, f"audit/exports/{made['export_id']}", status=404)["code"] == "not_found"
        assert answer(other, "audit/exports")["items"] == []
        assert not {event["id"] for event in lines(other, export(other, **span))} & set(five)
    assert answer(api, f"audit/exports/{five[0]}", status=404)["code"] == "not_found"


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({}, "/date_from"),
        ({**SPAN, "action": "entity.lunched"}, "/action"),
        ({**SPAN, "service": "voice"}, "/service"),
        ({"date_from": "2020-01-01", "date_to": "2022-01-01"}, "/date_to"),
        ({"date_from": "2020-01-02", "date_to": "2020-01-01"}, "/date_to"),
    ],
)
def test_an_export_that_cannot_be_is_refused_and_recorded_nowhere(
    api: Api, asked: dict[str, str], pointer: str
) -> None:
    problem = export(api, status=422, **asked)
    assert problem["errors"][0]["pointer"] == pointer
    assert not AuditEvent.objects.filter(action="audit_event.exported").exists()


def test_an_export_of_too_many_events_is_refused_before_they_are_read(
    api: Api, five: list[str], span: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MAX_ROWS", 4)
    problem = export(api, status=422, action="workspace.updated", **span)
    assert problem["detail"] == "More than 4 events match; ask for fewer days, and make several exports."


def test_a_file_is_read_in_pages(
    api: Api, five: list[str], span: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE_ROWS", 2)
    made = export(api, action="workspace.updated", **span)
    assert [event["id"] for event in lines(api, made)] == five
