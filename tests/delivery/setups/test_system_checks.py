"""What an installation has wrong about carriers is told by `manage.py check`, and by `/readyz` while it runs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import Client

from delivery.carriers import CARRIERS
from delivery.setups import system_checks
from tests.delivery.carriers.examples import EXAMPLES
from tests.docs.pages import DOCS

# Of the requests that an integration sent to its vendor before.
PAGE = (DOCS / "integrate" / "from-other-platforms.md").read_text()
VENDORS = sorted(set(re.findall(r"POST https://([a-z0-9.-]+)", PAGE)))
FAULTY = "The carrier pigeon of the package rvm-carrier-pigeon is not used: it is ill."


def told() -> list[tuple[str | None, str]]:
    return [(found.id, found.msg) for found in run_checks(tags=[system_checks.TAG])]


@pytest.mark.parametrize(
    "host",
    [
        "api-v2.dropcowboy.com",
        "API-v2.DropCowboy.com:443",
        "api-v2.dropcowboy.com.",
        "eu.api-v2.dropcowboy.com",
        "api.dropcowboy.com",
        "dropcowboy.com",
    ],
)
def test_a_vendors_host_among_those_of_simulators_is_an_error(settings: Any, host: str) -> None:
    settings.RVM_SANDBOX_HOSTS = ["127.0.0.1:8800", host]
    [(code, message)] = told()
    assert (code, message.startswith("RVM_SANDBOX_HOSTS names a host of Drop Cowboy, ")) == ("rvm.E002", True)


@pytest.mark.parametrize("name", CARRIERS)
def test_every_carriers_own_address_is_known(settings: Any, name: str) -> None:
    published = CARRIERS[name](EXAMPLES[name]).published_address()
    settings.RVM_SANDBOX_HOSTS = ["127.0.0.1", published.removeprefix("https://").partition("/")[0]]
    assert [CARRIERS[name].label in message for _, message in told()] == ([True] if published else [])


@pytest.mark.parametrize("host", VENDORS)
def test_every_address_of_a_vendor_that_our_own_pages_name_is_known(settings: Any, host: str) -> None:
    settings.RVM_SANDBOX_HOSTS = ["127.0.0.1", host]
    assert [code for code, _ in told()] == ["rvm.E002"]


@pytest.mark.parametrize(
    "hosts", [[], ["127.0.0.1:8800", "localhost", "::1", "[::1]:8800"], ["sandbox"], ["notdropcowboy.com"], ["com"]]
)
def test_hosts_of_simulators_are_none(settings: Any, hosts: list[str]) -> None:
    settings.RVM_SANDBOX_HOSTS = hosts
    assert told() == []


@pytest.mark.django_db
def test_no_worker_starts_while_a_setup_could_count_as_simulated_and_reach_people(settings: Any) -> None:
    settings.RVM_SANDBOX_HOSTS = ["api-v2.dropcowboy.com"]
    with pytest.raises(SystemCheckError, match="for simulators only"):
        call_command("worker", "dispatch")


@pytest.mark.django_db
def test_a_package_that_is_not_used_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_checks, "NOT_USED", [FAULTY])
    assert told() == [("rvm.W003", FAULTY)]
    shown = Client().get("/readyz").json()["warnings"]
    assert "1 installed carrier is not used; `manage.py check` says which, and why." in shown
    assert "pigeon" not in str(shown)


@pytest.mark.django_db
def test_readyz_says_the_same_of_hosts(settings: Any) -> None:
    assert system_checks.warning() == ""
    settings.RVM_SANDBOX_HOSTS = ["dropcowboy.com"]
    assert any("host of Drop Cowboy" in warning for warning in Client().get("/readyz").json()["warnings"])
