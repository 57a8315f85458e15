"""A few heavy requests at once for each workspace, and a few in all; what is streamed holds its place until it is sent."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Barrier, Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import reverse

from rvm.platform.database.heavy_requests import MAX_IN_ALL, MAX_OF_WORKSPACE, Busy, kept, place
from rvm.platform.models import Workspace
from tests.factories import make_api, make_user

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_SECONDS = 30


@contextmanager
def beside(*owners: UUID) -> Iterator[None]:
    """Requests of these owners are being answered, each on a connection of its own."""
    begun, ends = Barrier(len(owners) + 1), Event()

    def answer(owner: UUID) -> None:
        try:
            with place(owner):
                begun.wait(PATIENCE_SECONDS)
                ends.wait(PATIENCE_SECONDS)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(owners)) as pool:
        answers = [pool.submit(answer, owner) for owner in owners]
        begun.wait(PATIENCE_SECONDS)
        try:
            yield
        finally:
            ends.set()
    for each in answers:
        each.result()


def is_free(owner: UUID) -> bool:
    try:
        with place(owner):
            return True
    except Busy:
        return False


def test_a_workspace_has_its_places_and_others_have_theirs() -> None:
    mine = uuid4()
    with beside(*[mine] * MAX_OF_WORKSPACE):
        with pytest.raises(Busy) as refused, place(mine):
            pass
        assert refused.value.own and "of this workspace are under way" in refused.value.message
        assert is_free(uuid4())
    assert is_free(mine)


def test_all_workspaces_together_have_theirs() -> None:
    with beside(*(uuid4() for _ in range(MAX_IN_ALL))):
        with pytest.raises(Busy) as refused, place(uuid4()):
            pass
        assert not refused.value.own and refused.value.status == 503
    assert is_free(uuid4())


def test_a_place_is_free_again_when_its_connection_is_lost() -> None:
    mine = uuid4()
    with beside(*[mine] * (MAX_OF_WORKSPACE - 1)):
        with pytest.raises(Busy), place(mine):
            with connections["default"].cursor() as cursor, pytest.raises(Exception):  # noqa: B017
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            connections["default"].close()
            with beside(mine):
                assert not is_free(mine)
                raise Busy(own=True)
        assert is_free(mine)


@pytest.mark.parametrize("sent", [True, False])
def test_a_streamed_response_holds_its_place_until_it_is_closed(sent: bool) -> None:
    mine = uuid4()
    with beside(*[mine] * (MAX_OF_WORKSPACE - 1)):
        with ExitStack() as places:
            places.enter_context(place(mine))
            response = kept(StreamingHttpResponse([b"1", b"2"]), places)
        with ThreadPoolExecutor(1) as pool:
            assert not pool.submit(lambda: (is_free(mine), connections.close_all())[0]).result()
            if sent:
                assert b"".join(response) == b"12"  # type: ignore[arg-type]
            response.close()
            assert pool.submit(lambda: (is_free(mine), connections.close_all())[0]).result()


def test_a_response_that_nobody_closes_asks_the_database_nothing_when_it_is_collected(
    django_assert_num_queries: Any,
) -> None:
    places = ExitStack()
    places.enter_context(place(uuid4()))
    with django_assert_num_queries(0):
        del places
        gc.collect()


def test_any_other_response_gives_it_back_at_once() -> None:
    with ExitStack() as places:
        places.enter_context(place(uuid4()))
        kept(HttpResponse(), places)
    assert is_free(uuid4())


def test_the_api_says_when_to_come_again_whose_requests_it_waits_for(workspace: Workspace) -> None:
    api = make_api(workspace)
    with beside(*[workspace.pk] * MAX_OF_WORKSPACE):
        answer: Any = api.get("voicemail/export")
        assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (429, "too_many_at_once", "10")
        assert api.get("voicemail").status_code == 200
    with beside(*(uuid4() for _ in range(MAX_IN_ALL))):
        answer = api.get("voicemail/export")
        assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "unavailable", "10")
    assert api.get("voicemail/export").status_code == 200


def test_the_desk_shows_a_page(client: Client, workspace: Workspace) -> None:
    client.force_login(make_user(workspace=workspace, is_staff=True, password=None))
    address = reverse("admin:usecases_suppression_export")
    with beside(*[workspace.pk] * MAX_OF_WORKSPACE):
        page = client.get(address)
        assert (page.status_code, page["Retry-After"]) == (429, "10")
        assert "Others are being answered first" in page.content.decode()
        part = client.get(address, headers={"HX-Request": "true"})
        assert part.status_code == 200 and "Try again in 10 seconds" in part.content.decode()
    assert client.get(address).status_code == 200
