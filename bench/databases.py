"""Additional databases with the platform's tables, so that measurements with and without a long history are independent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from rvm.devtools.stack import MANAGE


@contextmanager
def further_database(url: str, suffix: str, manage: Sequence[str | Path] = (MANAGE,)) -> Iterator[str]:
    """Create a database on the server of `url`, migrate it by the command line `manage`, yield its URL, and drop it at the end."""
    name = f"rvm_bench_{suffix}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    base, _, query = url.partition("?")
    further = base.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")
    subprocess.run([sys.executable, *manage, "migrate", "-v0"], check=True, env={**os.environ, "DATABASE_URL": further})
    try:
        yield further
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
