"""A web process waits for a statement as long as PostgreSQL answers others; tests/chaos/web/test_outages.py stops whole servers."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection

from rvm.platform.database import patience

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever asks this connection loses patience at once."""
    for name, value in {"_is_limited": True, "SILENCE_SECONDS": 0.0, "ANSWER_SECONDS": 0.5}.items():
        monkeypatch.setattr(patience, name, value)
    for name in ("_silent_since", "_answered_at"):
        monkeypatch.setattr(patience, name, float("-inf"))
    connection.close()
    yield
    connection.close()


def slow() -> object:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_sleep(0.5)")
        return cursor.fetchone()


def test_a_slow_statement_is_waited_for_while_a_new_client_is_answered() -> None:
    assert slow() == (1,)


def test_a_statement_fails_when_a_new_client_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.ensure_connection()
    monkeypatch.setattr(patience, "answers", lambda conninfo: False)
    with pytest.raises(OperationalError, match="PostgreSQL does not answer"):
        slow()
    connection.close()
    with pytest.raises(OperationalError, match="PostgreSQL does not answer"):
        connection.ensure_connection()  # refused before it connects
    monkeypatch.setattr(patience, "_silent_since", float("-inf"))
    connection.ensure_connection()


def test_a_statement_that_takes_longer_than_any_page_is_canceled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MAX_SECONDS", 0.0)
    with pytest.raises(OperationalError):
        slow()


def test_a_server_that_takes_connections_and_says_nothing_does_not_answer() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert not patience.answers(f"host=127.0.0.1 port={silent.getsockname()[1]}", 0.2)


def test_a_server_that_refuses_answers(settings: object) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert patience.answers(f"host=127.0.0.1 port={closed.getsockname()[1]}")
