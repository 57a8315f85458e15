"""No row was changed before it was created."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db.models import F

from campaigns.models import Campaign
from rvm.platform.models import Workspace
from tests.factories import make_setup, make_use_case
from tests.rvm.platform.admin.every_row import make_every_row

pytestmark = pytest.mark.django_db

DATED = [
    model
    for model in apps.get_models()
    if {"created_at", "updated_at"} <= {field.name for field in model._meta.concrete_fields}
]


def test_a_new_row_was_last_changed_when_it_was_created(workspace: Workspace) -> None:
    make_every_row(workspace)
    assert len(DATED) >= 6
    for model in DATED:
        rows = model._default_manager.all()
        assert rows.exists(), model
        assert not rows.filter(updated_at__lt=F("created_at")).exists(), model


def test_the_times_of_a_row_are_known_after_it_was_created_and_saved(workspace: Workspace) -> None:
    setup, use_case = make_setup(workspace), make_use_case(workspace)
    for row in (setup, use_case):
        assert row.updated_at == row.created_at
        row.save()
        assert row.updated_at > row.created_at
        row.refresh_from_db()
        assert row.updated_at > row.created_at
    assert Campaign._meta.get_field("updated_at").db_default is not None
