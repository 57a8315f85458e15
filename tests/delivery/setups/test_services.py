"""Making and changing setups: what is written, what is refused, and what the audit holds."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from delivery.setups.services import create_setup, update_setup
from rvm.platform.models import AuditEvent
from tests.factories import SANDBOX_CREDENTIALS, make_setup, make_use_case, make_workspace
from tests.services import actions, refused
from usecases.services import delete_setup, update_use_case

pytestmark = pytest.mark.django_db

KEPT = dict(SANDBOX_CREDENTIALS)


def test_a_setup_is_created_with_encrypted_credentials_that_the_audit_does_not_hold() -> None:
    workspace = make_workspace()
    setup = create_setup(
        workspace=workspace, name="Main", carrier="sandbox", credentials={**KEPT, "key": "s3cret"}, enabled=False
    )
    setup.refresh_from_db()
    assert setup.credentials == {**KEPT, "key": "s3cret"}
    update_setup(setup=setup, credentials={"key": "n3w"}, pace_per_second=5)
    setup.refresh_from_db()
    assert (setup.credentials, setup.pace_per_second) == ({**KEPT, "key": "n3w"}, 5)
    told = str(list(AuditEvent.objects.values_list("details", flat=True)))
    assert actions(workspace) == ["setup.created", "setup.updated"]
    assert "s3cret" not in told
    assert "n3w" not in told
    assert "credentials" in told


def test_two_living_setups_of_a_workspace_have_different_names() -> None:
    setup = make_setup(name="Main")
    arguments = {"workspace": setup.workspace, "name": "MAIN", "carrier": "sandbox", "credentials": KEPT}
    assert refused(create_setup, **arguments).code == "name_exists"
    other = make_setup(setup.workspace)
    assert refused(update_setup, setup=other, name="main").code == "name_exists"
    delete_setup(setup=setup)
    create_setup(**arguments)


def test_the_carrier_of_a_setup_is_not_changed() -> None:
    with pytest.raises(TypeError, match="carrier"):
        update_setup(setup=make_setup(), carrier="other")


@pytest.mark.parametrize(
    ("field", "value"), [("pace_per_second", 0), ("in_flight_cap", 0), ("report_horizon_hours", 0)]
)
def test_a_setup_of_no_pace_is_refused(field: str, value: int) -> None:
    with pytest.raises(ValidationError) as error:
        update_setup(setup=make_setup(), **{field: value})
    assert list(error.value.message_dict) == [field]


def test_changed_credentials_have_another_version_and_other_changes_do_not_raise_it() -> None:
    setup = make_setup()
    assert update_setup(setup=setup, name="Another name", enabled=False).credentials_version == 1
    assert update_setup(setup=setup, credentials=setup.credentials).credentials_version == 1
    assert update_setup(setup=setup, credentials={**setup.credentials, "key": "another"}).credentials_version == 2


@pytest.mark.parametrize("place", ["setup", "failover_setup"])
def test_a_setup_stays_free_to_the_recipient_while_an_exempted_use_case_sends_through_it(place: str) -> None:
    free = make_setup(free_to_recipient=True)
    other = make_setup(free.workspace, free_to_recipient=True)
    setups = {"setup": other, place: free}
    use_case = make_use_case(purpose="test_result", basis="healthcare_exemption", **setups)
    refusal = refused(update_setup, setup=free, free_to_recipient=False)
    assert (refusal.code, refusal.field) == ("exemption_not_free", "free_to_recipient")
    assert use_case.name in refusal.message
    assert update_setup(setup=free, pace_per_second=5).free_to_recipient
    update_use_case(use_case=use_case, basis="express_consent")
    assert not update_setup(setup=free, free_to_recipient=False).free_to_recipient


def test_a_deleted_setup_is_not_changed() -> None:
    setup = make_setup()
    delete_setup(setup=setup)
    assert refused(update_setup, setup=setup, enabled=True).code == "setup_not_found"
    assert refused(update_setup, setup=setup, credentials={"key": "n3w"}).code == "setup_not_found"
