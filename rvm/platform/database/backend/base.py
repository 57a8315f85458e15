"""The backend's connections; Django looks for them in a module of this name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import psycopg
from django.db.backends.postgresql import base

from rvm.platform.database import patience


class DatabaseWrapper(base.DatabaseWrapper):
    # All of psycopg but for what connects: Django calls it as a function of the module.
    Database = SimpleNamespace(**{**vars(psycopg), "connect": patience.PatientConnection.connect})  # type: ignore[assignment]

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        with patience.connecting():
            return super().get_new_connection(conn_params)
