"""The table of roles: who may do what, and what must never be together in one hand but an administrator's."""

from __future__ import annotations

import pytest

from rvm.platform.roles import ROLES, Right, Role

EVERYBODY_ELSE = [role for role in Role if role is not Role.ADMIN]


def roles_with(right: Right) -> set[Role]:
    return {role for role in Role if right in ROLES[role]}


def test_every_role_looks_and_a_viewer_does_nothing_else() -> None:
    assert all(Right.VIEW in rights for rights in ROLES.values())
    assert ROLES[Role.VIEWER] == {Right.VIEW}


def test_an_administrator_has_every_right() -> None:
    assert ROLES[Role.ADMIN] == set(Right)


def test_a_launcher_may_do_what_a_preparer_may_and_decides_what_is_sent() -> None:
    assert ROLES[Role.LAUNCHER] - ROLES[Role.PREPARER] == {Right.LAUNCH, Right.APPROVE, Right.EXPORT}
    assert ROLES[Role.PREPARER] < ROLES[Role.LAUNCHER]


def test_compliance_neither_prepares_nor_launches_nor_approves() -> None:
    assert not ROLES[Role.COMPLIANCE] & {Right.PREPARE, Right.LAUNCH, Right.APPROVE, Right.RESEND_UNCERTAIN}


@pytest.mark.parametrize("right", [Right.LIFT, Right.SUPPRESS_LISTS, Right.CONFIRM_CONSENTS, Right.ATTEST])
def test_who_sends_does_not_also_say_that_it_may_be_sent(right: Right) -> None:
    assert roles_with(right) == {Role.COMPLIANCE, Role.ADMIN}


@pytest.mark.parametrize(
    "right",
    [Right.SET_UP, Right.MANAGE_KEYS, Right.ROTATE, Right.MANAGE_PEOPLE, Right.CONFIGURE, Right.RESEND_UNCERTAIN],
)
def test_what_changes_the_rules_is_for_administrators(right: Right) -> None:
    assert roles_with(right) == {Role.ADMIN}


def test_whoever_answers_the_telephone_may_opt_a_person_out() -> None:
    assert roles_with(Right.SUPPRESS) == set(Role) - {Role.VIEWER}
