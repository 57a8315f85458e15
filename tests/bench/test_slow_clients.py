"""The bench of slow clients runs to its end; what it measures is for `make bench-slow-clients` on a quiet machine."""

from __future__ import annotations

import os

import pytest
from django.db import connection

from bench import slow_clients


@pytest.mark.django_db(transaction=True)
def test_a_working_client_is_answered_beside_each_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    monkeypatch.setenv("DATABASE_URL", f"{server}/{connection.settings_dict['NAME']}")
    told: list[str] = []
    figures = slow_clients.run(slow_clients.Sizes(20, 20, 5), told.append)
    crowds = ("idle", "half_sent", "both")
    assert figures.keys() == {f"{crowd}_{what}" for crowd in crowds for what in ("ratio", "worst_s")}
    assert float("inf") not in figures.values() and len(told) == 3
