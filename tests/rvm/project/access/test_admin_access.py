"""Every page of the admin, asked by people who may not: no session, another workspace, a viewer; see `routes.py` for a new page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import models, transaction
from django.shortcuts import resolve_url
from django.test import Client
from django.urls import reverse

from rvm.platform.models import AuditEvent, NumberQuestions, UnsealedEvent, User
from rvm.platform.roles import Role
from tests.rvm.project.access.routes import (
    ADMIN,
    NOBODY_MAY,
    ONLY_SHOWN,
    PUBLIC,
    ROUTES,
    SHARES,
    VIEWERS_MAY_POST,
    Route,
    model_admin,
)
from tests.rvm.project.access.world import World, make_world, person, signed_in
from tests.rvm.project.test_worlds import snapshot

pytestmark = pytest.mark.django_db

WRITING = ("POST", "PUT", "PATCH", "DELETE")
REFUSALS = (403, 404, 405)
in_shares = pytest.mark.parametrize("share", SHARES, ids=["first", "second", "third", "fourth"])


@pytest.fixture
def world(media: Path) -> World:
    return make_world()


class Visitor:
    """Asks for pages, each time with the session as it was at first: a user's, or none."""

    def __init__(self, user: User | None = None) -> None:
        self.user = user
        self._sign_in()

    def _sign_in(self) -> None:
        self.client = signed_in(self.user) if self.user else Client(raise_request_exception=False)
        self._cookies = dict(self.client.cookies)

    def ask(self, method: str, address: str, body: Mapping[str, Any] | None = None) -> Any:
        self.client.cookies.clear()
        self.client.cookies.update(self._cookies)  # type: ignore[arg-type]
        call = getattr(self.client, method.lower())
        answer = call(address, body or {}) if method in ("GET", "POST") else call(address)
        assert answer.status_code != 500, f"{method} {address} crashed"
        if settings.SESSION_COOKIE_NAME in answer.cookies:  # it signed out
            self._sign_in()
        return answer


def bytes_of(answer: Any) -> bytes:
    """All that was sent, headers too."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    headers = "\n".join(f"{name}: {value}" for name, value in answer.items())
    return headers.encode() + b"\n\n" + content


def answers(
    visitor: Visitor, world: World, reader: User, methods: tuple[str, ...], found: list[Route] = ADMIN
) -> Iterator[tuple[str, Route, Any]]:
    """What the pages answer, each about the first row that may stand in its address."""
    for route in found:
        address = world.addresses(route, reader)[0]
        for method in methods:
            for body in bodies(route, world) if method == "POST" else [{}]:
                yield method, route, visitor.ask(method, address, body)


def bodies(route: Route, world: World) -> Iterator[dict[str, Any]]:
    """As forms of the page send them, about the world's rows; the actions of a list one after the other."""
    body: dict[str, Any] = {"post": "yes", "sure": "yes", "reason": "Asked for.", "name": "Renamed"}
    body |= {"sought": "visit-1", "by": "identifier"}
    if route.model and world.rows[route.model]:
        body["chosen"] = [str(row.pk) for row in world.rows[route.model]]
    for model, rows in world.rows.items():
        if rows:
            body[model._meta.model_name or ""] = str(rows[0].pk)
    body |= {"use_case": str(world.first("UseCase").pk), "setup": str(world.first("TelephonySetup").pk)}
    table = model_admin(route)
    if table is None or route.page != "changelist":
        yield body
        return
    chosen = [str(row.pk) for row in world.rows[table.model]]
    for action in {*(name for _, name, _ in table._get_base_actions()), "delete_selected"}:
        yield {"action": action, "index": "0", "_selected_action": chosen, **body}


def changed(before: Any, after: Any, *, but: tuple[Any, ...] = ()) -> list[str]:
    """The rows that are not as they were."""
    return [
        f"{model.__name__} {pk}"
        for model, pk in {*before, *after}
        if model not in but and before.get((model, pk)) != after.get((model, pk))
    ]


def test_the_reviewed_tables_name_routes_that_there_are() -> None:
    known = {route.address for route in ROUTES}
    for table in (PUBLIC, VIEWERS_MAY_POST, ONLY_SHOWN, NOBODY_MAY):
        assert table.keys() <= known
        assert all(reason.endswith(".") for reason in table.values())
    assert len(ADMIN) > 200
    assert {route.page for route in ADMIN if route.model} >= {"changelist", "add", "history", "delete", "change"}


@pytest.mark.parametrize("who", ["nobody", "somebody without access to the admin"])
def test_without_a_session_of_the_admin_every_page_leads_to_the_sign_in(who: str, world: World) -> None:
    reader = person(world)
    User.objects.filter(pk=reader.pk).update(is_staff=False)
    visitor = Visitor(reader if who != "nobody" else None)
    before = snapshot()
    sign_in = {resolve_url(settings.LOGIN_URL), reverse("admin:login")}
    wrong = [
        f"{method} {route}: {answer.status_code} {answer.get('Location', '')}"
        for method, route, answer in answers(visitor, world, reader, ("GET", *WRITING))
        if not (answer.status_code == 302 and urlsplit(answer["Location"]).path in sign_in)
        and answer.status_code not in REFUSALS
        # A fragment has its page loaded again, which leads to the sign-in.
        and not (answer.get("HX-Refresh") and not answer.content)
        and not route.address.endswith("/logout/")
        and not (route.is_own_account and who != "nobody")
    ]
    assert not wrong, "\n".join(wrong)
    assert changed(before, snapshot()) == []


@in_shares
def test_nobody_finds_anything_of_another_workspace(share: list[Route], world: World) -> None:
    other = make_world()
    stranger = person(other, may_see_numbers=True)
    visitor = Visitor(stranger)
    theirs = [str(row.pk).encode() for rows in world.rows.values() for row in rows if len(str(row.pk)) > 30]
    theirs = [name for name in theirs if name not in {str(row.pk).encode() for row in other_rows(other)}]
    assert len(theirs) > 40
    before, wrong = snapshot(), []
    for method, route, answer in answers(visitor, world, stranger, ("GET", "POST"), share):
        if answer.status_code in REFUSALS or leads_to_change(route, answer):
            continue
        if set(route.parameters) & ROW_PARAMETERS:
            wrong.append(f"{method} {route}: {answer.status_code} {answer.get('Location', '')}")
        else:
            shown, posted = bytes_of(answer), repr(list(bodies(route, world))) if method == "POST" else ""
            wrong += [
                f"{method} {route} shows {name.decode()}"
                for name in theirs
                if name in shown and name.decode() not in posted  # a form repeats what was written in it
            ]
    assert not wrong, "\n".join(wrong)
    rows_of_theirs = {f"{model.__name__} {row.pk}" for model, rows in world.rows.items() for row in rows}
    assert rows_of_theirs.isdisjoint(changed(before, snapshot(), but=(User,)))


ROW_PARAMETERS = {
    parameter for route in ADMIN for parameter in route.parameters if parameter.endswith("id") and route.name != "view_on_site"
}  # fmt: skip


def other_rows(world: World) -> list[Any]:
    return [row for rows in world.rows.values() for row in rows]


def leads_to_change(route: Route, answer: Any) -> bool:
    """Django's old address of a row leads to the new one, whatever stands in it."""
    return not route.name and answer.status_code == 302 and answer["Location"].endswith("/change/")


@in_shares
def test_a_viewer_changes_nothing_on_any_page(share: list[Route], world: World) -> None:
    viewer = person(world, Role.VIEWER)
    before, wrong = snapshot(), []
    for method, route, answer in answers(Visitor(viewer), world, viewer, WRITING, share):
        if route.address in VIEWERS_MAY_POST or route.is_own_account or leads_to_change(route, answer):
            continue
        # Pages that only show answer any method as GET; that nothing was changed is seen below.
        reading = method != "POST" or route.page in ("changelist", "history") or route.address in ONLY_SHOWN
        if answer.status_code not in REFUSALS and not reading:
            wrong.append(f"{method} {route}: {answer.status_code} {answer.get('Location', '')}")
    assert not wrong, "\n".join(wrong)
    assert (
        changed(before, snapshot(), but=(AuditEvent, UnsealedEvent, NumberQuestions, User)) == []
    )  # searches are recorded and counted


def test_a_viewer_is_shown_no_form_that_adds_or_deletes(world: World) -> None:
    viewer = person(world, Role.VIEWER)
    forms = [route for route in ADMIN if route.page in ("add", "delete") and route.model]
    found = answers(Visitor(viewer), world, viewer, ("GET",), forms)
    assert [
        f"{route}: {answer.status_code}" for _, route, answer in found if answer.status_code not in (403, 404)
    ] == []


@in_shares
def test_what_a_viewer_is_refused_an_administrator_may(share: list[Route], world: World) -> None:
    """Otherwise the refusals above would be of pages that are there for nobody."""
    administrator = person(world, may_see_numbers=True, is_superuser=True)
    visitor, refused = Visitor(administrator), []
    for route in share:
        if route.address in NOBODY_MAY or route.is_own_account or not permitted(route, administrator, visitor):
            continue
        if all(status in REFUSALS for status in of_any_row(route, world, administrator, visitor)):
            refused.append(str(route))
    assert not refused, "\n".join(refused)


def of_any_row(route: Route, world: World, administrator: User, visitor: Visitor) -> Iterator[int]:
    """The statuses of every way to ask for the route, row after row: not every row takes every action."""
    for address in world.addresses(route, administrator):
        for method in ("GET", "POST"):
            for body in bodies(route, world) if method == "POST" else [{}]:
                with transaction.atomic():
                    yield visitor.ask(method, address, body).status_code
                    transaction.set_rollback(True)


def permitted(route: Route, user: User, visitor: Visitor) -> bool:
    """Whether anybody may add or delete rows on Django's own page for it; of a history, whether the table has one."""
    table = model_admin(route)
    if table is None or route.page not in ("add", "delete", "history"):
        return True
    if route.page == "history":
        return isinstance(table.opts.pk, models.UUIDField) and table.model is not AuditEvent
    request = visitor.ask("GET", "/admin/").wsgi_request
    return bool(getattr(table, f"has_{route.page}_permission")(request))


@in_shares
def test_a_get_changes_nothing(share: list[Route], world: World) -> None:
    """Nor could another site's link. What was looked at is recorded."""
    administrator = person(world, may_see_numbers=True, is_superuser=True)
    before = snapshot()
    asked = list(answers(Visitor(administrator), world, administrator, ("GET",), share))
    assert sum(answer.status_code == 200 for _, _, answer in asked) > 20
    assert changed(before, snapshot(), but=(AuditEvent, UnsealedEvent, User)) == []
