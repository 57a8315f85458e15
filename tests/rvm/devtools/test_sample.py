"""The sample makes a superuser and a live key whose secrets are printed: only where nothing else is."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from rvm.devtools.embedded import environment
from rvm.devtools.sample import check_database, load_sample
from rvm.platform.models import ApiKey, User
from tests.factories import make_user, make_workspace

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def given_database(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(environment, "_local", set())
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example.com/rvm")
    return "postgresql://db.example.com/rvm"


def load() -> None:
    load_sample("http://127.0.0.1:8800", "key", "secret")


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
