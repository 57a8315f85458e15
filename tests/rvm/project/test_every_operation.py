"""What must hold for every address under /v1/, whoever adds it: a scope, a schema, a problem page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape, unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from rvm.platform.access.api_keys import CallerView
from rvm.platform.api.permissions import AnyKey, WorkspaceScope
from rvm.platform.api.problems import type_of
from rvm.platform.api.views import ApiView
from rvm.platform.scopes import Scope
from rvm.project import docs

OPEN = {docs.OpenApiView}
# Which every key may ask, whatever its scopes, about itself; the address names no workspace.
OF_EVERY_KEY = {CallerView}


def patterns(entries: Any, prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for entry in entries:
        address = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry.url_patterns, address)
        elif address.startswith("/v1/"):
            yield address, entry


VIEWS = [(address, entry.callback) for address, entry in patterns(get_resolver().url_patterns)]


def operations(callback: Any) -> Iterator[str]:
    """The actions of a view set, or the methods of a view, that answer something."""
    if actions := getattr(callback, "actions", None):
        yield from actions.values()
        return
    for method in callback.cls.http_method_names:
        if method not in ("head", "options") and hasattr(callback.cls, method):
            yield method.upper()


@pytest.mark.parametrize(("address", "callback"), VIEWS, ids=[address for address, _ in VIEWS])
def test_every_operation_declares_its_scope(address: str, callback: Any) -> None:
    view = callback.cls
    if view in OPEN:
        return
    if view in OF_EVERY_KEY:
        assert issubclass(view, ApiView) and view.permission_classes == [AnyKey]
        assert list(operations(callback)) == ["GET"] and "<" not in address
        return
    assert issubclass(view, ApiView) and WorkspaceScope in view.permission_classes
    assert address.startswith("/v1/<uuid:workspace_id>/")
    assert set(view.required_scopes) >= set(operations(callback))
    assert all(isinstance(scope, Scope) for scope in view.required_scopes.values())


def test_the_pages_load_only_from_here_and_run_no_inline_script() -> None:
    for address in ("/docs", "/docs/problems", "/docs/problems/rate_limited"):
        page = Client().get(address)
        html = page.content.decode()
        assert page.status_code == 200 and "script-src 'self';" in page["Content-Security-Policy"]
        assert "//" not in "".join(re.findall(r'(?:src|href|data-document)="([^"]*)"', html))
        assert not re.findall(r"<script(?![^>]*src=)", html) and not re.findall(r"\son\w+=", html)
        for address_of_file in re.findall(r'(?:src|href)="(?!/docs/)([^"]*)"', html):
            assert finders.find(address_of_file.removeprefix("/static/")), address_of_file


def test_every_problem_has_its_anchor_in_the_list() -> None:
    html = Client().get("/docs/problems").content.decode()
    for table in docs.PROBLEMS:
        for code in table:
            assert f'id="{code}"' in html


@pytest.mark.parametrize("code", [code for table in docs.PROBLEMS for code in table])
def test_the_type_of_a_problem_leads_to_a_page_about_it(code: str) -> None:
    page = Client().get(urlsplit(type_of(code)).path)
    html = page.content.decode()
    [problem] = [table[code] for table in docs.PROBLEMS if code in table]
    assert page.status_code == 200
    for text in (problem.title, problem.advice, problem.repeats, f"{problem.status} {code}"):
        assert escape(text) in html
    assert json.loads(unescape(html.partition("<pre>")[2].partition("</pre>")[0]))["code"] == code


def test_a_problem_page_names_the_operations_that_send_it() -> None:
    html = Client().get("/docs/problems/reference_used").content.decode()
    assert "POST /v1/{workspace_id}/voicemail<" in html and "/campaigns" not in html
    assert Client().get("/docs/problems/no_such_code").status_code == 404
