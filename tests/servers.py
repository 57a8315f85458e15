"""Real PostgreSQL and Redis for the tests, started before Django reads its settings.

Loaded by `-p tests.servers` in pyproject.toml. The process that the person started owns the servers; pytest-xdist's
workers inherit its environment. `DATABASE_URL` and `REDIS_URL` from outside win.
"""

from __future__ import annotations

import atexit
import base64
import os
from contextlib import ExitStack
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode

import pytest

from rvm.devtools.embedded import ServerError, local_services
from rvm.devtools.embedded.processes import CLEAN_ENVIRONMENT

FIXED = {
    "RVM_ENVIRONMENT": "test",
    "RVM_TIME_ZONE": "UTC",  # tests of the desk say in which zone they are where it matters
    "RVM_SECRET_KEY": "tests-only-not-a-secret-0123456789-abcdefghijklmnopqrstuvwxyz",
    "RVM_ENCRYPTION_KEYS": f"1:{base64.b64encode(sha256(b'encryption key').digest()).decode()}",
    "RVM_INDEX_KEYS": f"1:{base64.b64encode(sha256(b'index key').digest()).decode()}",
}
# By which `make dates` moves the clock of every process.
CLOCK = ("LD_PRELOAD", "CLOCK_MOVED_SECONDS")


def pytest_addoption() -> None:
    """The first hook that a plugin gets: pytest-django reads the settings in the next one."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        os.environ["REDIS_URL"] = own_redis_database(os.environ["REDIS_URL"], worker)
        return
    os.environ.update(FIXED)
    CLEAN_ENVIRONMENT.update({name: os.environ[name] for name in CLOCK if name in os.environ})
    servers = ExitStack()
    try:
        os.environ.update(servers.enter_context(local_services(ephemeral=True)))
    except ServerError as error:
        raise pytest.UsageError(str(error)) from error
    atexit.register(_stop_in, os.getpid(), servers)


def _stop_in(process: int, servers: ExitStack) -> None:
    if os.getpid() == process:  # not in what was forked from us
        servers.close()


def own_redis_database(url: str, worker: str) -> str:
    """The same Redis with the worker's own database: gw0 gets 1, gw1 gets 2; 0 stays with the process that began."""
    address, _, query = url.partition("?")  # urlunsplit would turn unix:///path into unix:/path
    options = dict(parse_qsl(query)) | {"db": str(int(worker.removeprefix("gw")) + 1)}
    return f"{address}?{urlencode(options)}"
