"""What live sending needs to be stated, asked before anything is queued and again by SQL at the claim."""

from __future__ import annotations

import pytest

from rvm.platform.database import sql
from rvm.platform.errors import ServiceError
from tests.factories import make_phone_number, make_setup, make_use_case
from usecases.attestations.ownership import sender_usable_sql
from usecases.attestations.requirements import missing_statement, require_statements
from usecases.models import TelephonySetup, UseCase
from usecases.selectors import has_sender, require_usable, sender_numbers, sender_stated
from usecases.services import assign_number, state_ownership, update_phone_number

pytestmark = pytest.mark.django_db


def use_case_with(*owned: bool, carrier: str = "drop_cowboy") -> UseCase:
    setup = make_setup(carrier=carrier, credentials={})
    return make_use_case(setup=setup, numbers=[make_phone_number(setup, owned=each) for each in owned])


@pytest.mark.parametrize(
    ("owned", "carrier", "stated", "count"),
    [
        ((True,), "drop_cowboy", True, 1),
        ((False,), "drop_cowboy", False, 0),
        ((False, True), "drop_cowboy", True, 1),
        ((), "drop_cowboy", True, 0),  # which no statement would change
        ((False,), "sandbox", True, 1),
    ],
)
def test_a_live_setup_sends_from_numbers_that_are_stated_to_be_owned(
    owned: tuple[bool, ...], carrier: str, stated: bool, count: int
) -> None:
    use_case = use_case_with(*owned, carrier=carrier)
    assert sender_stated(use_case, use_case.setup) is stated
    assert len(sender_numbers(use_case)) == count
    assert len(sender_numbers(use_case, live=False)) == len(owned)
    [(in_sql,)] = sql.run(
        f"SELECT {sender_usable_sql()} FROM usecases_usecase u JOIN usecases_telephonysetup s ON s.id = u.setup_id WHERE u.id = %s",
        [use_case.pk],
    )
    assert in_sql is stated


@pytest.mark.parametrize("carrier", ["drop_cowboy", "sandbox"])
def test_nothing_is_sent_from_an_inactive_number(carrier: str) -> None:
    use_case = use_case_with(True, True, carrier=carrier)
    one, other = use_case.phone_numbers.order_by("e164")
    update_phone_number(phone_number=one, active=False)
    assert sender_numbers(use_case) == sender_numbers(use_case, live=False) == [other.e164]
    assert sender_stated(use_case, use_case.setup)
    update_phone_number(phone_number=other, active=False)
    assert sender_numbers(use_case) == sender_numbers(use_case, live=False) == []
    assert has_sender(use_case) and not sender_stated(use_case, use_case.setup)
    with pytest.raises(ServiceError, match="no active sender number") as refused:
        require_usable(use_case, live=True)
    assert refused.value.code == "no_number_assigned"


def test_another_setups_number_does_not_stand_in() -> None:
    use_case = use_case_with(False)
    failover = make_setup(use_case.workspace, carrier="drop_cowboy", credentials={})
    UseCase.objects.update(failover_setup=failover)
    use_case.refresh_from_db()
    assign_number(use_case=use_case, phone_number=make_phone_number(failover))
    assert not sender_stated(use_case, use_case.setup)
    assert sender_stated(use_case, failover)


def test_the_refusal_names_what_is_missing_until_it_is_stated() -> None:
    use_case = use_case_with(False)
    TelephonySetup.objects.update(baa_signed_on=None)
    use_case.setup.refresh_from_db()
    with pytest.raises(ServiceError) as refused:
        require_statements(use_case, live=True)
    assert (refused.value.code, refused.value.field) == ("agreement_missing", "use_case_id")
    assert refused.value.facts == {"setup_id": use_case.setup_id}
    TelephonySetup.objects.update(baa_exception_reason="Says counsel.")
    use_case.setup.refresh_from_db()
    missing = missing_statement(use_case, use_case.setup)
    assert missing is not None and missing.code == "number_not_owned"
    state_ownership(phone_number=use_case.phone_numbers.get(), owned=True)
    require_statements(use_case, live=True)


def test_a_test_needs_no_statement() -> None:
    use_case = use_case_with(False)
    TelephonySetup.objects.update(baa_signed_on=None)
    make_setup(use_case.workspace)
    require_statements(use_case, live=False)
