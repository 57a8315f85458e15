"""The platform as real processes, and the command `rvm` as somebody who has pasted the lines of `make up` runs it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from rvm_client import Client
from rvm_client.cli.main import main

from tests.chaos.scene import Scene
from tests.docs.pages import PROJECT

REMINDER = str(PROJECT / "fixtures" / "reminder.mp3")


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The results of --json."""
        return [json.loads(line) for line in self.out.splitlines()]


class Commands:
    """Runs the command within this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Ran:
        self._capsys.readouterr()
        code = main(arguments)
        printed = self._capsys.readouterr()
        assert "Traceback" not in printed.err
        return Ran(code, printed.out, printed.err)


def api_of(stage: Scene) -> str:
    return f"{stage.stack.web_url}/v1/{stage.sample.workspace.id}"


def client_of(stage: Scene) -> Client:
    return Client(api_of(stage), stage.sample.api_key)
