"""The suppression list: a number is on it once, for one workspace, and is never stored in clear."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.factories import RECIPIENT, make_workspace
from usecases.models import Suppression
from usecases.suppressions import is_suppressed, suppress

pytestmark = pytest.mark.django_db


def test_a_suppressed_number_is_suppressed_in_its_workspace_only() -> None:
    ours, theirs = make_workspace(), make_workspace()
    suppress(workspace_id=ours.pk, number=RECIPIENT, source=Suppression.Source.CARRIER, reason="opted_out")
    assert is_suppressed(ours.pk, RECIPIENT)
    assert not is_suppressed(theirs.pk, RECIPIENT)
    assert not is_suppressed(ours.pk, "+12025550143")


def test_the_first_entry_of_a_number_stays() -> None:
    workspace = make_workspace()
    for reason in ("opted_out", "do_not_call"):
        suppress(workspace_id=workspace.pk, number=RECIPIENT, source=Suppression.Source.CARRIER, reason=reason)
    kept = Suppression.objects.get()
    assert (kept.reason, kept.number, kept.last4) == ("opted_out", RECIPIENT, RECIPIENT[-4:])


def test_the_table_does_not_hold_the_number() -> None:
    workspace = make_workspace()
    suppress(workspace_id=workspace.pk, number=RECIPIENT, source=Suppression.Source.PERSON, reason="asked")
    with connection.cursor() as cursor:
        cursor.execute("SELECT number, number_index FROM usecases_suppression")
        stored = b"".join(bytes(column) for column in cursor.fetchone())
    assert RECIPIENT.encode() not in stored
