"""Every operation of the served OpenAPI document takes any junk with a precise refusal: never a crash, always problem+json."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as drawing
from hypothesis import strategies as st

from campaigns.models import Withdrawal
from delivery.recordings import removal
from delivery.recordings.clips import store_clip
from delivery.recordings.recordings import store_recording
from rvm.platform import audit
from rvm.platform.api import rate_limit
from tests.campaigns.api.calling import make_campaign, upload_directly
from tests.campaigns.opt_outs.lists import uploaded as upload_opt_outs
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import (
    Api,
    add_recipients,
    make_api,
    make_consent,
    make_phone_number,
    make_suppression,
    make_use_case,
    make_voicemail,
)
from tests.rvm.platform.events.publishing import happened
from tests.rvm.platform.webhooks.factories import make_delivery, make_destination

pytestmark = pytest.mark.django_db

EXAMPLES = 15  # an operation: some 7 s in all on an idle machine
TEXT = st.text(st.characters(exclude_categories=[]), max_size=20)
SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**63, 10**30, 1e308, -0.0]),
    st.floats(),
    TEXT,
    st.sampled_from(
        ["", "\0", "+12025550142", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "24:00", "%s", "x" * 5000]
    ),
)
JUNK = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Idempotency-Key": st.sampled_from(["k", '"', "ä", "x" * 300]),
        "Accept": st.sampled_from(["text/html", "image/png", ";"]),
        "Range": st.sampled_from(["bytes=0-", "bytes=-1", "bytes=9-1", "bytes=99999999999-", "x"]),
        "If-None-Match": TEXT.map(partial(quote, errors="ignore")),
    },
)
ENDS_OF_TIME = ("0001-01-01T00:00:00Z", "0001-01-01", "9999-12-31T23:59:59.999999Z", "9999-12-31")
MEDIA = (
    "application/json",
    "multipart/form-data; boundary=B",
    "multipart/form-data",
    "text/plain",
    "",
    ";",
    "a/b; charset=x",
)


class Operation(NamedTuple):
    method: str
    path: str
    query: dict[str, Any]  # parameter: its schema
    body: dict[str, Any]  # property: its schema
    form: bool


@pytest.fixture
def known(api: Api, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """A row of every kind, by the name that addresses and bodies give its id."""
    settings.MEDIA_ROOT = str(tmp_path)
    monkeypatch.setattr(rate_limit, "count", lambda *_: None)  # the rate limit is tested elsewhere
    use_case = make_use_case(api.key.workspace)
    recording = store_recording(api.key.workspace, "Flu shot", encoded(12))
    campaign = make_campaign(use_case, recording)
    add_recipients(campaign, 1)
    queued, failed = make_voicemail(use_case), make_voicemail(use_case, status="failed", reason="busy")
    withdrawal = Withdrawal.objects.create(workspace=api.key.workspace, campaign=campaign, voicemail_ids=[])
    workspace, span = api.key.workspace, dict.fromkeys(("date_from", "date_to"), "2026-03-01T00:00:00+00:00")
    exported = audit.record(
        "audit_event.exported", workspace, actor=None, workspace=workspace, filters=span, rows=0, bytes=0
    )
    delivery = make_delivery(make_destination(workspace))
    return {
        "api_key_id": [make_api(workspace).key.pk],
        "export_id": [exported.pk],
        "use_case_id": [use_case.pk],
        "setup_id": [use_case.setup_id],
        "resource_id": [use_case.setup_id],
        "failover_setup_id": [use_case.setup_id],
        "phone_number_id": [make_phone_number(use_case.setup).pk],
        "recording_id": [recording.pk],
        "clip_id": [store_clip(api.key.workspace, "Ana", encoded(1)).pk],
        "voicemail_id": [queued.pk, failed.pk],
        "campaign_id": [campaign.pk],
        "import_id": [upload_directly(campaign).pk],
        "opt_out_list_id": [upload_opt_outs(api.key.workspace, "phone\n2025550142\n").pk],
        "withdrawal_id": [withdrawal.pk],
        "suppression_id": [make_suppression(api.key.workspace, "+12025550198", kind="deceased").pk],
        "consent_id": [make_consent(api.key.workspace, "+12025550198").pk],
        "event_id": [happened(workspace, "voicemail.queued")[0].pk],
        "destination_id": [delivery.destination_id],
        "delivery_id": [delivery.pk],
        "audio": [SimpleUploadedFile("a.mp3", b"ID3" + bytes(500), "audio/mpeg")],
        "file": [SimpleUploadedFile("a.csv", b"phone\n2025550142\n", "text/csv")],
    }


def operations() -> Iterator[Operation]:
    document = json.loads(b"".join(Client().get("/v1/openapi.json")))
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            content = told.get("requestBody", {}).get("content", {})
            properties: dict[str, Any] = {}
            for media in content.values():
                for schema in media["schema"].get("oneOf", [media["schema"]]):
                    name = schema.get("$ref", "").rpartition("/")[2]
                    properties |= document["components"]["schemas"].get(name, schema).get("properties", {})
            query = {each["name"]: each["schema"] for each in told.get("parameters", []) if each["in"] == "query"}
            yield Operation(method.upper(), path, query, properties, "multipart/form-data" in content)


def value_of(name: str, schema: Mapping[str, Any], known: Mapping[str, list[Any]]) -> st.SearchStrategy[Any]:
    """What the field asks for now and then, so that the junk beside it gets past the first look."""
    fitting = [str(entry) for entry in known.get(name, []) if isinstance(entry, UUID | str)]
    kinds = {"string": ["Lakeside", "2026-03-02T15:00:00Z"], "boolean": [True], "integer": [3]}
    fitting += kinds.get(str(schema.get("type")), [])
    return st.sampled_from(fitting) | JUNK if fitting else JUNK


def address(data: st.DataObject, operation: Operation, api: Api, known: Mapping[str, list[Any]]) -> str:
    parts = [str(api.key.workspace_id) if part == "{workspace_id}" else part for part in operation.path.split("/")]
    for place, part in enumerate(parts):
        if part.startswith("{"):
            there = st.sampled_from([str(entry) for entry in known[part[1:-1]]])
            junk = st.sampled_from([str(UUID(int=0)), "x", "1" * 36, "%00", "é"]) | TEXT.map(
                partial(quote, errors="ignore")
            )
            parts[place] = data.draw(st.one_of(*[there] * 7, junk), part)
    names = st.sampled_from([*operation.query, "junk"]) if operation.query else st.just("junk")
    given_values = st.dictionaries(
        names, st.sampled_from([str(entry[0]) for entry in known.values()]) | SCALAR, max_size=3
    )
    query = "&".join(
        f"{name}={quote(str(value), errors='ignore')}" for name, value in data.draw(given_values, "query").items()
    )
    return "/".join(parts) + (f"?{query}" if query else "")


def call(data: st.DataObject, operation: Operation, api: Api, known: Mapping[str, list[Any]]) -> HttpResponse:
    url = address(data, operation, api, known)
    headers = data.draw(st.one_of(*[st.just({})] * 4, HEADERS), "headers")
    fields = {name: value_of(name, schema, known) for name, schema in operation.body.items()}
    drawn = data.draw(st.fixed_dictionaries({}, optional=fields) | JUNK, "body") if fields else None
    how = data.draw(st.sampled_from(["form", "json", "raw"] if operation.form else ["json", "json", "raw"]), "how")
    if how == "form" and isinstance(drawn, dict):
        form = {_sendable(name): _sendable(str(value)) for name, value in drawn.items() if value is not None}
        form |= {
            name: known[name][0]
            for name in ("audio", "file")
            if name in operation.body and data.draw(st.booleans(), name)
        }
        return api.client.post(url, form, headers=headers)
    if how == "raw":
        content = data.draw(
            st.binary(max_size=60) | st.sampled_from([b"--B\r\n", b"{" * 300, b"[" * 2000, b"\xff"]), "raw"
        )
        return api.client.generic(
            operation.method, url, content, data.draw(st.sampled_from(MEDIA), "media"), headers=headers
        )
    content = json.dumps(drawn).encode() if drawn is not None else b""
    return api.client.generic(operation.method, url, content, "application/json", headers=headers)


def _sendable(text: str) -> str:
    """The text without lone surrogates, which no form can carry."""
    return text.encode(errors="ignore").decode()


def answers(operation: Operation, api: Api, known: Mapping[str, list[Any]]) -> Counter[int]:
    """Call the operation EXAMPLES times, each time on the same rows; how often it answered which status."""
    answered = Counter[int]()

    @drawing(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        with transaction.atomic():
            answer = call(data, operation, api, known)
            transaction.set_rollback(True)
        answered[answer.status_code] += 1
        assert answer.status_code < 500, answer.content
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code

    holds()
    return answered


def test_no_junk_crashes_any_operation(api: Api, known: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    # Rows that are deleted come back for the next call, which their files would not.
    monkeypatch.setattr(removal.default_storage, "delete", lambda name: None)
    api.client.raise_request_exception = False
    seen = Counter[int]()
    for operation in operations():
        seen += answers(operation, api, known)
    # The junk does not all break off at the address, and some is right by chance.
    assert min(seen[422], seen[400], seen[404], seen[200]) > 0, seen


def test_no_filter_crashes_at_the_ends_of_the_calendar(api: Api, known: dict[str, list[Any]]) -> None:
    api.client.raise_request_exception = False
    ids = {"workspace_id": api.key.workspace_id} | {name: rows[0] for name, rows in known.items()}
    seen, crashed = Counter[int](), []
    for operation in operations():
        timed = [name for name, schema in operation.query.items() if "date" in json.dumps(schema)]
        for name, value in product(timed, ENDS_OF_TIME):
            answer = api.client.get(operation.path.format(**ids), {name: value})
            seen[answer.status_code] += 1
            if answer.status_code >= 500:
                crashed.append((operation.path, name, value))
    assert crashed == [] and seen[200] > 20, seen
