"""Numbers, use cases and suppressions by hand: written by the services, refused in their words."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.roles import Role
from tests.factories import (
    RECIPIENT,
    make_phone_number,
    make_setup,
    make_suppression,
    make_use_case,
    make_user,
    make_workspace,
)
from tests.random_text import without_ids
from usecases.admin.typed_numbers import typed_number
from usecases.models import PhoneNumber, Suppression, UseCase

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client, workspace: Workspace) -> Client:
    client.force_login(make_user(workspace=workspace, is_staff=True, password=None))
    return client


def form_of(use_case: UseCase, **changes: Any) -> dict[str, Any]:
    numbers = list(use_case.phone_numbers.values_list("pk", flat=True))
    return {
        "name": use_case.name,
        "entity_name": use_case.entity_name,
        "purpose": use_case.purpose,
        "basis": use_case.basis,
        "consent_required": use_case.consent_required,
        "confidential_numbers": use_case.confidential_numbers,
        "sending_enabled": "on",
        "setup": use_case.setup_id,
        "numbers": numbers,
        "window_start": "08:00",
        "window_end": "21:00",
        "days": [str(day) for day in use_case.days],
        "state_overlay": "on",
        "expires_after_hours": 72,
        "max_attempts": 3,
        "retry_minutes": 1,
        "max_per_day": 2,
        "max_per_24h": "",
        "max_per_week": 3,
        **changes,
    }


def change(use_case: UseCase) -> str:
    return reverse("admin:usecases_usecase_change", args=[use_case.pk])


def test_a_use_case_is_created_with_its_numbers_and_audited(staff: Client, workspace: Workspace) -> None:
    setup = make_setup(workspace)
    number = make_phone_number(setup)
    form = {
        **form_of(make_use_case(workspace, setup=setup), name="Lab results", numbers=[number.pk]),
        "workspace": workspace.pk,
        "channel": "ringless_voicemail",
    }
    answer = staff.post(reverse("admin:usecases_usecase_add"), form)
    assert answer.status_code == 302, answer.context["errors"]
    made = UseCase.objects.get(name="Lab results")
    assert [*made.phone_numbers.all()] == [number]
    assert AuditEvent.objects.filter(action="use_case.created", subject_id=made.pk, actor__isnull=False).exists()


def test_numbers_are_assigned_and_taken_away_on_the_form(staff: Client, workspace: Workspace) -> None:
    use_case = make_use_case(workspace)
    [old] = use_case.phone_numbers.all()
    new = make_phone_number(use_case.setup)
    answer = staff.post(change(use_case), form_of(use_case, numbers=[new.pk]))
    assert answer.status_code == 302, answer.context["errors"]
    assert [*use_case.phone_numbers.all()] == [new]
    actions = AuditEvent.objects.filter(subject_id__in=[old.pk, new.pk]).values_list("action", flat=True)
    assert set(actions) == {"phone_number.assigned", "phone_number.unassigned"}


def test_a_number_of_another_workspace_is_no_choice(staff: Client, workspace: Workspace) -> None:
    use_case, theirs = make_use_case(workspace), make_phone_number()
    answer = staff.post(change(use_case), form_of(use_case, numbers=[theirs.pk]))
    assert answer.status_code == 200
    assert theirs not in use_case.phone_numbers.all()


def test_a_setup_of_another_workspace_is_no_choice(staff: Client, workspace: Workspace) -> None:
    use_case, theirs = make_use_case(workspace), make_setup()
    assert staff.post(change(use_case), form_of(use_case, setup=theirs.pk)).status_code == 200
    use_case.refresh_from_db()
    assert use_case.setup_id != theirs.pk


def test_an_administrator_confirms_the_statement_of_consent_of_a_use_case(staff: Client, workspace: Workspace) -> None:
    stated = make_use_case(workspace, consent_statement="Stated by API key “Intake” at its creation.")
    confirmed = make_use_case(workspace, consent_statement="They sign form 12.", consent_confirmed_at=timezone.now())
    listed = staff.get(reverse("admin:usecases_usecase_changelist"), {"consent": "to_confirm"})
    assert [row.pk for row in listed.context["cl"].result_list] == [stated.pk]
    assert 'id="confirm-consent"' in staff.get(change(stated)).content.decode()
    assert 'id="confirm-consent"' not in staff.get(change(confirmed)).content.decode()
    address = reverse("admin:usecases_usecase_confirm", args=[stated.pk])
    assert "Your name and the time are kept with it" in staff.get(address).content.decode()
    operator, stranger = Client(), Client()
    operator.force_login(make_user(workspace=workspace, role=Role.LAUNCHER, is_staff=True))
    stranger.force_login(make_user(workspace=make_workspace(), is_staff=True))
    assert (operator.post(address).status_code, stranger.post(address).status_code) == (403, 404)
    assert staff.post(address, follow=True).status_code == 200
    stated.refresh_from_db()
    assert stated.consent_confirmed_at is not None
    assert "Confirmed by" in staff.get(change(stated)).content.decode()


def test_a_refusal_stands_at_its_field_and_changes_nothing(staff: Client, workspace: Workspace) -> None:
    taken, use_case = make_use_case(workspace), make_use_case(workspace)
    answer = staff.post(change(use_case), form_of(use_case, name=taken.name, description="new"))
    assert answer.status_code == 200
    assert "Another use case of this workspace has this name" in answer.context["adminform"].form.errors["name"][0]
    use_case.refresh_from_db()
    assert use_case.description == ""


def test_the_windows_rule_is_told_at_the_window(staff: Client, workspace: Workspace) -> None:
    use_case = make_use_case(workspace)
    answer = staff.post(change(use_case), form_of(use_case, window_start="21:00", window_end="08:00"))
    assert answer.status_code == 200
    assert "window_end" in answer.context["adminform"].form.errors


def test_deleting_a_use_case_with_numbers_is_refused_in_the_services_words(staff: Client, workspace: Workspace) -> None:
    use_case = make_use_case(workspace)
    answer = staff.post(reverse("admin:usecases_usecase_delete", args=[use_case.pk]), {"post": "yes"}, follow=True)
    assert "1 phone number is assigned to this use case" in answer.content.decode()
    use_case.refresh_from_db()
    assert use_case.deleted_at is None


def test_a_deleted_use_case_stays_and_can_be_filtered(staff: Client, workspace: Workspace) -> None:
    use_case, living = make_use_case(workspace, numbers=0), make_use_case(workspace)
    staff.post(reverse("admin:usecases_usecase_delete", args=[use_case.pk]), {"post": "yes"})
    use_case.refresh_from_db()
    assert use_case.deleted_at is not None
    listed = reverse("admin:usecases_usecase_changelist")

    def names(query: str) -> set[str]:
        return {row.name for row in staff.get(f"{listed}{query}").context["cl"].result_list}

    assert names("") == {living.name}
    assert names("?deleted=only") == {use_case.name}
    assert names("?deleted=too") == {living.name, use_case.name}
    assert staff.post(change(use_case), form_of(use_case)).status_code == 403


def test_a_number_is_added_and_a_bad_one_refused_at_its_field(staff: Client, workspace: Workspace) -> None:
    setup = make_setup(workspace)
    address = reverse("admin:usecases_phonenumber_add")
    assert staff.post(address, {"setup": setup.pk, "e164": "+12125550123"}).status_code == 302
    assert PhoneNumber.objects.get(setup=setup).workspace_id == workspace.pk
    again = staff.post(address, {"setup": setup.pk, "e164": "+12125550123"})
    assert "has this phone number already" in again.context["adminform"].form.errors["e164"][0]


@pytest.mark.parametrize("written", ["(212) 555-0123", "212.555.0123", "1-212-555-0123"])
def test_a_number_is_added_and_found_as_people_write_it(staff: Client, workspace: Workspace, written: str) -> None:
    setup = make_setup(workspace)
    staff.post(reverse("admin:usecases_phonenumber_add"), {"setup": setup.pk, "e164": written})
    assert PhoneNumber.objects.get(setup=setup).e164 == "+12125550123"
    found = staff.get(reverse("admin:usecases_phonenumber_changelist"), {"q": written}).context["cl"]
    assert [row.e164 for row in found.result_list] == ["+12125550123"]


def test_a_number_of_another_setup_says_so_and_is_refused_at_the_numbers(staff: Client, workspace: Workspace) -> None:
    use_case, foreign = make_use_case(workspace), make_phone_number(make_setup(workspace))
    assert f"({foreign.setup.name}: only if you choose this setup)" in staff.get(change(use_case)).content.decode()
    answer = staff.post(change(use_case), form_of(use_case, numbers=[foreign.pk]))
    [error] = answer.context["adminform"].form.errors["numbers"]
    assert f"which cannot send from {foreign.e164} of “{foreign.setup.name}”" in error
    assert use_case.phone_numbers.count() == 1


def test_a_use_case_without_a_number_is_not_called_sending(staff: Client, workspace: Workspace) -> None:
    make_use_case(workspace)
    make_use_case(workspace, numbers=0)
    listed = staff.get(reverse("admin:usecases_usecase_changelist")).context["cl"].result_list
    table = staff.get(reverse("admin:usecases_usecase_changelist")).context["cl"].model_admin
    assert [table.state(row) for row in listed] == ["without an active sender number", "sending"]


def test_an_assigned_number_is_not_taken_away(staff: Client, workspace: Workspace) -> None:
    number = make_use_case(workspace).phone_numbers.get()
    answer = staff.post(reverse("admin:usecases_phonenumber_delete", args=[number.pk]), {"post": "yes"}, follow=True)
    assert "is assigned to the use case" in answer.content.decode()
    assert PhoneNumber.objects.filter(pk=number.pk).exists()


def test_a_suppression_is_stored_encrypted_and_found_by_its_number(staff: Client, workspace: Workspace) -> None:
    form = {
        "workspace": workspace.pk,
        "phone_number": "(202) 555-0142",
        "kind": "opt_out",
        "reason": "asked on the phone",
    }
    assert staff.post(reverse("admin:usecases_suppression_add"), form).status_code == 302
    made = Suppression.objects.get(workspace=workspace)
    assert made.number == RECIPIENT
    assert made.last4 == "0142"
    make_suppression(workspace, "+12025550199")
    make_suppression(make_workspace(), RECIPIENT)
    answer = staff.post(reverse("admin:usecases_suppression_find"), {"sought": "+1 202 555 0142"})
    assert "0142" not in without_ids(answer["Location"])
    assert [*staff.get(answer["Location"]).context["cl"].result_list] == [made]
    twice = staff.post(reverse("admin:usecases_suppression_add"), form)
    assert "on the workspace's list already" in twice.context["adminform"].form.errors["phone_number"][0]


@pytest.mark.parametrize("sees", [False, True])
def test_a_suppressed_number_is_shown_to_whom_may_see_it_and_the_look_is_audited(
    client: Client, workspace: Workspace, sees: bool
) -> None:
    row = make_suppression(workspace)
    client.force_login(
        make_user(workspace=workspace, role=Role.VIEWER, is_staff=True, may_see_numbers=sees, password=None)
    )
    page = client.get(reverse("admin:usecases_suppression_change", args=[row.pk])).content.decode()
    assert (RECIPIENT in page) is sees
    assert AuditEvent.objects.filter(action="suppression.read", subject_id=row.pk).count() == 1
    assert RECIPIENT not in client.get(reverse("admin:usecases_suppression_changelist")).content.decode()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+12025550142", "+12025550142"),
        (" (202) 555-0142 ", "+12025550142"),
        ("1 202.555.0142", "+12025550142"),
        ("+1 555 001 0007", "+15550010007"),
        ("+44 20 7946 0018", "+442079460018"),
        ("202 555 0142 ext. 5", None),
        ("555-0142", None),
        ("visit-17", None),
        ("", None),
    ],
)
def test_a_number_is_read_as_people_type_it(text: str, number: str | None) -> None:
    assert typed_number(text) == number


def ownership_address(number: PhoneNumber) -> str:
    return reverse("admin:usecases_phonenumber_ownership", args=[number.pk])


def test_an_administrator_states_the_ownership_of_a_number_by_a_button(staff: Client, workspace: Workspace) -> None:
    number = make_phone_number(make_setup(workspace, carrier="drop_cowboy", credentials={}), owned=False)
    page = reverse("admin:usecases_phonenumber_change", args=[number.pk])
    shown = staff.get(page).content.decode()
    assert "Nobody has stated that the organisation owns this number" in shown and ownership_address(number) in shown
    assert staff.get(ownership_address(number)).status_code == 405
    shown = staff.post(ownership_address(number), {"owned": "yes"}, follow=True).content.decode()
    assert "Stated by user-" in shown and "Withdraw the statement" in shown
    number.refresh_from_db()
    assert number.owned
    assert staff.post(ownership_address(number), follow=True).status_code == 200
    number.refresh_from_db()
    assert not number.owned
    actions = AuditEvent.objects.filter(subject_id=number.pk).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["phone_number.ownership_stated", "phone_number.ownership_withdrawn"]


def test_the_ownership_of_several_numbers_is_stated_in_the_list(staff: Client, workspace: Workspace) -> None:
    setup = make_setup(workspace)
    numbers = [make_phone_number(setup, owned=False) for _ in range(2)]
    chosen = {"action": "state_owned", "_selected_action": [str(number.pk) for number in numbers]}
    answer = staff.post(reverse("admin:usecases_phonenumber_changelist"), chosen, follow=True)
    assert "The ownership of 2 numbers is stated." in answer.content.decode()
    assert PhoneNumber.objects.filter(owned_stated_at__isnull=False).count() == 2


@pytest.mark.parametrize(("role", "here", "status"), [(Role.LAUNCHER, True, 403), (Role.ADMIN, False, 404)])
def test_only_an_administrator_of_the_workspace_states_an_ownership(
    client: Client, workspace: Workspace, role: Role, here: bool, status: int
) -> None:
    client.force_login(make_user(workspace=workspace, is_staff=True, role=role))
    number = make_phone_number(make_setup(workspace if here else None), owned=False)
    assert client.post(ownership_address(number), {"owned": "yes"}).status_code == status
    chosen = {"action": "state_owned", "_selected_action": [str(number.pk)]}
    client.post(reverse("admin:usecases_phonenumber_changelist"), chosen)
    number.refresh_from_db()
    assert not number.owned


def test_an_administrator_names_a_number_and_takes_it_out_of_use(staff: Client, workspace: Workspace) -> None:
    number = make_phone_number(make_setup(workspace))
    page = reverse("admin:usecases_phonenumber_change", args=[number.pk])
    answer = staff.post(page, {"display_name": "North clinic", "notes": "Front desk"})  # the box *active* is not ticked
    assert answer.status_code == 302
    number.refresh_from_db()
    assert (number.display_name, number.notes, number.active) == ("North clinic", "Front desk", False)
    event = AuditEvent.objects.get(action="phone_number.updated", subject_id=number.pk)
    assert sorted(event.details["changes"]) == ["active", "display_name", "notes"]
    listed = staff.get(reverse("admin:usecases_phonenumber_changelist"), {"q": "north"})
    assert "inactive" in listed.content.decode() and "North clinic" in listed.content.decode()


def test_who_does_not_set_up_a_workspace_changes_no_number(client: Client, workspace: Workspace) -> None:
    number = make_phone_number(make_setup(workspace))
    client.force_login(make_user(workspace=workspace, role=Role.LAUNCHER, is_staff=True, password=None))
    page = reverse("admin:usecases_phonenumber_change", args=[number.pk])
    assert client.post(page, {"display_name": "Mine"}).status_code == 403
    number.refresh_from_db()
    assert (number.display_name, number.active) == ("", True)
