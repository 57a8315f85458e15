"""What a use case sends from, and when it refuses to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rvm.platform.errors import ServiceError
from tests.factories import make_phone_number, make_setup, make_use_case, make_workspace
from usecases import selectors
from usecases.models import NumberAssignment, TelephonySetup, UseCase
from usecases.selectors import require_usable, sandbox_setup, sender_numbers

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def refusal(use_case: UseCase, live: bool = True) -> str:
    """The refusal's code; what is there now, not what the test still holds."""
    with pytest.raises(ServiceError) as refused:
        require_usable(UseCase.objects.get(pk=use_case.pk), live)
    assert str(refused.value).endswith(".")
    return refused.value.code


def test_senders_are_the_assigned_numbers_of_its_own_setup() -> None:
    use_case = make_use_case(numbers=2)
    spare = make_phone_number(make_setup(use_case.workspace))
    NumberAssignment.objects.create(use_case=use_case, phone_number=spare)
    make_phone_number(use_case.setup)  # not assigned
    own = sorted(use_case.phone_numbers.filter(setup=use_case.setup).values_list("e164", flat=True))
    assert sender_numbers(use_case) == own
    assert sender_numbers(use_case, spare.setup) == [spare.e164]


def test_the_sandbox_setup_is_the_oldest_living_one() -> None:
    workspace = make_workspace()
    assert sandbox_setup(workspace) is None
    make_setup(workspace, carrier="other")
    oldest, second = make_setup(workspace), make_setup(workspace)
    make_setup()  # somebody else's
    assert sandbox_setup(workspace) == oldest
    TelephonySetup.objects.filter(pk=oldest.pk).update(deleted_at=LONG_AGO)
    assert sandbox_setup(workspace) == second


def test_a_use_case_with_a_number_and_an_enabled_setup_is_usable() -> None:
    use_case = make_use_case()
    require_usable(use_case, live=True)
    require_usable(use_case, live=False)


def test_a_deleted_use_case_is_refused() -> None:
    assert refusal(make_use_case(deleted_at=LONG_AGO)) == "use_case_not_found"


def test_a_use_case_without_a_number_is_refused() -> None:
    assert refusal(make_use_case(numbers=0)) == "no_number_assigned"


def test_a_number_of_the_failover_setup_alone_does_not_count() -> None:
    use_case = make_use_case(numbers=0)
    spare = make_phone_number(make_setup(use_case.workspace))
    NumberAssignment.objects.create(use_case=use_case, phone_number=spare)
    assert refusal(use_case) == "no_number_assigned"


@pytest.mark.parametrize(
    ("change", "code"), [({"enabled": False}, "setup_disabled"), ({"deleted_at": LONG_AGO}, "setup_deleted")]
)
def test_a_use_case_whose_setup_is_off_is_refused(change: dict[str, object], code: str) -> None:
    use_case = make_use_case()
    TelephonySetup.objects.filter(pk=use_case.setup_id).update(**change)
    assert refusal(use_case) == code


def test_a_test_key_needs_the_sandbox_and_nothing_of_the_real_setup() -> None:
    use_case = make_use_case(setup=make_setup(carrier="other", enabled=False))
    assert refusal(use_case, live=False) == "no_sandbox_setup"
    sandbox = make_setup(use_case.workspace)
    require_usable(UseCase.objects.get(pk=use_case.pk), live=False)
    TelephonySetup.objects.filter(pk=sandbox.pk).update(enabled=False)
    assert refusal(use_case, live=False) == "setup_disabled"


def test_lists_hold_only_what_lives_in_the_workspace() -> None:
    use_case = make_use_case()
    workspace = use_case.workspace
    make_use_case()
    make_use_case(workspace, deleted_at=LONG_AGO, setup=use_case.setup, numbers=0)
    make_phone_number(make_setup(workspace, deleted_at=LONG_AGO))
    assert list(selectors.use_cases(workspace)) == [use_case]
    assert list(selectors.setups(workspace, live=None)) == [use_case.setup]
    assert list(selectors.phone_numbers(workspace, live=None)) == list(use_case.phone_numbers.all())


def test_setups_and_numbers_are_of_the_world_that_their_carrier_reaches() -> None:
    real = make_use_case(setup=make_setup(carrier="other"))
    sandbox = make_use_case(real.workspace)
    for use_case, live in ((real, True), (sandbox, False)):
        assert (use_case.live, use_case.setup.live) == (live, live)
        assert list(selectors.setups(real.workspace, live=live)) == [use_case.setup]
        assert list(selectors.phone_numbers(real.workspace, live=live)) == list(use_case.phone_numbers.all())
    assert selectors.setups(real.workspace, live=None).count() == 2


def test_a_use_case_is_live_where_its_failover_setup_is() -> None:
    use_case = make_use_case()
    use_case.failover_setup = make_setup(use_case.workspace)
    assert not use_case.live
    use_case.failover_setup = make_setup(use_case.workspace, carrier="other")
    assert use_case.live
