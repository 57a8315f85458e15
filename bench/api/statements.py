"""The statements of a request, as they go over the wire to PostgreSQL."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test import Client
from psycopg import pq

from rvm.platform.database import sql

# A message of the protocol: of the client, which is F, or of the server. The text of a statement may have lines of its own.
_MESSAGE = re.compile(r"^(?=[FB]\t\d+\t\w+)", re.MULTILINE)
_QUERY = re.compile(r'F\t\d+\tQuery\t "(.*)"\n', re.DOTALL)
_PARSE = re.compile(r'F\t\d+\tParse\t "(\w*)" "(.*)" \d+[ \d]*\n', re.DOTALL)
_BIND = re.compile(r'F\t\d+\tBind\t "" "(\w*)"')
_NOT_COUNTED = re.compile(r"BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|DEALLOCATE", re.IGNORECASE)
_OF_THE_KEY = re.compile(r"platform_idempotencykey|pg_try_advisory_xact_lock", re.IGNORECASE)


@contextmanager
def traced() -> Iterator[list[str]]:
    """The texts of the statements that this thread's connection executes in the block, filled in at its end."""
    found: list[str] = []
    connection.ensure_connection()
    server: Any = connection.connection.pgconn
    with tempfile.TemporaryFile("w+b") as trace:
        server.trace(trace.fileno())
        server.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
        try:
            yield found
        finally:
            server.untrace()
        trace.seek(0)
        found += _texts(trace.read().decode(errors="replace"))


def _texts(trace: str) -> Iterator[str]:
    prepared = dict(sql.run("SELECT name, statement FROM pg_prepared_statements", []))
    for message in _MESSAGE.split(trace):
        if query := _QUERY.match(message):
            yield query[1]
        elif parse := _PARSE.match(message):
            prepared[parse[1]] = parse[2]
        elif bind := _BIND.match(message):
            yield prepared[bind[1]]


def statements_of(path: str, bodies: Iterable[bytes], headers: Mapping[str, str]) -> list[str]:
    """The statements of the last POST: by then the connection knows them, as in a server that has run for a while."""
    client = Client(headers=dict(headers))
    for body in bodies:
        with traced() as found:
            answer = client.post(path, body, content_type="application/json")
        if answer.status_code >= 300:
            raise RuntimeError(f"{path} answered {answer.status_code} {answer.content[:300]!r}")
    return found


def counted(statements: list[str]) -> list[str]:
    """The statements by which a send is judged: without the transaction's own and those of the Idempotency-Key."""
    return [each for each in statements if not _NOT_COUNTED.match(each) and not _OF_THE_KEY.search(each)]
