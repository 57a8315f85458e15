"""The jobs behind the bells keep their connection from one to the next, and outlive it."""

from __future__ import annotations

import os

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection

from delivery.dispatch import database_now
from delivery.models import CarrierReport
from delivery.tasks import merge_reports
from tests import factories


@pytest.mark.django_db(transaction=True)
def test_reports_are_merged_by_a_worker_whose_connection_was_cut_between_two_jobs() -> None:
    report = CarrierReport.objects.create(
        setup=factories.make_setup(), drop_id=factories.make_workspace().id, status="accepted"
    )
    pid = connection.connection.info.backend_pid
    url = os.environ["DATABASE_URL"].rpartition("/")[0]
    with psycopg.connect(f"{url}/{settings.DATABASES['default']['NAME']}", autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(OperationalError):
        database_now()
    merge_reports()
    report.refresh_from_db()
    assert report.merged_at is not None
