"""Values that fit rows which exist, where a schema says no more than a type: ids, numbers, times, time zones, sounds and lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from schemathesis import Case, GenerationMode

from rvm.phone_numbers.numbers import E164
from rvm.platform.database.clock import database_now
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import Api
from usecases.consents.bases import PURPOSES

LIST = b"phone\n2025550142\n"


def _is_uuid(value: Any) -> bool:
    with suppress(ValueError, AttributeError, TypeError):
        return str(UUID(value)) == value
    return False


def _is_moment(value: Any) -> bool:
    with suppress(ValueError, AttributeError):
        return bool(datetime.fromisoformat(value.replace("z", "Z")))
    return False


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 64


def _is_yes_or_no(value: Any) -> bool:
    return isinstance(value, bool)


def _are_purposes(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(each in PURPOSES for each in value)


_MOMENTS = ("not_before", "expires_at", "starts_at", "ends_at", "given_at", "revoked_at", "at", "since")
_CHECKLIST = ("says_caller", "says_callback_number", "says_opt_out_number", "says_synthetic_voice", "no_health_details")
# By name: whether a value is right by the schema. Only such a value is replaced, so that a wrong one stays wrong. Other names are
# those of ids.
_RIGHT: dict[str, Callable[[Any], bool]] = {
    "Authorization": lambda value: isinstance(value, str) and value.startswith("Bearer "),
    "recipient_phone_number": lambda value: isinstance(value, str) and bool(E164.fullmatch(value)),
    "phone_number": lambda value: isinstance(value, str) and bool(E164.fullmatch(value)),
    **dict.fromkeys(_MOMENTS, _is_moment),
    **dict.fromkeys(_CHECKLIST, _is_yes_or_no),
    **dict.fromkeys(("time_zone", "action", "resource_type", "service", "date_from", "date_to"), _is_text),
    "purposes": _are_purposes,
    **dict.fromkeys(("audio", "file"), lambda value: isinstance(value, str | bytes)),
}


def fitting_values(api: Api, ids: Mapping[str, Any]) -> dict[str, Any]:
    """By the name of a path parameter, query parameter, field of a body, or header."""
    now = database_now()
    return {
        **{name: str(value) for name, value in ids.items()},
        **dict.fromkeys(_CHECKLIST, True),
        "Authorization": api.client.defaults["HTTP_AUTHORIZATION"],
        "workspace_id": str(api.workspace_id),
        "failover_setup_id": str(ids["unused_setup_id"]),
        "recipient_phone_number": "+12025550101",
        "phone_number": "+12125550188",
        "not_before": (now + timedelta(hours=1)).isoformat(),
        "expires_at": (now + timedelta(days=2)).isoformat(),
        "starts_at": (now + timedelta(hours=1)).isoformat(),
        "ends_at": (now + timedelta(days=2)).isoformat(),
        "given_at": (now - timedelta(days=1)).isoformat(),
        "revoked_at": (now - timedelta(minutes=1)).isoformat(),
        "at": (now - timedelta(minutes=1)).isoformat(),
        "since": (now - timedelta(minutes=1)).isoformat(),
        "after": str(ids["event_id"]),
        "Last-Event-ID": str(ids["event_id"]),
        "time_zone": "America/Chicago",
        "service": "campaigns",
        "date_from": (now - timedelta(days=30)).date().isoformat(),
        "date_to": now.date().isoformat(),
        "action": "campaign.launched",
        "resource_type": "campaigns.campaign",
        "purposes": ["appointment"],
        "audio": encoded(11),
        "file": LIST,
    }


def fit(case: Case, values: Mapping[str, Any]) -> None:
    """Replace what is right by the schema by what fits the rows. A token is of one page, so the first page is asked for."""
    for place in ("path_parameters", "query", "headers", "body"):
        part = getattr(case, place)
        if isinstance(part, MutableMapping):
            for name, value in part.items():
                part[name] = _fitted(name, value, values)
            if place in ("query", "body") and _is_token(part.get("continuation_token")):
                del part["continuation_token"]


_STATED = {"voice": "human", **dict.fromkeys(_CHECKLIST, True)}
_READ = {"format": "csv", "encoding": "utf-8", "delimiter": ",", "header_row": 1, "columns": ["phone"]}
_HOURS = ("script", "window_start", "window_end", "days")
_SANDBOX = {"base_url": "http://127.0.0.1:8800", "key": "k", "signing_secret": "s"}
# By operation: fields that a right body does not have, and others that it has, because its fields depend on each other.
_TOGETHER: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "attest_clip": ((), _STATED),
    "attest_recording": ((), _STATED),
    "create_api_key": (("permissions", "duration_days", "networks"), {"scopes": ["voicemail:read"]}),
    "create_campaign": (_HOURS, {}),
    "update_campaign": (_HOURS, {"starts_at": None, "ends_at": None}),
    "create_setup": (("baa_exception_reason",), {"carrier": "sandbox", "credentials": _SANDBOX}),
    "update_setup": (("baa_exception_reason", "credentials"), {}),
    **dict.fromkeys(
        ("create_webhook_destination", "update_webhook_destination"), ((), {"url": "https://hooks.clinic.example/rvm"})
    ),
    "check_withdrawal": ((), {"items": ["0010482"]}),
    "search_people": (
        ("record_number", "reference", "name", "campaign_id"),
        {"recipient_phone_number": "+12025550101"},
    ),
    **dict.fromkeys(("read_import_as", "read_opt_out_list_as"), (("sheet",), _READ)),
}


def fit_together(case: Case, operation_id: str) -> None:
    """Let the fields of a body that is right by the schema agree with each other."""
    is_right = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
    if not is_right or not isinstance(case.body, dict):
        return
    is_form = case.media_type == "multipart/form-data"
    absent, present = _TOGETHER.get(operation_id, ((), {})) if not is_form else _together_in_form(case.body)
    for name in absent:
        case.body.pop(name, None)
    case.body.update(present)


def _together_in_form(body: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    if "audio" in body:
        return ("metadata",), _STATED
    return ("sheet", "columns", *_READ), {}


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _fitted(name: str, value: Any, values: Mapping[str, Any]) -> Any:
    if name in values and _RIGHT.get(name, _is_uuid)(value):
        return values[name]
    if isinstance(value, dict):
        return {inner: _fitted(inner, each, values) for inner, each in value.items()}
    if isinstance(value, list):
        return [_fitted("", each, values) for each in value]
    return value
