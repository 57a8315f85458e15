"""Single sign-on against a real provider on the loopback: who is let in, whose answers are believed, and who is asked for a code."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.test import Client

from rvm.platform.accounts.invitations import invite
from rvm.platform.accounts.second_factor.secrets import seal
from rvm.platform.accounts.single_sign_on.admission import second_factor_shown
from rvm.platform.models import AuditEvent, Invitation, Membership, Session, User, Workspace
from rvm.platform.roles import Role
from rvm.project.environment import Secret
from tests.factories import make_user
from tests.rvm.platform.accounts.authenticator import ENROL, WRITE_CODE
from tests.rvm.platform.accounts.conftest import PASSWORD, SIGN_IN, sign_in, signed_in

pytestmark = [
    pytest.mark.django_db,
    # The provider's own.
    pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning"),
]

LEAVE, ARRIVE = "/accounts/oidc/sso/login/", "/accounts/oidc/sso/login/callback/"
CLIENT, SECRET = "rvm-at-the-clinic", "a-secret-of-the-client"
HOME = "/admin/"
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


@dataclass
class Provider:
    """One process of a provider; `says` changes what its ID tokens say, `sent` is what it was sent for its tokens."""

    issuer: str
    says: dict[str, Any] = field(default_factory=dict)
    sent: list[dict[str, str]] = field(default_factory=list)

    def knows(self, subject: str, **claims: Any) -> None:
        assert requests.put(f"{self.issuer}/users/{subject}", json=claims, timeout=5).status_code == 204

    def agrees(self, address: str, subject: str) -> str:
        """The person signs in at the provider, which sends the browser back: where to."""
        answer = requests.post(address, {"sub": subject}, allow_redirects=False, timeout=5)
        back = urlsplit(answer.headers["Location"])
        return f"{back.path}?{back.query}"


@pytest.fixture
def provider(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    import flask
    from oidc_provider_mock import _app, run_server_in_thread

    monkeypatch.setattr(logging.getLogger("werkzeug"), "disabled", True)
    with run_server_in_thread() as server:
        found = Provider(f"http://localhost:{server.server_port}")

        @server.app.before_request  # type: ignore[attr-defined]
        def _note() -> None:
            if flask.request.path == "/oauth2/token":
                found.sent.append(flask.request.form.to_dict())

        generate = _app.OpenIDCode.generate_user_info
        monkeypatch.setattr(_app.OpenIDCode, "generate_user_info", lambda *asked: {**generate(*asked), **found.says})
        settings.RVM_OIDC_ISSUER = found.issuer
        app = {
            "provider_id": "sso",
            "name": "Clinic ID",
            "client_id": CLIENT,
            "secret": SECRET,
            "settings": {"server_url": f"{found.issuer}/.well-known/openid-configuration"},
        }
        settings.SOCIALACCOUNT_PROVIDERS = {
            "openid_connect": {**settings.SOCIALACCOUNT_PROVIDERS["openid_connect"], "APPS": [app]}
        }
        found.knows("m-1", email="maria@clinic.example", email_verified=True)
        yield found


def leave(client: Client, **query: str) -> str:
    return str(client.post(LEAVE, query_params=query)["Location"])


def come_in(client: Client, provider: Provider, subject: str = "m-1", **query: str) -> Any:
    return client.get(provider.agrees(leave(client, **query), subject))


def refusals() -> list[str]:
    failed = AuditEvent.objects.filter(action="user.sign_in_failed").order_by("id")
    return [event.details["reason"] for event in failed if event.details["by"] == "single_sign_on"]


def reason(caplog: pytest.LogCaptureFixture) -> str:
    """Why the last answer was not believed, by the log."""
    lines: list[Any] = [each.msg for each in caplog.records if isinstance(each.msg, dict)]
    return [str(line["reason"]) for line in lines if line["event"] == "single_sign_on_failed"][-1]


# who is let in


def test_a_person_with_an_account_is_let_in_by_the_verified_address(
    client: Client, maria: User, provider: Provider
) -> None:
    assert come_in(client, provider)["Location"] == HOME
    assert client.session["_auth_user_id"] == str(maria.pk)
    told = AuditEvent.objects.filter(subject_id=maria.pk).order_by("id").values_list("action", "details")
    assert list(told)[-2:] == [("identity.connected", {}), ("user.signed_in", {"by": "single_sign_on"})]


def test_a_person_arrives_at_the_page_that_was_asked_for(client: Client, maria: User, provider: Provider) -> None:
    page = client.get(f"{SIGN_IN}?next=/admin/campaigns/campaign/").content.decode()
    assert "Sign in with Clinic ID" in page
    assert "process=login&amp;next=%2Fadmin%2Fcampaigns%2Fcampaign%2F" in page
    assert come_in(client, provider, next="/admin/campaigns/campaign/")["Location"] == "/admin/campaigns/campaign/"


def test_an_identity_stays_with_its_account_when_the_address_changes(
    client: Client, maria: User, provider: Provider
) -> None:
    come_in(client, provider)
    provider.knows("m-1", email="maria.married@clinic.example", email_verified=True)
    other = Client()
    come_in(other, provider)
    assert other.session["_auth_user_id"] == str(maria.pk)


def test_an_address_that_was_given_to_somebody_else_does_not_open_the_account(
    client: Client, maria: User, provider: Provider
) -> None:
    come_in(client, provider)
    provider.knows("m-2", email="maria@clinic.example", email_verified=True)
    other = Client()
    assert come_in(other, provider, "m-2").status_code == 403
    assert not signed_in(other)
    assert refusals() == ["someone_else"]


@pytest.mark.parametrize("said", [{}, {"email_verified": False}, {"email_verified": "false"}, {"email_verified": None}])
def test_an_address_that_is_not_verified_lets_nobody_in(
    client: Client, maria: User, provider: Provider, said: dict[str, Any]
) -> None:
    provider.knows("m-1", email="maria@clinic.example", **said)
    assert come_in(client, provider).status_code == 403
    assert not signed_in(client)
    assert refusals() == ["unverified_email"]


def test_a_person_without_an_account_gets_none(client: Client, maria: User, provider: Provider) -> None:
    provider.knows("x", email="stranger@elsewhere.example", email_verified=True)
    page = come_in(client, provider, "x")
    assert page.status_code == 403
    assert "Ask an administrator of your workspace to invite you" in page.content.decode()
    assert User.objects.count() == 1
    assert refusals() == ["unknown"]
    assert "stranger" not in json.dumps(list(AuditEvent.objects.values()), default=str)


def invited(workspace: Workspace, address: str = "nora@clinic.example") -> None:
    invite(workspace, address, Role.LAUNCHER, may_see_numbers=False, actor=make_user())


def test_an_invitation_to_the_verified_address_makes_the_account(
    client: Client, provider: Provider, workspace: Workspace
) -> None:
    invited(workspace)
    provider.knows("n-1", email="Nora@clinic.example", email_verified=True, given_name="Nora", family_name="North")
    assert come_in(client, provider, "n-1")["Location"] == HOME
    nora = User.objects.get(username="nora@clinic.example")
    assert (nora.first_name, nora.last_name, nora.has_usable_password()) == ("Nora", "North", False)
    assert Membership.objects.get(user=nora).role == Role.LAUNCHER
    assert client.get(HOME).status_code == 200
    assert come_in(Client(), provider, "n-1")["Location"] == HOME
    assert User.objects.filter(email="nora@clinic.example").count() == 1


@pytest.mark.parametrize("change", [{"expires_at": NOW}, {"withdrawn_at": NOW}, {"accepted_at": NOW}])
def test_an_invitation_that_has_ended_makes_none(
    client: Client, provider: Provider, workspace: Workspace, change: dict[str, Any]
) -> None:
    invited(workspace)
    Invitation.objects.update(**change)
    provider.knows("n-1", email="nora@clinic.example", email_verified=True)
    assert come_in(client, provider, "n-1").status_code == 403
    assert not User.objects.filter(email="nora@clinic.example").exists()


def test_an_invitation_to_an_address_that_is_not_verified_makes_none(
    client: Client, provider: Provider, workspace: Workspace
) -> None:
    invited(workspace)
    provider.knows("n-1", email="nora@clinic.example", email_verified=False)
    assert come_in(client, provider, "n-1").status_code == 403
    assert not User.objects.filter(email="nora@clinic.example").exists()


def test_of_two_accounts_with_one_address_neither_is_opened(client: Client, maria: User, provider: Provider) -> None:
    make_user(email="Maria@Clinic.example")
    come_in(client, provider)
    assert not signed_in(client)


@pytest.mark.parametrize("before", [True, False])
def test_a_deactivated_person_is_not_let_in(client: Client, maria: User, provider: Provider, before: bool) -> None:
    if before:
        come_in(Client(), provider)
    User.objects.update(is_active=False)
    assert come_in(client, provider).status_code == 403
    assert not signed_in(client)
    assert refusals() == ["deactivated"]


def test_a_service_user_of_a_key_is_not_let_in(client: Client, provider: Provider) -> None:
    make_user(email="maria@clinic.example", is_service=True)
    come_in(client, provider)
    assert not signed_in(client)


def test_nobody_connects_an_identity_to_the_account_of_a_session(
    client: Client, maria: User, provider: Provider
) -> None:
    mallory = make_user(is_staff=True)
    client.force_login(mallory)
    come_in(client, provider, process="connect")
    assert not SocialAccount.objects.filter(user=mallory).exists()
    assert client.get("/accounts/3rdparty/").status_code == 404


def test_without_a_provider_there_is_no_such_way(client: Client) -> None:
    assert client.post(LEAVE).status_code == 404
    assert client.get(ARRIVE).status_code == 404
    assert "oidc" not in client.get(SIGN_IN).content.decode()


def test_a_provider_that_is_written_into_the_database_is_not_asked(client: Client) -> None:
    SocialApp.objects.create(provider="openid_connect", provider_id="sso", client_id="x", name="Mallory's")
    assert client.post(LEAVE).status_code == 404
    assert "Mallory" not in client.get(SIGN_IN).content.decode()


# whose answers are believed


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"iss": "http://another-provider.example"}, "the ID token is refused: InvalidIssuerError"),
        ({"aud": "another-client"}, "the ID token is refused: InvalidAudienceError"),
        ({"aud": [CLIENT, "another-client"], "azp": "another-client"}, "the ID token was issued to another client"),
        ({"nonce": "of-another-request"}, "the ID token answers another request"),
        ({"nonce": ""}, "the ID token answers another request"),
        ({"nonce": None}, "the ID token is refused: MissingRequiredClaimError"),
        ({"exp": 1_000_000_000}, "the ID token is refused: ExpiredSignatureError"),
    ],
)
def test_an_id_token_that_is_not_the_answer_lets_nobody_in(
    client: Client, maria: User, provider: Provider, says: dict[str, Any], why: str, caplog: Any
) -> None:
    provider.says = says
    assert come_in(client, provider).status_code == 401
    assert not signed_in(client)
    assert reason(caplog) == why


def test_an_id_token_that_somebody_else_signed_lets_nobody_in(
    client: Client, maria: User, provider: Provider, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    from joserfc.jwk import RSAKey

    keys = {"keys": [{**RSAKey.generate_key(2048).as_dict(private=False), "kid": _key_id(provider)}]}
    _answers_instead(monkeypatch, "/jwks", keys)
    assert come_in(client, provider).status_code == 401
    assert not signed_in(client)
    assert reason(caplog) == "the ID token is refused: InvalidSignatureError"


def test_what_is_told_about_somebody_else_is_not_believed(
    client: Client, maria: User, provider: Provider, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    provider.knows("x", email="stranger@elsewhere.example", email_verified=True)
    _answers_instead(monkeypatch, "/userinfo", {"sub": "m-1", "email": maria.email, "email_verified": True})
    assert come_in(client, provider, "x").status_code == 401
    assert not signed_in(client)
    assert reason(caplog) == "what the provider tells is about somebody else"


@pytest.mark.parametrize("told", [{"issuer": "http://localhost"}, {}, []])
def test_a_provider_with_another_name_is_not_asked(
    client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    _answers_instead(monkeypatch, "/.well-known/openid-configuration", told)
    assert client.post(LEAVE).status_code == 401


def test_an_answer_is_taken_once_and_by_the_browser_that_asked(client: Client, maria: User, provider: Provider) -> None:
    back = provider.agrees(leave(client), "m-1")
    assert Client().get(back).status_code == 401
    assert client.get(back).status_code == 302
    assert client.get(back).status_code == 401


def test_a_state_that_nobody_made_is_refused(client: Client, maria: User, provider: Provider) -> None:
    back = provider.agrees(leave(client), "m-1")
    assert client.get(back.replace("state=", "state=x")).status_code == 401
    assert not signed_in(client)


def test_a_person_who_says_no_there_is_told_so(client: Client, provider: Provider) -> None:
    state = parse_qs(urlsplit(leave(client)).query)["state"][0]
    page = client.get(ARRIVE, {"state": state, "error": "access_denied"}, follow=True)
    assert "You are not signed in" in page.content.decode()


def test_a_provider_that_is_away_is_a_page_and_no_crash(client: Client, provider: Provider, settings: Any) -> None:
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    app["settings"]["server_url"] = "http://127.0.0.1:1/"
    page = client.post(LEAVE)
    assert (page.status_code, "Signing in failed" in page.content.decode()) == (401, True)


def test_the_request_has_a_challenge_a_state_and_a_nonce_and_the_answer_the_verifier(
    client: Client, maria: User, provider: Provider
) -> None:
    address = leave(client)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    client.get(provider.agrees(address, "m-1"))
    (sent,) = provider.sent
    challenge = base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"].encode()).digest()).rstrip(b"=")
    assert (asked["code_challenge"], asked["code_challenge_method"]) == (challenge.decode(), "S256")
    assert len(asked["nonce"]) == 32
    assert len(asked["state"]) == 16
    assert set(asked["scope"].split()) == {"openid", "email", "profile"}
    assert asked["redirect_uri"] == f"http://testserver{ARRIVE}"


def test_a_link_cannot_change_what_the_provider_is_asked(client: Client, provider: Provider) -> None:
    address = leave(client, auth_params="redirect_uri=https://evil.example&nonce=known", scope="admin")
    assert "evil" not in address
    assert "known" not in address
    assert "admin" not in address


def test_leaving_takes_a_form_of_our_own(client: Client, provider: Provider) -> None:
    assert "Location" not in client.get(LEAVE)
    assert Client(enforce_csrf_checks=True).post(LEAVE).status_code == 403


# the second factor


@pytest.fixture
def _required(settings: Any) -> None:
    settings.RVM_REQUIRE_SECOND_FACTOR = True


required = pytest.mark.usefixtures("_required")


@required
def test_a_second_factor_that_the_provider_did_not_ask_for_is_asked_for_here(
    client: Client, maria: User, provider: Provider
) -> None:
    come_in(client, provider)
    assert client.get(HOME)["Location"] == ENROL
    secret = seal("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", maria.pk)
    Authenticator.objects.create(user=maria, type="totp", data={"secret": secret})
    other = Client()
    assert come_in(other, provider)["Location"] == WRITE_CODE
    assert not signed_in(other)


@required
@pytest.mark.parametrize("says", [{"amr": ["pwd", "otp", "mfa"]}, {"acr": "https://refeds.org/profile/mfa"}])
def test_a_second_factor_that_the_provider_asked_for_is_not_asked_for_again(
    client: Client, maria: User, provider: Provider, says: dict[str, Any]
) -> None:
    provider.says = says
    come_in(client, provider)
    assert client.get(HOME).status_code == 200


@required
def test_a_provider_that_asks_everybody_is_believed_if_the_setting_says_so(
    client: Client, maria: User, provider: Provider, settings: Any
) -> None:
    settings.RVM_OIDC_SECOND_FACTOR = True
    come_in(client, provider)
    assert client.get(HOME).status_code == 200


@required
def test_the_second_factor_of_an_identity_is_none_of_a_later_sign_in_by_password(
    client: Client, maria: User, provider: Provider
) -> None:
    provider.says = {"amr": ["mfa"]}
    come_in(client, provider)
    client.post("/accounts/logout/")
    sign_in(client)
    assert client.get(HOME)["Location"] == ENROL


@pytest.mark.parametrize(
    ("id_token", "shown"),
    [
        ({}, False),
        ({"amr": ["pwd"]}, False),
        ({"amr": ["otp"]}, False),
        ({"amr": "mfa"}, False),
        ({"amr": None, "acr": None}, False),
        ({"acr": "1"}, False),
        ({"amr": ["mfa"]}, True),
        ({"acr": "phr"}, True),
    ],
)
def test_a_provider_says_that_it_asked_for_a_second_factor_in_the_words_of_the_standards(
    id_token: dict[str, Any], shown: bool
) -> None:
    assert second_factor_shown(id_token) == shown


# passwords, and the way out


def test_passwords_work_beside_it(client: Client, maria: User, provider: Provider) -> None:
    sign_in(client)
    assert signed_in(client)


def test_where_it_is_the_only_way_passwords_let_in_operators_only(
    client: Client, maria: User, provider: Provider, settings: Any
) -> None:
    settings.RVM_OIDC_ONLY = True
    sign_in(client)
    assert not signed_in(client)
    assert "let in the platform's operators only" in client.get(SIGN_IN).content.decode().replace("&#x27;", "'")
    make_user(username="root", password=PASSWORD, is_superuser=True, is_staff=True)
    sign_in(client, "root")
    assert signed_in(client)


@pytest.mark.parametrize("way", ["/accounts/logout/", "/admin/logout/"])
def test_signing_out_leads_on_to_the_provider(client: Client, maria: User, provider: Provider, way: str) -> None:
    come_in(client, provider)
    address = urlsplit(client.post(way)["Location"])
    asked = parse_qs(address.query)
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{provider.issuer}/oauth2/end_session"
    assert asked["post_logout_redirect_uri"] == [f"http://testserver{SIGN_IN}"]
    assert asked["client_id"] == [CLIENT]
    assert asked["id_token_hint"][0].count(".") == 2
    assert not signed_in(client)


def test_signing_out_works_while_the_provider_is_away(
    client: Client, maria: User, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_in(client, provider)
    _answers_instead(monkeypatch, "/.well-known/openid-configuration", [])
    assert client.post("/accounts/logout/")["Location"] == SIGN_IN
    assert not signed_in(client)


def test_signing_out_works_after_the_key_of_the_session_was_retired(
    client: Client, maria: User, provider: Provider, keys: Callable[..., None]
) -> None:
    come_in(client, provider)
    keys(encryption=(2,))
    assert client.post("/accounts/logout/")["Location"] == SIGN_IN
    assert not signed_in(client)


# what is kept


def test_neither_tokens_nor_what_the_provider_tells_of_the_person_are_stored(
    client: Client, maria: User, provider: Provider
) -> None:
    provider.knows("m-1", email=maria.email, email_verified=True, name="Maria of the clinic", birthdate="1970-01-01")
    Authenticator.objects.create(user=maria, type="totp", data={"secret": seal("JBSWY3DPEHPK3PXP", maria.pk)})
    come_in(client, provider)
    assert not SocialToken.objects.exists()
    (identity,) = SocialAccount.objects.all()
    assert identity.extra_data == {}
    kept = json.dumps([each.get_decoded() for each in Session.objects.all()], default=str)
    assert "Maria of the clinic" not in kept
    assert "access_token" not in kept
    assert "eyJ" not in kept


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import rvm.project.settings as s; print(s.SOCIALACCOUNT_PROVIDERS)"]
    return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, timeout=60, check=False)


def test_the_environment_names_the_provider_and_its_client_together() -> None:
    refused = start(RVM_OIDC_ISSUER="https://id.clinic.example")
    assert "RVM_OIDC_CLIENT_ID: Environment variable not set." in refused.stderr
    given = {"RVM_OIDC_CLIENT_ID": CLIENT, "RVM_OIDC_CLIENT_SECRET": SECRET}
    started = start(RVM_OIDC_ISSUER="https://id.clinic.example/", **given)
    assert "'https://id.clinic.example/.well-known/openid-configuration'" in started.stdout
    assert SECRET not in started.stdout


def test_production_takes_no_provider_without_encryption() -> None:
    refused = start(RVM_ENVIRONMENT="production", RVM_OIDC_ISSUER="http://id.clinic.example")
    assert "RVM_OIDC_ISSUER: must be an address that begins with https://" in refused.stderr


def test_the_secret_is_in_no_representation_and_in_no_line_of_the_log(
    client: Client, maria: User, provider: Provider, settings: Any, caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = Secret(SECRET)
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["secret"] = secret
    come_in(client, provider)
    assert provider.sent[0]["client_secret"] == SECRET
    _answers_instead(monkeypatch, "/oauth2/token", {"error": "invalid_client", "client_secret": SECRET})
    come_in(client, provider)
    assert reason(caplog) == "OAuth2Error"
    assert SECRET not in repr(settings.SOCIALACCOUNT_PROVIDERS) + repr([each.msg for each in caplog.records])


def _key_id(provider: Provider) -> str:
    return str(requests.get(f"{provider.issuer}/jwks", timeout=5).json()["keys"][0].get("kid"))


def _answers_instead(monkeypatch: pytest.MonkeyPatch, path: str, body: Any) -> None:
    """The provider's page at this path has another content."""
    get = requests.Session.request

    def answer(session: Any, method: str, url: str, **options: Any) -> Any:
        response = get(session, method, url, **options)
        if urlsplit(url).path == path:
            response._content = json.dumps(body).encode()
        return response

    monkeypatch.setattr(requests.Session, "request", answer)
