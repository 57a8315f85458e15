"""The purge waits for nobody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction

from delivery.models import Voicemail
from delivery.retention.numbers import purge
from rvm.platform.database.clock import database_now
from tests.factories import make_use_case, make_voicemail

pytestmark = pytest.mark.django_db(transaction=True)


def purged(workspace_id: UUID) -> int:
    try:
        return sum(purge(workspace_id, database_now()))
    finally:
        connection.close()


def test_a_row_that_another_transaction_holds_is_left_for_the_next_time() -> None:
    use_case, at = make_use_case(), database_now() - timedelta(days=2200)
    held, free = (make_voicemail(use_case, status="failed", ended_at=at) for _ in range(2))
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Voicemail.objects.select_for_update(no_key=True).get(pk=held.pk)
            assert pool.submit(purged, use_case.workspace_id).result(timeout=20) == 1
        held.refresh_from_db()
        free.refresh_from_db()
        assert (held.recipient is None, free.recipient is None) == (False, True)
        assert pool.submit(purged, use_case.workspace_id).result(timeout=20) == 1
