"""A download that breaks off looks broken to its client, under the web server that deployments run."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path

import pytest
from django.conf import settings

from rvm.devtools.embedded.processes import spawn, stop, wait_until
from rvm.platform.csv_export import BLOCK_ROWS, INCOMPLETE_LINE


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """gunicorn as the stack runs it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("web") / "web.log"
    configuration = "python:rvm.project.web_server.configuration"
    command = [
        "-m",
        "gunicorn",
        "-c",
        configuration,
        "tests.rvm.platform.broken_download",
        "--bind",
        f"127.0.0.1:{port}",
    ]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "rvm.project.settings"}
    process = spawn([sys.executable, *command], log=log, env=environment, cwd=Path(settings.BASE_DIR))
    try:
        wait_until(lambda: listens(port), process, name="gunicorn", log=log)
        yield port
    finally:
        stop(process)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def fetched(port: int, path: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read()
    finally:
        connection.close()


def test_a_whole_file_ends_as_one(port: int) -> None:
    assert fetched(port, "/whole").count(b"\r\n") == 2 * BLOCK_ROWS


def test_a_file_that_breaks_off_is_an_incomplete_download_and_says_so_itself(port: int) -> None:
    with pytest.raises(IncompleteRead) as cut:
        fetched(port, "/broken")
    assert cut.value.partial.endswith(INCOMPLETE_LINE)
    assert fetched(port, "/whole").count(b"\r\n") == 2 * BLOCK_ROWS
