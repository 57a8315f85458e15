"""The services on setups, numbers and use cases: what they write, what they refuse, and who did it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent, Workspace
from tests.factories import (
    encrypted,
    make_api_key,
    make_phone_number,
    make_setup,
    make_use_case,
    make_user,
    make_voicemail,
    make_workspace,
)
from tests.services import actions, refused
from usecases.models import NumberAssignment, PhoneNumber, TelephonySetup, UseCase
from usecases.services import (
    add_phone_number,
    assign_number,
    confirm_consent,
    create_use_case,
    delete_setup,
    delete_use_case,
    remove_phone_number,
    unassign_number,
    update_use_case,
)
from usecases.services.persistence import unless_taken

pytestmark = pytest.mark.django_db


def open_use_case(setup: TelephonySetup, **fields: Any) -> UseCase:
    return create_use_case(
        **{"workspace": setup.workspace, "setup": setup, "entity_name": "Lakeside", "name": "Reminders", **fields}
    )


# --- use cases


def test_a_use_case_is_created_with_its_policy_and_audited() -> None:
    setup = make_setup()
    actor = make_user(workspace=setup.workspace)
    use_case = open_use_case(setup, actor=actor, purpose="appointment", window_end=time(17), description="Für alle")
    use_case.refresh_from_db()
    assert (use_case.purpose, use_case.window_end, use_case.description) == ("appointment", time(17), "Für alle")
    event = AuditEvent.objects.get(workspace=setup.workspace)
    assert (event.action, event.subject_id, event.actor) == ("use_case.created", use_case.pk, actor)


@pytest.mark.parametrize("name", ["Reminders", "REMINDERS", "reminders"])
def test_a_name_that_exists_is_refused_whatever_its_case(name: str) -> None:
    setup = make_setup()
    open_use_case(setup)
    assert refused(open_use_case, setup=setup, name=name).code == "name_exists"
    assert actions(setup.workspace) == ["use_case.created"]


def test_the_name_of_a_deleted_use_case_and_of_another_workspace_is_free() -> None:
    setup = make_setup()
    delete_use_case(use_case=open_use_case(setup))
    open_use_case(setup)
    open_use_case(make_setup())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x" * 32),
        ("name", ""),
        ("name", "Reminders 2"),
        ("name", "Reminders\n"),
        ("name", "Erinnerungen für alle"),
        ("entity_name", "Clínica"),
        ("entity_name", "x" * 32),
        ("description", "x" * 2001),
        ("purpose", "gossip"),
        ("basis", "hope"),
        ("basis", "healthcare_exemption"),
        ("channel", "sms"),
        ("window_end", time(8)),
        ("window_end", time(7, 59)),
        ("expires_after_hours", 0),
        ("expires_after_hours", 100_000),
        ("max_attempts", 0),
        ("max_attempts", 11),
        ("retry_minutes", 0),
    ],
)
def test_a_value_that_breaks_a_rule_is_named_and_nothing_is_written(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as error:
        open_use_case(make_setup(), **{field: value})
    assert list(error.value.message_dict) == [field]
    assert not UseCase.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_name_of_31_letters_is_allowed() -> None:
    assert open_use_case(make_setup(), name="x" * 31).name == "x" * 31


def test_a_setup_that_is_off_deleted_or_somebody_elses_is_refused() -> None:
    workspace = make_workspace()
    off, deleted, foreign = make_setup(workspace, enabled=False), make_setup(workspace), make_setup()
    delete_setup(setup=deleted)
    assert refused(open_use_case, setup=off).code == "setup_not_usable"
    assert refused(open_use_case, setup=deleted).code == "setup_not_found"
    assert refused(open_use_case, setup=foreign, workspace=workspace).code == "setup_not_found"


def test_a_failover_setup_must_be_another_one_of_the_same_kind() -> None:
    setup = make_setup()
    same_kind = make_setup(setup.workspace)
    real = make_setup(setup.workspace, carrier="other")
    assert refused(open_use_case, setup=setup, failover_setup=setup).code == "failover_not_usable"
    assert refused(open_use_case, setup=setup, failover_setup=real).code == "failover_not_usable"
    assert refused(open_use_case, setup=real, failover_setup=setup).code == "failover_not_usable"
    assert open_use_case(setup, failover_setup=same_kind).failover_setup == same_kind


def test_the_healthcare_exemption_needs_every_setup_to_be_free_to_the_recipient() -> None:
    free = make_setup(free_to_recipient=True)
    charging = make_setup(free.workspace, name="Paid line")
    exempted = {"purpose": "appointment", "basis": "healthcare_exemption"}
    for setups in ({"setup": charging}, {"setup": free, "failover_setup": charging}):
        with pytest.raises(ValidationError, match="“Paid line” does not declare") as error:
            open_use_case(**setups, **exempted)
        assert list(error.value.message_dict) == ["basis"]
    use_case = open_use_case(free, **exempted)
    with pytest.raises(ValidationError, match="“Paid line”"):
        update_use_case(use_case=use_case, failover_setup=charging)
    with pytest.raises(ValidationError, match="covers these purposes only"):
        update_use_case(use_case=use_case, purpose="other")


def test_what_a_setup_declares_counts_as_it_stands_when_the_use_case_is_saved() -> None:
    use_case = make_use_case(setup=make_setup(free_to_recipient=True), purpose="wellness")
    TelephonySetup.objects.update(free_to_recipient=False)
    with pytest.raises(ValidationError, match="does not declare"):
        update_use_case(use_case=use_case, basis="healthcare_exemption")


def test_marketing_is_off_by_default_and_needs_written_consent() -> None:
    setup, marketing = make_setup(), {"purpose": "marketing", "basis": "written_consent"}
    off = refused(open_use_case, setup=setup, **marketing)
    assert (off.code, off.field) == ("marketing_off", "purpose")
    Workspace.objects.update(marketing_enabled=True)
    setup = TelephonySetup.objects.get()
    with pytest.raises(ValidationError, match="express written consent") as error:
        open_use_case(setup, purpose="marketing")
    assert list(error.value.message_dict) == ["basis"]
    assert open_use_case(setup, **marketing).purpose == "marketing"


def test_a_marketing_use_case_can_be_changed_once_marketing_is_switched_off_again() -> None:
    use_case = make_use_case(purpose="marketing", basis="written_consent")
    assert not update_use_case(use_case=use_case, sending_enabled=False).sending_enabled
    update_use_case(use_case=use_case, purpose="wellness")
    assert refused(update_use_case, use_case=use_case, purpose="marketing").code == "marketing_off"


def test_a_use_case_made_without_a_statement_carries_who_made_it_and_sends_and_waits_to_be_confirmed() -> None:
    setup = make_setup()
    key, _ = make_api_key(setup.workspace)
    use_case = open_use_case(setup, actor=key.user)
    assert use_case.consent_statement == f"Stated by API key “{key.name}” at its creation."
    assert use_case.to_confirm and use_case.needed_consent is None
    assert list(UseCase.objects.to_confirm()) == [use_case]
    ada = make_user(workspace=setup.workspace, username="ada")
    confirm_consent(use_case=use_case, actor=ada)
    use_case.refresh_from_db()
    assert (use_case.to_confirm, use_case.consent_confirmed_by) == (False, ada)
    event = AuditEvent.objects.get(action="use_case.consent_confirmed")
    assert (event.actor, event.details["statement"]) == (ada, use_case.consent_statement)
    confirm_consent(use_case=use_case, actor=key.user)
    assert UseCase.objects.get().consent_confirmed_by == ada
    assert not UseCase.objects.to_confirm().exists()


def test_a_statement_in_words_is_confirmed_by_who_makes_it_until_its_purpose_or_basis_changes() -> None:
    setup = make_setup(free_to_recipient=True)
    ada = make_user(workspace=setup.workspace)
    said = "All patients sign form PH-12 at registration; ask 202-555-0142."
    use_case = open_use_case(setup, actor=ada, purpose="wellness", consent_statement=said)
    assert use_case.consent_statement.endswith("ask [number].")
    assert (use_case.to_confirm, use_case.consent_confirmed_by) == (False, ada)
    assert not update_use_case(use_case=use_case, max_attempts=2, actor=ada).to_confirm
    assert update_use_case(use_case=use_case, purpose="appointment", actor=ada).to_confirm
    again = update_use_case(use_case=use_case, consent_statement="They sign form PH-13.", actor=ada)
    assert (again.to_confirm, again.consent_confirmed_by) == (False, ada)
    assert update_use_case(use_case=use_case, basis="healthcare_exemption", actor=ada).to_confirm


def test_where_consents_are_on_record_nobody_has_to_confirm_a_statement() -> None:
    use_case = open_use_case(make_setup(), consent_required="recorded")
    assert (use_case.consent_statement, use_case.to_confirm) == ("", False)
    attested = update_use_case(use_case=use_case, consent_required="attested")
    assert (attested.consent_statement, attested.to_confirm) == ("Stated by the platform when it was changed.", True)


def test_a_change_is_written_and_audited_with_old_and_new_and_no_change_is_not() -> None:
    use_case = make_use_case()
    before = use_case.updated_at
    update_use_case(use_case=use_case, sending_enabled=False, purpose=use_case.purpose)
    use_case.refresh_from_db()
    assert not use_case.sending_enabled
    assert use_case.updated_at > before
    event = AuditEvent.objects.get(action="use_case.updated")
    assert event.details == {"changes": {"sending_enabled": ["True", "False"]}}
    update_use_case(use_case=use_case, sending_enabled=False)
    assert AuditEvent.objects.count() == 1


def test_a_change_does_not_undo_what_somebody_else_changed_meanwhile() -> None:
    use_case = make_use_case()
    stale = UseCase.objects.get(pk=use_case.pk)
    update_use_case(use_case=use_case, max_attempts=7)
    update_use_case(use_case=stale, retry_minutes=9)
    use_case.refresh_from_db()
    assert (use_case.max_attempts, use_case.retry_minutes) == (7, 9)


def test_a_misspelt_change_is_a_bug() -> None:
    with pytest.raises(TypeError, match="max_atempts"):
        update_use_case(use_case=make_use_case(), max_atempts=1)


def test_a_use_case_stays_on_its_side_of_the_sandbox() -> None:
    use_case = make_use_case(numbers=0)
    real = make_setup(use_case.workspace, carrier="other")
    assert refused(update_use_case, use_case=use_case, setup=real).code == "setup_kind_differs"


def test_a_use_case_leaves_a_setup_only_without_its_numbers() -> None:
    use_case = make_use_case()
    number = use_case.phone_numbers.get()
    other = make_setup(use_case.workspace)
    assert refused(update_use_case, use_case=use_case, setup=other).code == "numbers_assigned"
    swapped = update_use_case(use_case=use_case, setup=other, failover_setup=use_case.setup)
    assert (swapped.setup, swapped.failover_setup) == (other, number.setup)
    assert refused(update_use_case, use_case=use_case, failover_setup=None).code == "numbers_assigned"


def test_a_use_case_may_be_changed_while_its_setup_is_disabled() -> None:
    use_case = make_use_case()
    TelephonySetup.objects.update(enabled=False)
    assert update_use_case(use_case=use_case, max_attempts=1).max_attempts == 1


def test_renaming_to_a_name_that_exists_is_refused() -> None:
    use_case = make_use_case()
    other = make_use_case(setup=use_case.setup)
    assert refused(update_use_case, use_case=use_case, name=other.name.upper()).code == "name_exists"
    update_use_case(use_case=use_case, name=use_case.name.upper())


def test_a_use_case_with_numbers_is_not_deleted() -> None:
    use_case = make_use_case(numbers=2)
    refusal = refused(delete_use_case, use_case=use_case)
    assert refusal.code == "numbers_assigned"
    assert refusal.message.startswith("2 phone numbers are")


def test_a_deleted_use_case_keeps_its_row_and_its_voicemails_and_takes_no_more_verbs() -> None:
    voicemail = make_voicemail(make_use_case(numbers=0))
    delete_use_case(use_case=voicemail.use_case)
    voicemail.refresh_from_db()
    assert voicemail.use_case.deleted_at is not None
    number = make_phone_number(voicemail.use_case.setup)
    for verb, arguments in (
        (delete_use_case, {}),
        (update_use_case, {"max_attempts": 1}),
        (assign_number, {"phone_number": number}),
    ):
        assert refused(verb, use_case=voicemail.use_case, **arguments).code == "use_case_not_found"


# --- setups


def test_a_setup_is_deleted_only_when_no_living_use_case_sends_through_it() -> None:
    use_case = make_use_case(numbers=0)
    failover = make_setup(use_case.workspace)
    update_use_case(use_case=use_case, failover_setup=failover)
    assert refused(delete_setup, setup=use_case.setup).facts == {"use_case_id": use_case.pk}
    assert refused(delete_setup, setup=failover).code == "setup_in_use"
    delete_use_case(use_case=use_case)
    delete_setup(setup=use_case.setup)
    delete_setup(setup=failover)
    assert TelephonySetup.objects.get(pk=failover.pk).deleted_at is not None
    assert refused(delete_setup, setup=failover).code == "setup_not_found"
    assert refused(add_phone_number, setup=failover, e164="+12125550100").code == "setup_not_found"


# --- phone numbers


def test_a_number_is_added_once_to_a_setup_and_may_be_at_another_too() -> None:
    setup = make_setup()
    number = add_phone_number(setup=setup, e164="+12125550100")
    assert (number.workspace, number.setup) == (setup.workspace, setup)
    refusal = refused(add_phone_number, setup=setup, e164="+12125550100")
    assert refusal.code == "number_exists"
    assert "555" not in refusal.message
    add_phone_number(setup=make_setup(setup.workspace), e164="+12125550100")


@pytest.mark.parametrize(
    ("e164", "carrier", "code"),
    [
        ("2125550100", "sandbox", "number_malformed"),
        ("+1212555０１００", "sandbox", "number_malformed"),
        ("+10005550100", "other", "number_not_valid"),
        ("+112125550100", "other", "number_not_valid"),
    ],
)
def test_a_sender_that_cannot_exist_is_refused(e164: str, carrier: str, code: str) -> None:
    assert refused(add_phone_number, setup=make_setup(carrier=carrier), e164=e164).code == code


def test_the_sandbox_sends_from_any_number() -> None:
    assert add_phone_number(setup=make_setup(), e164="+10005550100").e164 == "+10005550100"


def test_a_number_is_assigned_once_and_unassigned_once() -> None:
    use_case = make_use_case(numbers=0)
    number = make_phone_number(use_case.setup)
    for _ in range(2):
        assign_number(use_case=use_case, phone_number=number)
    assert list(use_case.phone_numbers.all()) == [number]
    for _ in range(2):
        unassign_number(use_case=use_case, phone_number=number)
    assert not NumberAssignment.objects.exists()
    assert actions(use_case.workspace) == ["phone_number.assigned", "phone_number.unassigned"]


def test_only_numbers_of_the_use_cases_setups_are_assigned() -> None:
    use_case = make_use_case(numbers=0)
    failover = make_setup(use_case.workspace)
    number = make_phone_number(failover)
    refusal = refused(assign_number, use_case=use_case, phone_number=number)
    assert (refusal.code, refusal.facts) == ("number_of_other_setup", {"setup_id": failover.pk})
    update_use_case(use_case=use_case, failover_setup=failover)
    assign_number(use_case=use_case, phone_number=number)


def test_an_assigned_number_is_not_removed() -> None:
    use_case = make_use_case()
    number = use_case.phone_numbers.get()
    assert refused(remove_phone_number, phone_number=number).facts == {"use_case_id": use_case.pk}
    unassign_number(use_case=use_case, phone_number=number)
    remove_phone_number(phone_number=PhoneNumber.objects.get(pk=number.pk))
    assert not PhoneNumber.objects.exists()
    assert refused(remove_phone_number, phone_number=number).code == "not_found"


def test_another_broken_constraint_is_not_taken_for_the_one_that_is_expected() -> None:
    with pytest.raises(IntegrityError), unless_taken("some_other", ServiceError("name_exists", "No.")):
        make_setup(pk=make_setup().pk)


@pytest.mark.parametrize(
    "write",
    [
        lambda setup: TelephonySetup.objects.update(credentials=encrypted(setup, "credentials", {"key": "another"})),
        lambda setup: TelephonySetup.objects.update(
            credentials=encrypted(setup, "credentials", setup.credentials), credentials_version=1
        ),
        lambda setup: TelephonySetup.objects.update(carrier="another"),
        lambda setup: setup.save(),
        lambda setup: setup.save(update_fields=["credentials"]),
    ],
)
def test_no_writer_of_credentials_can_forget_to_raise_their_version(write: Callable[[TelephonySetup], object]) -> None:
    setup = make_setup()
    write(setup)
    setup.refresh_from_db()
    assert setup.credentials_version == 2


def test_nobody_lowers_the_version_of_credentials() -> None:
    setup = make_setup(credentials_version=7)
    TelephonySetup.objects.update(credentials_version=1, breaker_reason="x")
    setup.refresh_from_db()
    assert setup.credentials_version == 7
