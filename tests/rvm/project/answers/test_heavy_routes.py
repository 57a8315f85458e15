"""Every export, every preview and every upload of a list says that it is heavy."""

from __future__ import annotations

import re

import pytest

from tests.rvm.project.access.routes import ROUTES, Route

HEAVY = re.compile(r"/(export|preview|heard|errors)/?$|imports/<uuid:import_id>/recordings$")
UPLOADS = re.compile(r"/(imports|opt-out-lists|withdrawals)$")


def methods_of(route: Route) -> set[str]:
    return set((getattr(route.callback, "cls", None) and route.callback.cls.heavy) or ())


@pytest.mark.parametrize("route", [route for route in ROUTES if HEAVY.search(route.address)], ids=str)
def test_exports_and_previews_are_heavy(route: Route) -> None:
    if route.is_api:
        assert set(route.callback.cls.required_scopes) <= methods_of(route)
    else:
        assert getattr(route.callback, "is_heavy", False)


@pytest.mark.parametrize("route", [r for r in ROUTES if r.is_api and UPLOADS.search(r.address)], ids=str)
def test_uploads_of_lists_are_heavy(route: Route) -> None:
    assert "POST" in methods_of(route)


def test_there_are_some() -> None:
    assert len([route for route in ROUTES if HEAVY.search(route.address)]) > 8
