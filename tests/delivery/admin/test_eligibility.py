"""The page under a use case that says whether a person may be reached, in words for those who look after patients."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from delivery.carriers.sandbox import Sandbox
from rvm.platform.models import Workspace
from rvm.platform.roles import Role
from tests.factories import make_setup, make_suppression, make_use_case, make_user, make_workspace
from usecases.models import TelephonySetup, UseCase

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)  # a Monday, in New York


@pytest.fixture(autouse=True)
def _a_carrier_that_reaches_people_at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)
    monkeypatch.setattr(Sandbox, "max_delivery_delay", timedelta(minutes=15))
    monkeypatch.setattr("delivery.admin.use_cases.database_now", lambda: NOON)


@pytest.fixture
def staff(client: Client, workspace: Workspace) -> Client:
    client.force_login(make_user(workspace=workspace, role=Role.VIEWER, is_staff=True, password=None))
    return client


@pytest.fixture
def use_case(workspace: Workspace) -> UseCase:
    return make_use_case(
        workspace, window_start=time(9), window_end=time(20), days=[1, 2, 3, 4, 5, 6], sends_on_holidays=False
    )


def page(use_case: UseCase) -> str:
    return reverse("admin:usecases_usecase_eligibility", args=[use_case.pk])


def ask(staff: Client, use_case: UseCase, number: str = "(212) 555-0142", at: str = "") -> str:
    answer = staff.post(page(use_case), {"phone_number": number, "at": at})
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_who_may_be_reached_now_is_said_so_guard_by_guard(staff: Client, use_case: UseCase) -> None:
    shown = ask(staff, use_case)
    assert "Yes: a message that is due now would be left at once." in shown
    assert "It is inside the calling hours, 9:00 AM to 8:00 PM" in shown
    assert "the last message goes 15 minutes earlier" in shown
    assert "It is one of the use case&#x27;s days: Monday to Saturday." in shown
    assert "It is no federal holiday." in shown
    assert "The hours of the law allow it (federal law; rules of" in shown
    assert "The number is not on the suppression list." in shown
    assert "May be reached next" not in shown


@pytest.mark.parametrize(
    ("number", "at", "said"),
    [
        ("212 555 0142", "2026-03-01T12:00", ["Not then: a message would wait.",
                                              "May be reached next at Mon, Mar 2, 2026, 9:00 AM EST.",
                                              "It is none of the use case&#x27;s days"]),
        ("401-555-0142", "2026-03-02T18:30", ["May be reached next at Tue, Mar 3, 2026, 9:00 AM EST.",
                                              "do not allow it (federal law and Rhode Island;"]),
        # By both clocks of the Panhandle of Florida.
        ("850 555 0142", "2026-03-01T12:00", ["next at Mon, Mar 2, 2026, 9:00 AM CST or Mon, Mar 2, 2026, 10:00 AM EST."]),
        ("2125550142", "2026-11-26T12:00", ["It is a federal holiday, on which the use case does not send."]),
    ],
)  # fmt: skip
def test_who_may_not_is_told_why_and_when_next_by_the_persons_clock(
    staff: Client, use_case: UseCase, number: str, at: str, said: list[str]
) -> None:
    shown = ask(staff, use_case, number, at)
    assert [sentence for sentence in said if sentence not in shown] == []


def test_a_suppressed_person_is_never_reached(staff: Client, use_case: UseCase) -> None:
    make_suppression(use_case.workspace, "+12125550142")
    shown = ask(staff, use_case, at="2026-03-01T12:00")
    assert "No: a message would be skipped, and waiting changes nothing." in shown
    assert "The number is on the suppression list: this person must not be reached." in shown
    assert "May be reached next" not in shown


def test_through_a_simulated_setup_the_page_says_that_no_hours_bind(
    staff: Client, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sandbox, "simulated", True)
    TelephonySetup.objects.update(simulated=True)
    shown = ask(staff, use_case, at="2026-03-01T12:00")
    assert "Calling hours do not bind: the setup is simulated and reaches nobody." in shown


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"phone_number": "555-0142"}, "phone_number"),
        ({"phone_number": "1 800 555 0142"}, "phone_number"),
        ({"phone_number": "2125550142", "at": "2029-03-02T12:00"}, "at"),
        ({"phone_number": "2125550142", "at": "soon"}, "at"),
        ({}, "phone_number"),
    ],
)
def test_what_cannot_be_answered_is_refused_at_its_field(
    staff: Client, use_case: UseCase, form: dict[str, Any], field: str
) -> None:
    answer = staff.post(page(use_case), form)
    assert answer.status_code == 200
    assert field in answer.context["form"].errors
    assert "answer" not in answer.context


def test_the_policy_in_plain_words_and_the_question_stand_on_the_page_of_the_use_case(
    staff: Client, use_case: UseCase
) -> None:
    shown = staff.get(reverse("admin:usecases_usecase_change", args=[use_case.pk])).content.decode()
    assert "Messages are left from 9:00 AM to 8:00 PM, Monday to Saturday, not on federal holidays" in shown
    assert page(use_case) in shown
    assert "Messages are left from" in staff.get(page(use_case)).content.decode()


def test_a_use_case_of_another_workspace_answers_nothing(staff: Client) -> None:
    theirs = make_use_case(make_workspace())
    assert staff.get(page(theirs)).status_code == 404
    assert staff.post(page(theirs), {"phone_number": "2125550142"}).status_code == 404
    assert Client().get(page(theirs)).status_code == 302


def test_the_page_of_a_simulated_setup_offers_a_rehearsal(
    staff: Client, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sandbox, "simulated", True)
    TelephonySetup.objects.update(simulated=True)
    at = {"phone_number": "(212) 555-0142", "at": "2026-03-01T12:00"}
    assert "As if its setup reached people" in staff.get(page(use_case)).content.decode()
    assert "Yes: a message that is due then would be left then." in staff.post(page(use_case), at).content.decode()
    rehearsed = staff.post(page(use_case), {**at, "rehearsal": "on"}).content.decode()
    assert "Not then: a message would wait." in rehearsed
    live = make_use_case(setup=make_setup(use_case.workspace, carrier="drop_cowboy", credentials={}))
    assert "As if its setup reached people" not in staff.get(page(live)).content.decode()
