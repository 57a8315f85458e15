"""PgBouncer between the platform and PostgreSQL for scenes that need a pooler; it must already be installed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest

from rvm.devtools.embedded.processes import spawn, stop, unprivileged_account, wait_until

PORT = 6432
# As in docs/operate/postgresql.md, except for addresses and authentication.
CONFIGURATION = """
[databases]
* = host={postgres}
[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {home}
auth_type = any
auth_file = /dev/null
pool_mode = {mode}
default_pool_size = 40
max_client_conn = 200
"""


@contextmanager
def pooled(database_url: str, mode: str) -> Iterator[str]:
    """DATABASE_URL of the same database through a pooler in the given mode."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.fail("PgBouncer is not installed on this machine (Debian: apt-get install pgbouncer).", pytrace=False)
    address = urlsplit(database_url)
    account = unprivileged_account()
    home = Path(tempfile.mkdtemp(prefix="rvm-pooler-", dir="/tmp"))
    if account:
        os.chown(home, *account)
    user, _, sockets = address.netloc.partition("@")
    configuration = home / "pgbouncer.ini"
    configuration.write_text(
        CONFIGURATION.format(postgres=f"{unquote(sockets)} user={user}", port=PORT, home=home, mode=mode)
    )
    process = spawn([program, configuration], log=home / "log", env={"PATH": os.defpath}, account=account)
    try:
        socket = home / f".s.PGSQL.{PORT}"
        wait_until(socket.exists, process, name="PgBouncer", log=home / "log")
        yield f"postgresql://{user}@{quote(str(home), safe='')}:{PORT}{address.path}"
    finally:
        stop(process)
        shutil.rmtree(home)
