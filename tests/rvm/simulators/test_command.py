"""`manage.py simulator` runs the vendor that is named, with its options."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from rvm.simulators.framework.vendor import Options, Vendor
from rvm.simulators.management.commands import simulator
from rvm.simulators.sandbox.outcomes import Mix
from rvm.simulators.vendors import names, simulator_class


@pytest.mark.parametrize("name", names())
def test_the_command_runs_each_vendor_with_its_options(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Vendor] = []
    monkeypatch.setattr(simulator, "run", lambda vendor, quiet: ran.append(vendor))
    monkeypatch.setenv("RVM_SANDBOX_KEY", "from-the-environment")
    call_command("simulator", name, "--port=0", "--speed=50", "--outcomes=busy=1")
    assert isinstance(ran[0], simulator_class(name))
    assert ran[0].options == Options("from-the-environment", 0, 50, outcomes=Mix.of({"busy": 1}))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--key=",), "RVM_SANDBOX_KEY"), (("--key=k", "--speed=0"), "--speed"), (("--key=k", "--speed=1e9"), "10,000")],
)
def test_the_command_says_what_is_missing(
    arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RVM_SANDBOX_KEY", raising=False)
    with pytest.raises(CommandError, match=message):
        call_command("simulator", "drop_cowboy", *arguments)


def test_an_unknown_vendor_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"no simulator 'pigeon'; there are: .*drop_cowboy"):
        simulator_class("pigeon")


@pytest.mark.parametrize("name", names())
def test_a_vendors_credentials_are_made_from_its_key_alone(name: str) -> None:
    make = simulator_class(name)
    one, same, other = (make(Options(key, port=8800)).credentials for key in ("one", "one", "other"))
    assert one == same != other
    assert one["base_url"].startswith("http://127.0.0.1:8800")
