"""A setup's callback secret: made with the setup, kept as a hash and a ciphertext, rotated with an overlap, ended at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import serializers
from django.db import connection

from rvm.platform.database.clock import database_now
from rvm.platform.encryption.tokens import digest_of
from rvm.platform.models import AuditEvent
from tests.factories import make_setup, make_user
from tests.services import refused
from usecases.models import CallbackSecret, TelephonySetup
from usecases.services import delete_setup
from usecases.services.callback_secrets import (
    earlier_until,
    end_earlier_callback_secrets,
    fixed_address_since,
    rotate_callback_secret,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def setup() -> TelephonySetup:
    return make_setup(report_horizon_hours=30, confirm_horizon_hours=6)


def rows(setup: TelephonySetup) -> str:
    """What the database holds of the setup and its secrets, as whoever reads it sees it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_jsonb(s)::text"
            " || coalesce((SELECT jsonb_agg(k) FROM usecases_callbacksecret k WHERE k.setup_id = s.id)::text, '')"
            " FROM usecases_telephonysetup s WHERE s.id = %s",
            [setup.pk],
        )
        return str(cursor.fetchone()[0])


def test_a_new_setup_has_a_secret_of_its_own_and_no_fixed_address(setup: TelephonySetup) -> None:
    first, other = setup.callback_secrets.get(), make_setup().callback_secrets.get()
    assert (first.version, first.expires_at, first.digest) == (1, None, None)
    assert len(first.callback_key.key) == 32
    assert first.callback_key.key != other.callback_key.key
    assert fixed_address_since(setup) is None
    setup.save()
    assert setup.callback_secrets.count() == 1


def test_neither_the_token_nor_the_key_stands_in_clear(setup: TelephonySetup) -> None:
    token = rotate_callback_secret(setup=setup, actor=None).token
    stored = rows(setup)
    assert token not in stored and token.encode().hex() not in stored
    for secret in setup.callback_secrets.all():
        assert secret.key not in stored and secret.key.encode().hex() not in stored
        assert secret.key not in repr(secret) + str(secret) + repr(secret.callback_key)
    assert digest_of(token).hex() in stored
    with pytest.raises(TypeError, match="not serialized"):
        serializers.serialize("json", CallbackSecret.objects.all())


def test_a_rotation_leaves_the_version_before_for_as_long_as_reports_are_awaited(setup: TelephonySetup) -> None:
    person = make_user(workspace=setup.workspace)
    rotated = rotate_callback_secret(setup=setup, actor=person)
    first, second = setup.callback_secrets.order_by("version")
    assert (second.version, second.expires_at, bytes(second.digest or b"")) == (2, None, digest_of(rotated.token))
    assert first.expires_at == rotated.earlier_until == earlier_until(setup, database_now())
    assert timedelta(hours=36) - timedelta(minutes=1) < rotated.earlier_until - database_now() <= timedelta(hours=36)
    assert list(CallbackSecret.objects.valid().order_by("version")) == [first, second]
    event = AuditEvent.objects.get(action="setup.callback_secret_rotated")
    assert (event.actor, event.subject_id, event.details["version"]) == (person, setup.pk, 2)
    assert rotated.token not in str(event.details)


def test_each_rotation_keeps_the_ends_of_those_before(setup: TelephonySetup) -> None:
    first = rotate_callback_secret(setup=setup, actor=None)
    second = rotate_callback_secret(setup=setup, actor=None)
    ends = list(setup.callback_secrets.order_by("version").values_list("expires_at", flat=True))
    assert ends == [first.earlier_until, second.earlier_until, None]
    assert first.token != second.token


def test_what_was_left_valid_can_be_ended_at_once(setup: TelephonySetup) -> None:
    rotate_callback_secret(setup=setup, actor=None)
    rotate_callback_secret(setup=setup, actor=None)
    person = make_user(workspace=setup.workspace)
    assert end_earlier_callback_secrets(setup=setup, actor=person) == 2
    assert [secret.version for secret in CallbackSecret.objects.valid()] == [3]
    assert earlier_until(setup, database_now()) is None
    event = AuditEvent.objects.get(action="setup.callback_secrets_ended")
    assert (event.actor, event.details) == (person, {"count": 2})
    assert end_earlier_callback_secrets(setup=setup, actor=person) == 0
    assert AuditEvent.objects.filter(action="setup.callback_secrets_ended").count() == 1


def test_a_deleted_setup_gets_no_address(setup: TelephonySetup) -> None:
    delete_setup(setup=setup)
    assert refused(rotate_callback_secret, setup=setup, actor=None).code == "setup_not_found"
    assert setup.callback_secrets.count() == 1
