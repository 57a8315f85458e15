"""Passwords cannot be guessed, by account or by address, and no attacker keeps a person out for ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import DatabaseError, connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from rvm.platform.accounts import limits
from rvm.platform.accounts.limits import DAY, HOUR, MINUTE, OF_ACCOUNT, OF_ACCOUNT_FROM_ADDRESS, OF_ADDRESS, Limit
from rvm.platform.models import AuditEvent, SignInCount, User
from tests.factories import make_user
from tests.rvm.platform.accounts.conftest import let_in, sign_in, signed_in, tries

pytestmark = pytest.mark.django_db

HOME, ELSEWHERE = "192.0.2.7", "198.51.100.1"
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
Later = Callable[[timedelta], None]


def fail(address: str, times: int, name: str = "maria") -> list[int]:
    return [tries(address, name, "wrong").status_code for _ in range(times)]


def said(page: Any) -> Any:
    return page.status_code, page.context["form"].non_field_errors()


# the waits


@pytest.mark.parametrize(
    ("tries_so_far", "minutes"), [(1, 0), (4, 0), (5, 1), (6, 2), (7, 4), (10, 32), (11, 60), (12, 60), (10_000, 60)]
)
def test_waits_double_up_to_the_longest(tries_so_far: int, minutes: int) -> None:
    assert Limit(5, MINUTE, HOUR, DAY).wait_after(tries_so_far) == timedelta(minutes=minutes)


@given(st.sampled_from([OF_ACCOUNT_FROM_ADDRESS, OF_ADDRESS, OF_ACCOUNT]), st.integers(1, 1000))
def test_no_wait_is_shorter_after_more_tries_or_longer_than_the_longest(limit: Limit, number: int) -> None:
    assert limit.wait_after(number) <= limit.wait_after(number + 1) <= limit.longest


def test_a_hundred_guesses_at_one_account_take_longer_than_a_day() -> None:
    waits = [limits.OF_ACCOUNT.wait_after(number) for number in range(1, 100)]
    assert sum(waits, timedelta()) > DAY


# an account from an address


def test_after_some_wrong_passwords_the_right_one_is_refused_until_the_wait_is_over(maria: User, later: Later) -> None:
    fail(HOME, 5)
    assert "Try again in 1 minute," in str(said(tries(HOME)))
    later(timedelta(seconds=59))
    assert not let_in(HOME)
    later(timedelta(seconds=2))
    assert let_in(HOME)


def test_a_try_while_waiting_does_not_lengthen_the_wait(maria: User, later: Later) -> None:
    fail(HOME, 50)
    later(timedelta(minutes=1, seconds=1))
    assert let_in(HOME)


def test_somebody_who_waits_costs_no_hash(maria: User, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(HOME, 5)

    def cost(*_: Any) -> str:
        raise AssertionError("a password was hashed")

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", cost)
    tries(HOME)


def test_the_right_password_starts_the_count_again(maria: User) -> None:
    for _ in range(3):
        fail(HOME, 4)
        assert let_in(HOME)


def test_username_and_email_address_are_counted_as_one_account(maria: User) -> None:
    fail(HOME, 3)
    fail(HOME, 2, "maria@clinic.example")
    assert not let_in(HOME)


def test_an_unknown_account_gets_the_same_answers_as_a_known_one(maria: User) -> None:
    known, unknown = (
        [said(tries(f"203.0.113.{n}", name, "wrong")) for _ in range(8)] for n, name in ((1, "maria"), (2, "nobody"))
    )
    assert known == unknown


def test_tries_at_the_same_time_are_all_counted(maria: User) -> None:
    allowed = [not limits.attempt(str(maria.pk), HOME, NOW).refused_for for _ in range(9)]
    assert allowed == [True] * 5 + [False] * 4


@pytest.mark.django_db(transaction=True)
def test_tries_of_many_processes_at_once_are_no_more_than_one_after_the_other() -> None:
    def attempt(number: int) -> bool:
        try:
            return not limits.attempt("an account", HOME, NOW).refused_for
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(24))) == OF_ACCOUNT_FROM_ADDRESS.free


# an address, over all accounts


def test_an_address_that_tries_many_accounts_has_to_wait(maria: User) -> None:
    make_user(username="mario", password="another-password")
    for number in range(OF_ADDRESS.free):
        fail(ELSEWHERE, 1, f"person{number}")
    assert not let_in(ELSEWHERE, "mario", "another-password")
    assert let_in(HOME, "mario", "another-password")


def test_a_colleague_who_has_signed_in_there_before_is_not_kept_out_by_it(maria: User) -> None:
    assert let_in(HOME)
    for number in range(OF_ADDRESS.free):
        fail(HOME, 1, f"person{number}")
    assert let_in(HOME)


def test_an_own_account_does_not_buy_an_attacker_more_guesses(maria: User) -> None:
    make_user(username="mallory", password="of-the-attacker")
    for number in range(OF_ADDRESS.free):
        fail(ELSEWHERE, 1, f"person{number}")
        let_in(ELSEWHERE, "mallory", "of-the-attacker")
    assert not let_in(ELSEWHERE)


# an account, over all addresses


def attacked(times: int = OF_ACCOUNT.free) -> None:
    for number in range(times):
        fail(f"198.51.100.{number}", 1)


def test_an_account_that_is_tried_from_many_addresses_waits_at_new_ones(maria: User) -> None:
    attacked()
    assert not let_in("203.0.113.9")


def test_an_attack_from_many_addresses_does_not_keep_a_person_from_the_usual_place(maria: User) -> None:
    assert let_in(HOME)
    attacked(60)
    assert let_in(HOME)


def test_a_place_is_usual_for_a_month(maria: User, later: Later) -> None:
    assert let_in(HOME)
    later(timedelta(days=31))
    attacked()
    assert not let_in(HOME)


def test_an_account_is_forgotten_after_a_day_without_tries(maria: User, later: Later) -> None:
    fail(HOME, 4)
    later(timedelta(days=1, minutes=1))
    fail(HOME, 4)
    assert let_in(HOME)


# what is kept


def test_what_is_typed_as_a_name_is_stored_nowhere(maria: User) -> None:
    fail(HOME, 6, "my-secret-password")
    kept = [json.dumps([*AuditEvent.objects.values()], default=str)]
    kept += [json.dumps([*SignInCount.objects.values()], default=str)]
    assert AuditEvent.objects.filter(action="user.sign_in_failed").count() == 5
    assert "my-secret-password" not in "".join(kept)
    assert b"my-secret-password".hex() not in "".join(bytes(row.key).hex() for row in SignInCount.objects.all())


def test_failures_and_the_lock_out_are_events_of_the_audit(maria: User) -> None:
    fail(HOME, 7)
    events = AuditEvent.objects.filter(subject_id=maria.pk).exclude(action="user.password_changed").order_by("id")
    assert [event.action for event in events] == ["user.sign_in_failed"] * 5 + ["user.locked_out"]
    assert events.last() and events.last().details == {"known": True, "seconds": 60}  # type: ignore[union-attr]


def test_counts_that_no_limit_remembers_are_deleted(maria: User) -> None:
    limits.attempt(str(maria.pk), ELSEWHERE, NOW)
    limits.trust(maria, HOME, NOW)
    limits.purge(NOW + timedelta(hours=23))
    assert SignInCount.objects.count() == 4
    limits.purge(NOW + timedelta(hours=25))
    assert SignInCount.objects.count() == 1
    limits.purge(NOW + timedelta(days=31))
    assert not SignInCount.objects.exists()


def test_nobody_is_let_in_while_tries_cannot_be_counted(maria: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise DatabaseError

    monkeypatch.setattr("rvm.platform.accounts.limits._locked", broken)
    client = Client(raise_request_exception=False)
    assert sign_in(client).status_code == 500
    assert not signed_in(client)


def test_developers_do_not_wait(maria: User, settings: Any) -> None:
    settings.RVM_SIGN_INS_LIMITED = False
    fail(HOME, 30)
    assert let_in(HOME)


def test_the_address_is_the_one_that_the_own_proxies_saw(maria: User, settings: Any) -> None:
    settings.RVM_PROXIES = 1
    for number in range(5):
        sign_in(Client(HTTP_X_FORWARDED_FOR=f"203.0.113.{number}, {ELSEWHERE}"), "maria", "wrong")
    assert not signed_in_from(f"203.0.113.200, {ELSEWHERE}")
    assert signed_in_from(f"{ELSEWHERE}, {HOME}")


def signed_in_from(forwarded: str) -> bool:
    client = Client(HTTP_X_FORWARDED_FOR=forwarded)
    sign_in(client)
    return signed_in(client)
