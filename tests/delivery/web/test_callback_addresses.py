"""The memory of who listens at a callback's address: short, bounded, and of what can be used only."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pytest_django import DjangoAssertNumQueries

from delivery.web import callbacks
from delivery.web.callbacks import MEMORY_SECONDS, UnusableSetup, _setup_of_token
from tests import factories
from usecases.models import TelephonySetup

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
    monkeypatch.setattr(callbacks, "_setups_by_token", {})
    return clock


def test_a_setup_is_read_once_in_a_moment(clock: Clock, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    setup = factories.make_setup()
    with django_assert_num_queries(1):
        found = [_setup_of_token(setup.callback_token) for _ in range(3)]
    assert [entry and entry[0] for entry in found] == [setup.id] * 3


def test_a_changed_credential_binds_within_a_second(clock: Clock) -> None:
    setup = factories.make_setup()
    _setup_of_token(setup.callback_token)
    setup.credentials = {**setup.credentials, "signing_secret": "changed"}
    setup.save()
    clock.now += MEMORY_SECONDS
    assert MEMORY_SECONDS < 1
    found = _setup_of_token(setup.callback_token)
    assert found is not None
    assert found[1].credentials["signing_secret"] == "changed"


def test_a_setup_that_becomes_unusable_is_not_remembered_as_it_was(clock: Clock) -> None:
    setup = factories.make_setup()
    _setup_of_token(setup.callback_token)
    TelephonySetup.objects.update(carrier="gone")
    clock.now += MEMORY_SECONDS
    with pytest.raises(UnusableSetup) as caught:
        _setup_of_token(setup.callback_token)
    assert (caught.value.setup_id, caught.value.cause) == (setup.id, "UnknownCarrierError")
    TelephonySetup.objects.update(carrier="sandbox")
    assert _setup_of_token(setup.callback_token) is not None


def test_guessed_addresses_fill_no_memory(clock: Clock) -> None:
    assert [_setup_of_token(f"guess-{number}") for number in range(20)] == [None] * 20
    assert callbacks._setups_by_token == {}


def test_a_new_setup_hears_its_carrier_at_once(clock: Clock) -> None:
    assert _setup_of_token("not-yet") is None
    factories.make_setup(callback_token="not-yet")
    assert _setup_of_token("not-yet") is not None
