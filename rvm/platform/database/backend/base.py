"""The backend's connections; Django looks for them in a module of this name."""

from __future__ import annotations

import time
from datetime import UTC
from types import SimpleNamespace
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.types.datetime import TimestamptzLoader

from rvm.platform.database import patience

# For so long after its last statement a connection is taken for alive, without a question before the next request's first one.
TRUSTED_SECONDS = 1.0


class DatabaseWrapper(base.DatabaseWrapper):
    _used_at = float("-inf")

    # All of psycopg but for what connects: Django calls it as a function of the module.
    Database = SimpleNamespace(**{**vars(psycopg), "connect": patience.PatientConnection.connect})  # type: ignore[assignment]

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        with patience.connecting():
            return super().get_new_connection(conn_params)

    def close_if_health_check_failed(self) -> None:
        """Django calls it before each statement."""
        used_at, self._used_at = self._used_at, time.monotonic()
        if self._used_at < used_at + TRUSTED_SECONDS:
            self.health_check_done = True
        super().close_if_health_check_failed()

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = super().create_cursor(name)
        if self.timezone is UTC:
            # In a session in UTC, psycopg's own loader gives the same times as Django's, which is Python: a page has hundreds.
            cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        return cursor
