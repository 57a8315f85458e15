"""The public page: a number is taken in any spelling, for every workspace, with one answer for all, within limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rvm.platform.api.rate_limit import Policy
from rvm.platform.models import AuditEvent, Organisation, Workspace
from rvm.platform.redis_connection import redis_client
from tests.factories import RECIPIENT, make_use_case, make_voicemail, make_workspace
from tests.random_text import without_ids
from usecases.inbound import limits
from usecases.models import InboundMessage, Suppression
from usecases.suppressions import is_suppressed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    def forget() -> None:
        for name in redis_client().scan_iter("rvm:rate:opt-out-*"):
            redis_client().delete(name)

    forget()
    yield
    forget()


@pytest.fixture
def organisation(workspace: Workspace) -> Organisation:
    return workspace.organisation


def write(organisation: Organisation, number: str = RECIPIENT, **extra: Any) -> HttpResponse:
    return Client().post(f"/opt-out/{organisation.slug}", {"number": number}, **extra)


def test_a_number_binds_every_workspace_of_the_organisation_at_once(organisation: Organisation) -> None:
    sister, stranger = make_workspace(organisation=organisation), make_workspace()
    answer = write(organisation, "(202) 555-0142")
    assert answer.status_code == 302
    assert "Done" in Client().get(answer["Location"]).content.decode()
    assert is_suppressed(sister.pk, RECIPIENT) and is_suppressed(organisation.workspaces.first().pk, RECIPIENT)  # type: ignore[union-attr]
    assert not is_suppressed(stranger.pk, RECIPIENT)
    assert set(Suppression.objects.values_list("source", flat=True)) == {"inbound"}
    heard = InboundMessage.objects.get()
    assert (heard.channel, heard.opted_out, heard.number) == ("page", True, RECIPIENT)
    assert AuditEvent.objects.get(action="inbound.heard").details["channel"] == "page"


def test_known_and_unknown_numbers_get_one_answer_for_the_same_work(organisation: Organisation) -> None:
    workspace = organisation.workspaces.get()
    make_voicemail(make_use_case(workspace), recipient="+12025550143")
    seen = []
    write(organisation, "+12025550145")  # warms what is read once
    for number in (RECIPIENT, "+12025550143", RECIPIENT):  # unknown, a patient, opted out before
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = write(organisation, number)
        headers = without_ids(answer.headers)
        assert "0142" not in headers and "0143" not in headers
        seen.append((answer.status_code, answer["Location"], len(queries)))
    assert len(set(seen)) == 1


def test_the_number_is_in_no_address_and_in_no_log(
    organisation: Organisation, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    answer = write(organisation, "202-555-0142")
    assert "0142" not in without_ids(answer["Location"])
    written = capsys.readouterr()
    assert "555-0142" not in written.out + written.err + caplog.text and RECIPIENT not in written.out + caplog.text


def test_what_is_no_number_is_said_at_the_field(organisation: Organisation) -> None:
    answer = write(organisation, "555-0142")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert (
        'role="alert"' in page and 'aria-invalid="true"' in page and "area code" in page and 'value="555-0142"' in page
    )
    assert not InboundMessage.objects.exists()


def test_what_was_typed_is_no_markup(organisation: Organisation) -> None:
    assert "<script>" not in write(organisation, "<script>alert(1)</script>").content.decode()


@pytest.mark.parametrize(
    ("query", "accepted", "language", "word"),
    [
        ("", "", "en", "Stop voicemails"),
        ("", "es-MX,es;q=0.9,en;q=0.8", "es", "No recibir más"),
        ("", "fr-FR, es;q=0.5", "es", "No recibir más"),
        ("?lang=en", "es", "en", "Stop voicemails"),
        ("?lang=es", "en", "es", "No recibir más"),
        ("?lang=xx", "de", "en", "Stop voicemails"),
    ],
)
def test_the_page_speaks_english_and_spanish(
    organisation: Organisation, query: str, accepted: str, language: str, word: str
) -> None:
    page = Client().get(f"/opt-out/{organisation.slug}{query}", headers={"Accept-Language": accepted}).content.decode()
    assert f'<html lang="{language}">' in page and word in page and organisation.name in page


def test_the_page_is_kept_by_nobody_and_loads_nothing_from_elsewhere(organisation: Organisation) -> None:
    for address in (f"/opt-out/{organisation.slug}", f"/opt-out/{organisation.slug}/done"):
        answer = Client().get(address)
        assert answer["Cache-Control"] == "no-store"
        assert "noindex" in answer["X-Robots-Tag"]
        assert answer["Referrer-Policy"] == "same-origin"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert answer["X-Frame-Options"] == "DENY"
        assert "<script" not in answer.content.decode() and "http" not in answer.content.decode()


def test_a_form_of_another_site_is_refused(organisation: Organisation) -> None:
    answer = Client(enforce_csrf_checks=True).post(f"/opt-out/{organisation.slug}", {"number": RECIPIENT})
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "cookies" in page and organisation.name in page and "csrfmiddlewaretoken" in page
    assert answer["Cache-Control"] == "no-store"
    assert not InboundMessage.objects.exists()


def test_a_form_of_the_page_itself_is_taken(organisation: Organisation) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get(f"/opt-out/{organisation.slug}")
    said = {"number": RECIPIENT, "csrfmiddlewaretoken": client.cookies["csrftoken"].value}
    assert client.post(f"/opt-out/{organisation.slug}", said).status_code == 302


def test_an_organisation_without_the_page_and_an_unknown_one_look_alike(organisation: Organisation) -> None:
    organisation.opt_out_page = False
    organisation.save()
    closed, unknown = Client().get(f"/opt-out/{organisation.slug}"), Client().get("/opt-out/nowhere")
    assert (closed.status_code, unknown.status_code) == (404, 404)
    assert write(organisation).status_code == 404


def test_an_address_has_so_many_tries_and_another_address_its_own(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.RVM_PROXIES = 1
    monkeypatch.setattr(limits, "BY_ADDRESS", Policy("opt-out-address", 2, 60))
    headers = {"X-Forwarded-For": "203.0.113.7"}
    numbers = (RECIPIENT, "12", "12025550143")
    codes = [write(organisation, number, headers=headers).status_code for number in numbers]
    assert codes == [302, 422, 429]
    limited = write(organisation, headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.7"})
    assert limited.status_code == 429 and int(limited["Retry-After"]) > 0
    assert "Too many" in limited.content.decode()
    assert write(organisation, headers={"X-Forwarded-For": "203.0.113.8"}).status_code == 302
    assert not any("203.0.113" in name.decode() for name in redis_client().scan_iter("rvm:rate:opt-out-*"))


@pytest.mark.parametrize("policy", ["OF_ORGANISATION", "IN_ALL"])
def test_all_addresses_together_have_so_many_tries(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch, settings: Any, policy: str
) -> None:
    settings.RVM_PROXIES = 1
    monkeypatch.setattr(limits, policy, Policy(f"opt-out-{policy}", 1, 60))
    codes = [write(organisation, headers={"X-Forwarded-For": f"203.0.113.{place}"}).status_code for place in (1, 2)]
    assert codes == [302, 429]
    elsewhere = write(make_workspace().organisation, headers={"X-Forwarded-For": "203.0.113.3"}).status_code
    assert elsewhere == (302 if policy == "OF_ORGANISATION" else 429)
    redis_client().delete(*redis_client().keys(f"rvm:rate:opt-out-{policy}:*"))


def test_without_redis_a_person_is_heard_all_the_same(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "count", lambda name, policy: None)
    assert write(organisation).status_code == 302
