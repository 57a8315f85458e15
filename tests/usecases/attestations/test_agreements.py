"""The agreement with a carrier: one rule for rows and for SQL, and everybody who must hear of a missing one does."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from rvm.platform.database import sql
from rvm.platform.health.checks import WARNINGS
from rvm.platform.models import Workspace
from rvm.platform.roles import Role
from tests.factories import make_setup, make_user, make_workspace
from usecases.attestations.agreements import agreement_of, missing_agreement, missing_agreements, warning
from usecases.models import AGREED_SQL, TelephonySetup

pytestmark = pytest.mark.django_db

SIGNED = date(2026, 1, 2)
TABLE: list[tuple[dict[str, Any], str]] = [
    ({"carrier": "drop_cowboy", "baa_signed_on": None}, "missing"),
    ({"carrier": "drop_cowboy", "baa_signed_on": SIGNED}, "signed"),
    ({"carrier": "drop_cowboy", "baa_signed_on": None, "baa_exception_reason": "No PHI leaves."}, "exception"),
    ({"carrier": "sandbox", "baa_signed_on": None}, "not_needed"),
]


@pytest.mark.parametrize(("fields", "agreement"), TABLE, ids=[row[1] for row in TABLE])
def test_a_live_setup_sends_with_an_agreement_or_an_exception(fields: dict[str, Any], agreement: str) -> None:
    setup = make_setup(**fields)
    assert agreement_of(setup) == agreement
    assert setup.agreed is (agreement != "missing")
    [(in_sql,)] = sql.run(f"SELECT {AGREED_SQL} FROM usecases_telephonysetup s WHERE s.id = %s", [setup.pk])
    assert in_sql is setup.agreed
    assert (setup in TelephonySetup.objects.without_agreement()) is not setup.agreed
    assert bool(missing_agreement(setup)) is not setup.agreed


def test_readyz_warns_by_number_only_and_not_about_setups_that_send_nothing() -> None:
    assert warning in WARNINGS
    assert warning() == ""
    make_setup(carrier="drop_cowboy", baa_signed_on=None, enabled=False)
    assert warning() == ""
    make_setup(carrier="drop_cowboy", baa_signed_on=None, name="Secret clinic")
    assert warning().startswith("1 live telephony setup has no signed agreement")
    make_setup(carrier="drop_cowboy", baa_signed_on=None)
    assert warning().startswith("2 live telephony setups have no signed agreement")
    assert "Secret clinic" not in warning()


def test_the_overview_names_the_setups_of_ones_own_workspaces(client: Client, workspace: Workspace) -> None:
    other = make_workspace()
    make_setup(workspace, carrier="drop_cowboy", baa_signed_on=None, name="East")
    make_setup(other, carrier="drop_cowboy", baa_signed_on=None, name="Westward")
    assert len(missing_agreements([workspace.pk, other.pk])) == 2
    client.force_login(make_user(workspace=workspace, role=Role.VIEWER, is_staff=True, password=None))
    page = client.get("/admin/").content.decode()
    assert "The telephony setup “East” has no signed agreement with its carrier" in page
    assert "Westward" not in page
