"""`manage.py sandbox` takes the options of `python -m rvm.simulators.sandbox` and runs the same service."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from rvm.simulators.management.commands import sandbox
from rvm.simulators.sandbox.faults import Faults
from rvm.simulators.sandbox.options import Options


def test_the_command_hands_its_options_to_the_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    ran: list[Options] = []
    monkeypatch.setattr(sandbox, "run", ran.append)
    monkeypatch.setenv("RVM_SANDBOX_SIGNING_SECRET", "from-the-environment")
    call_command(
        "sandbox", "--key=k", f"--ledger={tmp_path / 'l'}", "--faults=hang=0.5", "--no-fetch-audio", "--port=0"
    )
    assert ran == [Options("k", "from-the-environment", 0, tmp_path / "l", fetch_audio=False, faults=Faults(hang=0.5))]


def test_the_command_names_the_variable_it_wants(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("RVM_SANDBOX_KEY", raising=False)
    with pytest.raises(CommandError, match="RVM_SANDBOX_KEY"):
        call_command("sandbox")
