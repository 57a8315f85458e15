"""`manage.py reindex`: every blind index is made again, or it is said how long its key has to stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models

from delivery.engine.recent_drops import KEPT, RecentDrops, purge
from delivery.models import Voicemail
from rvm.platform import audit
from rvm.platform.audit.chain import seal
from rvm.platform.audit.verification import Verification, verify
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.encryption.fields import BlindIndexField, EncryptedField
from rvm.platform.encryption.keys import KeyRing
from rvm.platform.models import KeyRotation, Workspace
from rvm.platform.rotation.stores import INDEXES
from tests.factories import RECIPIENT, make_consent, make_suppression, make_use_case, make_voicemail
from usecases.models import Consent, Suppression
from usecases.services.consents import record_for_list
from usecases.suppressions import is_suppressed

pytestmark = pytest.mark.django_db
Keys = Callable[..., None]
MAY = "Key 1 may now be removed from RVM_INDEX_KEYS."


def reindex(**options: Any) -> tuple[int, str]:
    """The exit code and the output of `manage.py reindex`."""
    out = StringIO()
    try:
        call_command("reindex", stdout=out, **options)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def last_line(output: str) -> str:
    return output.splitlines()[-1]


# Columns of bytes, or with an index in their name, that `reindex` does not make again: why not.
NO_BLIND_INDEX = {
    "campaigns.launchapproval.version": "SHA-256 of what nobody hides.",
    "delivery.recentdrops.number_index": "Ends by itself within days; until then its key has to stay.",
    "delivery.recording.waveform": "No hash.",
    "delivery.voicemail.index_key": "The id of a key.",
    "platform.apikey.digest": "SHA-256 of the key.",
    "platform.erasure.number_indexes": "Looked for until the erasure is finished; then told only.",
    "platform.auditchain.hash": "Verified by RVM_AUDIT_KEYS.",
    "platform.auditseal.hash": "Verified by RVM_AUDIT_KEYS.",
    "platform.idempotencykey.fingerprint": "SHA-256 of a request.",
    "platform.invitation.digest": "SHA-256 of the link's token.",
    "platform.signincount.account": "Under the secret key; counts begin anew with another.",
    "platform.signincount.key": "Under the secret key; counts begin anew with another.",
    "usecases.callbacksecret.digest": "SHA-256 of the address's token.",
    "usecases.consent.index_key": "The id of a key.",
    "usecases.inboundmessage.digest": "Asked for only while a gateway may send the message again.",
    "usecases.suppression.index_key": "The id of a key.",
}


def test_every_column_that_may_be_an_index_is_made_again_or_it_is_said_why_not() -> None:
    found = {
        f"{model._meta.label_lower}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if (isinstance(field, models.BinaryField) or "index" in field.name)
        and not isinstance(field, EncryptedField | BlindIndexField)
    }
    assert found == set(NO_BLIND_INDEX)


def test_every_index_is_found_under_the_current_key_alone(workspace: Workspace, keys: Keys) -> None:
    row = make_voicemail(make_use_case(workspace), record_number="MRN 1")
    suppression, consent = make_suppression(workspace), make_consent(workspace)
    keys(index=(1, 2))
    code, told = reindex(check=True)
    assert (code, last_line(told)) == (1, "Key 1 must stay in RVM_INDEX_KEYS: 3 indexes are under it.")
    code, told = reindex()
    assert (code, last_line(told)) == (0, MAY)
    assert [store.name for each in INDEXES for store in each() if set(store.counts()) != {2}] == []
    keys(index=(2,))
    expected = blind_index().of(workspace.pk, RECIPIENT)
    for model, column, pk in (
        (Voicemail, "recipient_index", row.pk),
        (Suppression, "number_index", suppression.pk),
        (Consent, "number_index", consent.pk),
    ):
        assert bytes(model.objects.values_list(column, flat=True).get(pk=pk)) == expected
    assert is_suppressed(workspace.pk, RECIPIENT)


def test_the_role_of_the_processes_has_the_rights_for_it(workspace: Workspace, keys: Keys, request: Any) -> None:
    make_consent(workspace)
    make_suppression(workspace)
    request.getfixturevalue("as_runtime")
    keys(index=(1, 2))
    assert reindex()[0] == 0


def test_what_does_not_open_keeps_its_index_and_is_named(workspace: Workspace, keys: Keys) -> None:
    row = make_suppression(workspace)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE usecases_suppression SET number = set_byte(number, 0, 200)")
    keys(index=(1, 2))
    code, told = reindex()
    assert (code, last_line(told)) == (1, "Key 1 must stay in RVM_INDEX_KEYS: 1 indexes are under it.")
    assert f"usecases_suppression: 1 rows do not open and stay as they are: {row.pk}" in told.splitlines()
    assert is_suppressed(workspace.pk, RECIPIENT)


def test_a_suppression_without_a_number_keeps_its_key_as_long_as_it_binds(workspace: Workspace, keys: Keys) -> None:
    row = make_suppression(workspace, number=RECIPIENT)
    Suppression.objects.update(number=None)
    keys(index=(1, 2))
    code, told = reindex()
    assert (code, last_line(told)) == (1, "Key 1 must stay in RVM_INDEX_KEYS: see above.")
    assert (
        "1 suppressions have no number and are found by index key 1 only: keep it listed as long as they bind." in told
    )
    assert is_suppressed(workspace.pk, RECIPIENT)
    Suppression.objects.filter(pk=row.pk).update(lifted_at=database_now())
    assert last_line(reindex()[1]) == MAY


def test_what_is_stated_of_a_whole_list_has_no_index_to_make(workspace: Workspace, keys: Keys) -> None:
    use_case = make_use_case(workspace)
    record_for_list(
        workspace=workspace,
        list_id=use_case.pk,
        purpose="appointment",
        basis="express_consent",
        statement="They have signed.",
        actor=None,
        now=database_now(),
    )
    keys(index=(1, 2))
    assert reindex()[0] == 0
    assert bytes(Consent.objects.get().number_index) == b""


def test_counts_of_recent_drops_hold_their_key_until_they_are_purged(workspace: Workspace, keys: Keys) -> None:
    organisation = workspace.organisation_id
    drop = workspace.pk

    def count() -> None:
        recent = RecentDrops(organisation, database_now()).look([RECIPIENT])
        recent.add(RECIPIENT, drop)
        assert recent.write() == {drop}

    count()
    keys(index=(1, 2))
    code, told = reindex()
    assert (code, last_line(told)) == (1, "Key 1 must stay in RVM_INDEX_KEYS: see above.")
    until = database_now() + KEPT
    assert f"the older ones have to stay until {until:%Y-%m-%d}" in told
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_recentdrops SET at = ARRAY[now() - interval '9 days']")
        cursor.execute("UPDATE platform_keyrotation SET found_at = found_at - interval '2 hours'")
    count()  # under the new key
    assert reindex(check=True)[0] == 1
    purge(database_now())
    assert last_line(reindex(check=True)[1]) == MAY


def test_counts_by_the_clock_of_a_server_that_was_ahead_hold_their_key_too(workspace: Workspace, keys: Keys) -> None:
    make_voicemail(make_use_case(workspace))
    recent = RecentDrops(workspace.organisation_id, database_now() + timedelta(minutes=30)).look([RECIPIENT])
    recent.add(RECIPIENT, workspace.pk)
    recent.write()
    keys(index=(1, 2))  # after a failover to a server whose clock is behind
    code, told = reindex()
    assert (code, last_line(told)) == (1, "Key 1 must stay in RVM_INDEX_KEYS: see above.")


def test_a_process_that_went_on_with_the_old_key_begins_the_wait_anew(workspace: Workspace, keys: Keys) -> None:
    make_voicemail(make_use_case(workspace))
    keys(index=(1, 2))
    reindex()
    first = KeyRotation.objects.get(name="reindex delivery_voicemail").found_at
    reindex()
    assert KeyRotation.objects.get(name="reindex delivery_voicemail").found_at == first
    keys(index=(1,))
    make_voicemail(make_use_case(workspace))
    keys(index=(1, 2))
    reindex()
    assert KeyRotation.objects.get(name="reindex delivery_voicemail").found_at > first


def test_the_audit_needs_its_chain_key_before_an_index_key_goes(
    workspace: Workspace, keys: Keys, settings: Any
) -> None:
    make_suppression(workspace)
    audit.record("test.done", workspace, actor=None, workspace=workspace)
    seal(database_now())
    keys(index=(1, 2))
    code, told = reindex()
    assert (code, last_line(told)) == (1, "Key 1 must stay in RVM_INDEX_KEYS: see above.")
    assert "list what `manage.py audit key 1` prints in RVM_AUDIT_KEYS." in told
    out = StringIO()
    call_command("audit", "key", "1", stdout=out)
    settings.RVM_AUDIT_KEYS = KeyRing.parse(out.getvalue().strip())
    assert last_line(reindex(check=True)[1]) == MAY
    keys(index=(2,))
    assert [*verify({}, Verification())] == []
    settings.RVM_AUDIT_KEYS = KeyRing({1: bytes(32)}, 1)
    keys(index=(1, 2))
    assert reindex(check=True)[0] == 1
