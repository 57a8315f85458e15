"""The backend's connections; Django looks for them in a module of this name."""

from __future__ import annotations

from datetime import UTC
from types import SimpleNamespace
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.types.datetime import TimestamptzLoader

from rvm.platform.database import patience


class DatabaseWrapper(base.DatabaseWrapper):
    # All of psycopg but for what connects: Django calls it as a function of the module.
    Database = SimpleNamespace(**{**vars(psycopg), "connect": patience.PatientConnection.connect})  # type: ignore[assignment]

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        with patience.connecting():
            return super().get_new_connection(conn_params)

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = super().create_cursor(name)
        if self.timezone is UTC:
            # In a session in UTC, psycopg's own loader gives the same times as Django's, which is Python: a page has hundreds.
            cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        return cursor
