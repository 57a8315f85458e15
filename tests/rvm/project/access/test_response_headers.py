"""Headers of every answer: nothing is kept by caches, and a page loads and runs only what is of this site."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.staticfiles import finders
from django.db import transaction
from django.test import Client

from rvm.project.response_headers import DATA
from tests.factories import RECIPIENT, Api, make_api, make_voicemail
from tests.rvm.project.access.routes import ROUTES, Route
from tests.rvm.project.access.test_admin_access import Visitor, answers, bytes_of, in_shares
from tests.rvm.project.access.test_api_access import SCOPES, call
from tests.rvm.project.access.world import World, person

pytestmark = pytest.mark.django_db

# What a page of unfold's may and no other may.
_OF_UNFOLD = ("'unsafe-eval'", "'unsafe-inline'")


class _Page(HTMLParser):
    """What is wrong with a page: what it loads from elsewhere, and what its policy refuses to run or to draw."""

    def __init__(self, html: str, policy: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self._policy, self._script = policy, False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        loads = {"src", "srcset", "poster", "data", "action", "formaction", "background"} | (
            {"href"} if tag in ("link", "use", "image", "base") else set()
        )
        for name in loads & values.keys():
            if not re.match(r"(?!//)[/?#]|data:image/|http://127\.0\.0\.1:8000/|$", values[name]):
                self.wrong.append(f"<{tag}> loads {values[name][:80]}")
        if values.get("href", "").startswith("javascript:"):
            self.wrong.append(f"<{tag}> runs {values['href']}")
        self.wrong.extend(f"<{tag}> has a script in {name}" for name in values if re.match(r"on[a-z]", name))
        if "'unsafe-inline'" not in self._policy:
            if "style" in values:
                self.wrong.append(f"<{tag}> has a style of its own")
            if tag == "style" and f"'nonce-{values.get('nonce')}'" not in self._policy:
                self.wrong.append("<style> without the nonce")
        self._script = tag == "script" and "src" not in values and values.get("type") != "application/json"

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.wrong.append(f"<script> in the page: {data.strip()[:60]}")

    def handle_endtag(self, tag: str) -> None:
        self._script = False


def wrong_with(name: str, answer: Any) -> list[str]:
    policy = answer.get("Content-Security-Policy", "")
    kept = "public, max-age=300" if name.endswith(" /v1/openapi.json") and answer.status_code == 200 else "no-store"
    found = [] if kept in answer.get("Cache-Control", "") else ["may be kept"]
    if not policy.startswith("default-src 'none'; ") or "frame-ancestors 'none'" not in policy:
        found.append(f"has the policy {policy}")
    if not name.partition(" ")[2].startswith(("/admin", "/docs")) and any(word in policy for word in _OF_UNFOLD):
        found.append("has the policy of pages of unfold")
    sent = ("Permissions-Policy", "Referrer-Policy", "Cross-Origin-Opener-Policy", "X-Content-Type-Options")
    found += [f"has no {header}" for header in sent if not answer.get(header)]
    if answer.get("Content-Type", "").startswith("text/html"):
        found += _Page(bytes_of(answer).decode(), policy).wrong
    elif policy != DATA:
        found.append("is no page and has the policy of one")
    return [f"{name} ({answer.status_code}) {each}" for each in found]


def all_wrong(found: Iterable[tuple[str, Any]]) -> list[str]:
    return sorted({each for name, answer in found for each in wrong_with(name, answer)})


@in_shares
def test_no_page_of_the_desk_is_kept_or_loads_from_elsewhere(share: list[Route], world: World) -> None:
    visitor = Visitor(reader := person(world, is_superuser=True, may_see_numbers=True))
    found = answers(visitor, world, reader, ("GET",), share)
    assert all_wrong((f"GET {route}", answer) for _, route, answer in found) == []


def test_no_answer_of_the_api_is_kept(world: World) -> None:
    whole, none = make_api(world.workspace), make_api(world.workspace)
    none.client = Client(raise_request_exception=False)

    def found() -> Iterator[tuple[str, Any]]:
        for operation in SCOPES:
            for api in (whole, none):
                with transaction.atomic():
                    yield f"API {operation}", call(api, operation, world.api)
                    transaction.set_rollback(True)

    assert all_wrong(found()) == []


def test_no_page_for_everybody_is_kept_or_loads_from_elsewhere(world: World) -> None:
    client, slug = Visitor(), world.workspace.organisation.slug
    values = {
        "setup_id": world.first("TelephonySetup").pk,
        "version": 1,
        "slug": slug,
        "provider_id": "none",
        "code": "forbidden",
    }
    values |= dict.fromkeys(("token", "uidb36", "key"), "none")
    found = [
        (f"{method} {route}", client.ask(method, route.fill(values)))
        for route in ROUTES
        if route.is_public
        for method in ("GET", "POST")
    ]
    assert all_wrong(found) == []


def test_no_answer_about_an_error_is_kept(api: Api, client: Client) -> None:
    client.raise_request_exception = False
    voicemail = make_voicemail()
    with patch("delivery.api.voicemails.VoicemailsView.get", side_effect=RuntimeError(RECIPIENT)):
        api.client.raise_request_exception = False
        crash = api.get("voicemail")
    with patch("rvm.project.docs.render", side_effect=RuntimeError(RECIPIENT)):
        page = client.get("/docs")
    strict = Client(enforce_csrf_checks=True)
    found = {
        404: client.get("/no/such/page"),
        403: strict.post("/accounts/login/", {"login": "maria"}),
        500: page,
        401: client.get(f"/v1/{voicemail.workspace_id}/voicemail"),
        422: api.get("voicemail?limit=none"),
        301: client.get("/accounts/login"),
    }
    assert {status: answer.status_code for status, answer in found.items()} == {status: status for status in found}
    assert all_wrong([("GET /", answer) for answer in (*found.values(), crash)]) == []


def test_a_sound_is_not_kept(world: World) -> None:
    reader = make_api(world.workspace)
    assert reader.get(f"recordings/{world.first('Recording').pk}/audio")["Cache-Control"] == "no-store"


def test_a_static_file_is_kept(client: Client) -> None:
    answer = client.get("/static/rvm/error_page.css")
    assert bytes_of(answer) and answer.status_code == 200 and "no-store" not in answer["Cache-Control"]
    answer.close()


def test_no_static_file_that_pages_load_asks_another_site() -> None:
    """Styles by url() and @import, scripts by what they import or fetch; the namespaces of SVG are no addresses."""
    elsewhere = {
        ".css": re.compile(r"(?:url\(|@import\s*(?:url\()?)\s*[\"']?(?:https?:)?//[^)\"'\s]*"),
        ".js": re.compile(r"(?:import|importScripts|fetch|\.src\s*=|\.href\s*=)[\s(]*[\"'`](?:https?:)?//[^\"'`\s]*"),
    }
    asked = []
    folders = ("unfold", "rvm", "platform", "delivery", "usecases", "admin", "drf_spectacular_sidecar/swagger-ui-dist")
    for finder in finders.get_finders():
        for name, storage in finder.list([]):
            if name.startswith(folders) and (pattern := elsewhere.get(Path(name).suffix)):
                text = Path(storage.path(name)).read_text()
                asked += [f"{name}: {match}" for match in pattern.findall(text)]
    assert asked == []
