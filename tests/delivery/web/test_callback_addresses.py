"""The memory of who listens at a callback's address: short, bounded, and of what can be used only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries

from delivery.web import callbacks
from delivery.web.callbacks import MEMORY_SECONDS, Listener, UnusableSetup
from rvm.platform.encryption.tokens import digest_of
from tests import factories
from usecases.models import CallbackSecret, TelephonySetup

pytestmark = pytest.mark.django_db


@dataclass
class Clock:
    now: float = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(callbacks, "time", clock)
    monkeypatch.setattr(callbacks, "_listeners", {})
    return clock


def of_token(token: str) -> Listener | None:
    return callbacks._listener(digest_of(token), CallbackSecret.objects.filter(digest=digest_of(token)))


def of_setup(setup: TelephonySetup, version: int = 1) -> Listener | None:
    secrets = CallbackSecret.objects.filter(setup_id=setup.pk, version=version)
    return callbacks._listener((setup.pk, version), secrets)


@pytest.fixture
def setup() -> TelephonySetup:
    return factories.make_setup()


def test_a_setup_is_read_once_in_a_moment(
    clock: Clock, setup: TelephonySetup, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = factories.fixed_token(setup)
    for find in (lambda: of_token(token), lambda: of_setup(setup)):
        with django_assert_num_queries(1):
            found = [find() for _ in range(3)]
        assert [entry and entry.setup_id for entry in found] == [setup.pk] * 3


def test_a_changed_credential_binds_within_a_second(clock: Clock, setup: TelephonySetup) -> None:
    of_setup(setup)
    setup.credentials = {**setup.credentials, "signing_secret": "changed"}
    setup.save()
    clock.now += MEMORY_SECONDS
    assert MEMORY_SECONDS < 1
    found = of_setup(setup)
    assert found is not None
    assert found.adapter.credentials["signing_secret"] == "changed"


def test_an_address_that_is_ended_is_unknown_within_a_second(clock: Clock, setup: TelephonySetup) -> None:
    token = factories.fixed_token(setup)
    assert of_token(token) and of_setup(setup)
    CallbackSecret.objects.update(expires_at=Now())
    clock.now += MEMORY_SECONDS
    assert (of_token(token), of_setup(setup)) == (None, None)


def test_an_earlier_address_is_known_until_its_end(clock: Clock, setup: TelephonySetup) -> None:
    CallbackSecret.objects.update(expires_at=Now() + timedelta(hours=1))
    assert of_setup(setup)
    assert of_setup(setup, version=2) is None


def test_a_setup_that_becomes_unusable_is_not_remembered_as_it_was(clock: Clock, setup: TelephonySetup) -> None:
    of_setup(setup)
    TelephonySetup.objects.update(carrier="gone")
    clock.now += MEMORY_SECONDS
    with pytest.raises(UnusableSetup) as caught:
        of_setup(setup)
    assert (caught.value.setup_id, caught.value.cause) == (setup.pk, "UnknownCarrierError")
    TelephonySetup.objects.update(carrier="sandbox")
    assert of_setup(setup) is not None


def test_guessed_addresses_fill_no_memory(clock: Clock, setup: TelephonySetup) -> None:
    assert [of_token(f"guess-{number}") for number in range(20)] == [None] * 20
    assert [of_setup(setup, version=number) for number in range(2, 20)] == [None] * 18
    assert callbacks._listeners == {}


def test_a_new_address_is_known_at_once(clock: Clock, setup: TelephonySetup) -> None:
    assert of_token(f"fixed-{setup.pk.hex}") is None
    assert of_token(factories.fixed_token(setup)) is not None
