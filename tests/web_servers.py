"""gunicorn as the stack runs it, with an application of the tests."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from rvm.devtools.embedded.processes import spawn, stop, wait_until

CONFIGURATION = "python:rvm.project.web_server.configuration"


@contextmanager
def serving(application: str, folder: Path, *options: str, **variables: str) -> Iterator[int]:
    """The port at which one process of gunicorn serves the module's `application`; its log is in the folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    log = folder / "web.log"
    at = ("--bind", f"127.0.0.1:{port}", "--workers", "1")
    command = [sys.executable, "-m", "gunicorn", "-c", CONFIGURATION, application, *at, *options]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "rvm.project.settings", **variables}
    process = spawn(command, log=log, env=environment, cwd=Path(settings.BASE_DIR))
    try:
        wait_until(lambda: _listens(port), process, name="gunicorn", log=log)
        yield port
    finally:
        stop(process)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
