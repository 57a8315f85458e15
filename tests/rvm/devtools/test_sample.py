"""The sample makes a superuser and a live key whose secrets are printed: only where nothing else is, and the same at each start."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone

from delivery.carriers import adapter_of
from rvm.devtools import kept_credentials
from rvm.devtools.embedded import environment
from rvm.devtools.sample import CALLS_PER_SECOND, Sample, check_database, load_sample
from rvm.platform.api.keys import generate
from rvm.platform.models import ApiKey, User
from rvm.platform.scopes import Scope
from rvm.simulators.framework.vendor import Options
from rvm.simulators.vendors import names, simulator_class
from tests.factories import make_user, make_workspace
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def given_database(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(environment, "_local", set())
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example.com/rvm")
    return "postgresql://db.example.com/rvm"


def load(kept: Path | None = None) -> Sample:
    return load_sample("http://127.0.0.1:8800", "key", "secret", kept)


@pytest.mark.parametrize("name", names())
def test_a_simulated_carrier_gets_a_setup_and_a_use_case_beside_the_sandboxs(name: str) -> None:
    vendor = simulator_class(name)(Options("key", port=8801))
    for _ in range(2):
        sample = load_sample("http://127.0.0.1:8800", "key", "secret", vendor=vendor)
        assert (sample.setup.carrier, sample.setup.credentials) == (name, vendor.credentials)
        assert sample.setup.pace_per_second == (CALLS_PER_SECOND if sample.setup.rings else 200)
        assert sample.use_case.setup == sample.setup
        assert sample.use_case.assignments.count() == 2
        adapter_of(sample.setup)
    assert set(TelephonySetup.objects.values_list("carrier", flat=True)) == {"sandbox", name}


def test_an_empty_database_and_the_samples_own_are_taken() -> None:
    check_database()
    load()
    check_database()


@pytest.mark.parametrize("command", ["seed", "up", "demo"])
def test_a_database_with_other_workspaces_is_refused_before_anything_is_changed(command: str) -> None:
    make_workspace()
    with pytest.raises(CommandError, match="data that is not the sample's"):
        call_command(command)
    assert not User.objects.exists() and not ApiKey.objects.exists()


def test_a_database_with_an_account_and_nothing_else_is_refused() -> None:
    make_user(username="root", is_superuser=True)
    with pytest.raises(CommandError, match="data that is not the sample's"):
        check_database()


def test_a_person_of_the_samples_name_keeps_the_password() -> None:
    person = make_user(username="demo", password="correct horse battery")
    with pytest.raises(CommandError):
        check_database()
    with pytest.raises(CommandError, match="password stays as it is"):
        load()
    person.refresh_from_db()
    assert person.check_password("correct horse battery")


def test_a_database_that_the_project_has_started_is_always_taken(
    given_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_workspace()
    monkeypatch.setattr(environment, "_local", {given_database})
    check_database()


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_start_at_a_taken_port_changes_nothing(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    before = list(TelephonySetup.objects.values()), list(ApiKey.objects.values()), list(User.objects.values())
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CommandError, match="is taken"):
            call_command(command, port=taken.getsockname()[1])
    after = list(TelephonySetup.objects.values()), list(ApiKey.objects.values()), list(User.objects.values())
    assert after == before


def opens(plaintext: str) -> bool:
    return Client(headers={"Authorization": f"Bearer {plaintext}"}).get("/v1/auth/me").status_code == 200


def secrets_of(sample: Sample) -> tuple[str, str, str]:
    return sample.api_key, sample.test_key, sample.password


def test_keys_and_password_of_the_last_start_stay(tmp_path: Path) -> None:
    kept = tmp_path / ".rvm" / "sample.json"
    first, again = load(kept), load(kept)
    assert secrets_of(first) == secrets_of(again)
    assert opens(first.api_key) and opens(first.test_key)
    assert User.objects.get(username="demo").check_password(first.password)
    assert ApiKey.objects.count() == 2
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o077) == (0o600, 0)
    assert [path.name for path in kept.parent.iterdir()] == ["sample.json"]


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"api_key": 1, "test_key": "rvm_test_x", "password": ""}'])
def test_without_a_file_that_can_be_read_they_are_new_and_the_earlier_ones_end(
    tmp_path: Path, content: str | None
) -> None:
    kept = tmp_path / "sample.json"
    first = load(kept)
    kept.unlink()
    if content is not None:
        kept.write_text(content)
    second = load(kept)
    assert not set(secrets_of(first)) & set(secrets_of(second))
    assert opens(second.api_key) and not opens(first.api_key) and not opens(first.test_key)
    assert secrets_of(load(kept)) == secrets_of(second)


def test_those_of_another_database_are_replaced(tmp_path: Path) -> None:
    kept = tmp_path / "sample.json"
    foreign = {"api_key": generate(live=True), "test_key": generate(live=False), "password": "elsewhere"}
    kept_credentials.write(kept, foreign)
    sample = load(kept)
    assert not set(secrets_of(sample)) & set(foreign.values())
    assert opens(sample.api_key) and opens(sample.test_key)
    assert secrets_of(load(kept)) == secrets_of(sample)


def test_a_key_that_was_revoked_or_bound_is_replaced_and_the_other_one_stays(tmp_path: Path) -> None:
    kept = tmp_path / "sample.json"
    first = load(kept)
    ApiKey.objects.filter(live=True).update(revoked_at=timezone.now())
    second = load(kept)
    assert (second.api_key != first.api_key, second.test_key, second.password) == (True, first.test_key, first.password)
    ApiKey.objects.filter(live=False).update(networks=["203.0.113.0/24"])
    third = load(kept)
    assert (third.api_key, third.test_key != first.test_key) == (second.api_key, True)


def test_a_kept_key_gets_the_scopes_that_are_new(tmp_path: Path) -> None:
    kept = tmp_path / "sample.json"
    first = load(kept)
    ApiKey.objects.update(scopes=["voicemail:read"])
    assert load(kept).api_key == first.api_key
    assert [key.scopes for key in ApiKey.objects.all()] == [sorted(Scope)] * 2
