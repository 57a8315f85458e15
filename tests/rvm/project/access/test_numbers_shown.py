"""What a person without the right to numbers, or a key without `numbers:read`, is sent: no whole number, in no byte of any answer.

Looked for are all texts of the encrypted columns and of the uploaded lists, in whatever spelling, also within what is written in
base64 (tokens, cookies). `world.py` says which they are.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable

import pytest
from django.db import transaction
from django.test import Client

from rvm.platform.scopes import Scope
from tests.factories import make_api
from tests.rvm.project.access.routes import ADMIN, ROUTES, Route
from tests.rvm.project.access.test_admin_access import Visitor, bodies, bytes_of, in_shares
from tests.rvm.project.access.test_api_access import SCOPES, call
from tests.rvm.project.access.world import CARRIERS, GATEWAYS, LISTED, PATIENT, World, confidential, person

pytestmark = pytest.mark.django_db

# Between the digits of a number: what people and encodings write there.
_GAP = rb"(?:\D|%20|%28|%29|%2B|&nbsp;|&#\d+;){0,3}"
_ENCODED = re.compile(rb"[A-Za-z0-9_+/=-]{16,}")


class Search:
    """Finds the confidential texts of a world in bytes."""

    def __init__(self, world: World) -> None:
        numbers, texts = confidential(world)
        spelled = [
            _GAP.join((number[2:5].encode(), number[5:8].encode(), number[8:].encode())) for number in sorted(numbers)
        ]
        written = [re.escape(text.encode()) for text in sorted(texts)]
        self._pattern = re.compile(b"|".join([*spelled, *written]))
        assert numbers >= {PATIENT, GATEWAYS, CARRIERS, *LISTED} and "MRN-777111" in texts and "Wilhelmine" in texts

    def __call__(self, content: bytes) -> set[str]:
        found = {match.decode() for match in self._pattern.findall(content)}
        for token in set(_ENCODED.findall(content)):
            for decode in (base64.b64decode, base64.urlsafe_b64decode):
                try:
                    found |= {
                        match.decode() for match in self._pattern.findall(decode(token + b"=" * (-len(token) % 4)))
                    }
                except binascii.Error:
                    continue
        return found


def test_a_number_is_found_however_it_is_written(world: World) -> None:
    search = Search(world)
    for written in ("+12025550111", "(202) 555-0111", "202.555.0111", "%2B12025550111", "202&nbsp;555&#8209;0111"):
        assert search(f"<td>{written}</td>".encode()), written
    assert search(base64.urlsafe_b64encode(b'{"number": "+12025550111"}'))
    assert search("\u2022\u2022\u2022 0111".encode()) == set()


def everything_sent(visitor: Visitor, world: World, routes: Iterable[Route]) -> Iterable[tuple[str, bytes]]:
    """All that the routes answer about all rows, GET and POST."""
    assert visitor.user is not None
    for route in routes:
        for number, address in enumerate(world.addresses(route, visitor.user)):
            yield f"GET {route}", bytes_of(visitor.ask("GET", address))
            for body in bodies(route, world) if number == 0 else []:
                with transaction.atomic():
                    yield f"POST {route}", bytes_of(visitor.ask("POST", address, body))
                    transaction.set_rollback(True)


@in_shares
def test_a_person_without_the_right_to_numbers_is_sent_none(share: list[Route], world: World) -> None:
    """Whatever else the person may: an administrator and a superuser."""
    visitor, search = Visitor(person(world, is_superuser=True, may_see_numbers=False)), Search(world)
    shown = {
        f"{name}: {found}" for name, content in everything_sent(visitor, world, share) if (found := search(content))
    }
    assert not shown, "\n".join(sorted(shown))


def test_a_person_with_the_right_is_sent_them(world: World) -> None:
    """Otherwise the walk above would look where nothing is."""
    reader = person(world, may_see_numbers=True)
    visitor, search = Visitor(reader), Search(world)
    expected = {
        "/admin/people/<str:token>/",
        "/admin/usecases/consent/export/",
        "/admin/usecases/suppression/export/",
        "/admin/delivery/voicemail/",
        "/admin/delivery/voicemail/<path:object_id>/change/",
        "/admin/delivery/voicemail/export/",
        "/admin/usecases/suppression/<path:object_id>/change/",
        "/admin/usecases/consent/<path:object_id>/change/",
        "/admin/campaigns/recipientimport/<path:object_id>/change/",
        "/admin/campaigns/recipientimport/<uuid:object_id>/errors/",
    }
    shown = {
        route.address
        for route in ADMIN
        if route.address in expected
        if any(search(bytes_of(visitor.ask("GET", address))) for address in world.addresses(route, reader))
    }
    assert shown == expected


def test_a_key_without_the_right_to_numbers_is_sent_none(world: World) -> None:
    masked = make_api(world.workspace, scopes=[scope for scope in Scope if scope is not Scope.NUMBERS_READ])
    whole, search = make_api(world.workspace), Search(world)
    shown, with_right = {}, set()
    for operation in SCOPES:
        for api in (masked, whole):
            with transaction.atomic():
                found = search(bytes_of(call(api, operation, world.api)))
                transaction.set_rollback(True)
            if found and api is masked:
                shown[operation] = found
            elif found:
                with_right.add(operation)
    assert shown == {}
    assert with_right >= {
        "GET voicemail",
        "POST voicemail/search",
        "GET voicemail/export",
        "GET suppressions",
        "GET consents",
    }


def test_nobody_is_sent_a_number_without_a_key_or_a_session(world: World) -> None:
    client, search = Visitor(), Search(world)
    slug = world.workspace.organisation.slug
    for route in ROUTES:
        if route.is_public:
            setup = {"setup_id": world.first("TelephonySetup").pk, "version": 1}
            address = route.fill(
                {
                    **setup,
                    "slug": slug,
                    "token": "none",
                    "uidb36": "none",
                    "key": "none",
                    "provider_id": "none",
                    "code": "none",
                }
            )
            for method in ("GET", "POST"):
                answer = client.ask(method, address)
                assert search(bytes_of(answer)) == set(), f"{method} {route}"


def test_the_page_of_an_opt_out_does_not_say_whether_a_number_is_known(world: World) -> None:
    address = f"/opt-out/{world.workspace.organisation.slug}"
    sent = [Client().post(address, {"number": number}) for number in (PATIENT, "+12125550199")]
    assert len({(answer.status_code, answer.get("Location")) for answer in sent}) == 1
