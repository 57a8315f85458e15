"""The two servers, each gunicorn as `make up` runs it: the platform's, and that of the plainest project."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.callbacks import web_server
from bench.databases import further_database

_PLAIN = "bench.programs.plain"
# The project's own app has no history of its tables.
_PREPARE = (
    "from django.core.management import call_command; call_command('migrate', verbosity=0, run_syncdb=True);"
    " from django.contrib.auth.models import User; from rest_framework.authtoken.models import Token;"
    " print(Token.objects.create(user=User.objects.create(username='bench')).key)"
)


@dataclass(frozen=True)
class Server:
    address: str
    pids: list[int]
    token: str = field(default="", repr=False)


@contextmanager
def platform_server(variables: Mapping[str, str]) -> Iterator[Server]:
    with web_server("rvm.project.wsgi", variables) as (address, pids):
        yield Server(address, pids)


@contextmanager
def plain_server() -> Iterator[Server]:
    """The plainest project with a database of its own, and the token of its user."""
    module = ["-m", _PLAIN]
    with further_database(os.environ["DATABASE_URL"], "plain", module) as url:
        shell = subprocess.run(
            [sys.executable, *module, "shell", "--no-imports", "-c", _PREPARE],
            env={**os.environ, "DATABASE_URL": url},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        with web_server(f"{_PLAIN}.wsgi", {"DATABASE_URL": url}) as (address, pids):
            yield Server(address, pids, shell.stdout.split()[-1])
