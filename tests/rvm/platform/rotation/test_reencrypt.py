"""`manage.py reencrypt`: everything is under the current key afterwards, and every moment of it is one at which everything works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from campaigns.models import OptOutImport, RecipientImport
from delivery.models import Clip, Recording, Voicemail
from rvm.devtools.stack import MANAGE
from rvm.platform.accounts.second_factor.secrets import unseal
from rvm.platform.encryption.encrypted_files import decrypt_file, encrypt_file, key_number, names_in, renewed
from rvm.platform.models import KeyRotation, Workspace
from rvm.platform.rotation import command as command_module
from rvm.platform.rotation import passes
from rvm.platform.rotation.columns import EncryptedColumns
from rvm.platform.rotation.files import StoredFiles
from rvm.platform.rotation.passes import Pace, Passes
from rvm.platform.rotation.stores import CIPHERTEXTS, Store
from tests.factories import RECIPIENT, make_recording, make_use_case, make_voicemail
from tests.key_rings import as_variables
from tests.rvm.platform.rotation.every_ciphertext import SOUND, make_every_ciphertext, models_with_files, plaintexts
from tests.sessions import PATIENCE_SECONDS, Session

pytestmark = pytest.mark.django_db
Keys = Callable[..., None]


@pytest.fixture(autouse=True)
def _own_media(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def reencrypt(**options: Any) -> tuple[int, str]:
    """The exit code and the output of `manage.py reencrypt`."""
    out = StringIO()
    try:
        call_command("reencrypt", stdout=out, **options)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def last_line(output: str) -> str:
    return output.splitlines()[-1]


def stores() -> list[Store]:
    return [store for each in CIPHERTEXTS for store in each()]


def test_the_rows_of_these_tests_have_a_value_in_every_encrypted_column(workspace: Workspace) -> None:
    """A new encrypted column or file is found by itself; it fails here until it has a row that shows it."""
    make_every_ciphertext(workspace)
    assert [column for column, values in plaintexts().items() if not any(value is not None for value in values)] == []
    assert [store.name for store in stores() if not store.counts()] == []
    assert models_with_files() == {Recording, Clip, RecipientImport, OptOutImport}


def test_everything_is_under_the_current_key_and_reads_as_before(workspace: Workspace, keys: Keys) -> None:
    make_every_ciphertext(workspace)
    before = plaintexts()
    keys(encryption=(1, 2))
    code, told = reencrypt(check=True)
    assert (code, last_line(told).startswith("Key 1 must stay in RVM_ENCRYPTION_KEYS: ")) == (1, True)
    code, told = reencrypt()
    assert (code, last_line(told)) == (0, "Key 1 may now be removed from RVM_ENCRYPTION_KEYS.")
    assert [store.name for store in stores() if set(store.counts()) != {2}] == []
    keys(encryption=(2,))
    assert plaintexts() == before
    for model in models_with_files():
        [row] = model.objects.all()
        assert b"".join(decrypt_file(row.storage_name, row.associated_data)) == SOUND
    sealed = {each.type: each.data for each in Authenticator.objects.all()}
    assert unseal(sealed["totp"]["secret"]) == "JBSWY3DP" and unseal(sealed["recovery_codes"]["seed"]) == "f00d"
    code, told = reencrypt(check=True)
    assert (code, last_line(told)) == (0, "Key 2 is the only one in RVM_ENCRYPTION_KEYS, and nothing is under another.")


def test_the_role_of_the_processes_has_the_rights_for_it(workspace: Workspace, keys: Keys, request: Any) -> None:
    make_every_ciphertext(workspace)
    request.getfixturevalue("as_runtime")
    keys(encryption=(1, 2))
    assert reencrypt()[0] == 0


def test_the_check_counts_by_table_and_key_and_changes_nothing(keys: Keys) -> None:
    make_voicemail()
    keys(encryption=(1, 2))
    make_voicemail()
    lines = [line.split() for line in reencrypt(check=True)[1].splitlines()]
    assert ["ciphertexts", "by", "key:", "1", "(older)", "2", "(current)"] in lines
    assert ["delivery_voicemail", "1", "1"] in lines
    assert not KeyRotation.objects.exists()


def test_nothing_else_of_a_row_changes(keys: Keys) -> None:
    row = make_voicemail()
    hidden = {"recipient"}
    before = Voicemail.objects.filter(pk=row.pk).values().get()
    keys(encryption=(1, 2))
    reencrypt()
    after = Voicemail.objects.filter(pk=row.pk).values().get()
    assert {name for name in before if before[name] != after[name]} <= hidden


def spoil(row: Voicemail, statement: str = "set_byte(recipient, 20, get_byte(recipient, 20) # 1)") -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE delivery_voicemail SET recipient = {statement} WHERE id = %s", [row.pk])


def test_rows_that_do_not_open_are_named_and_stop_nothing(keys: Keys) -> None:
    use_case = make_use_case()
    damaged, lost, empty, sound = (make_voicemail(use_case) for _ in range(4))
    spoil(damaged)
    spoil(lost, "set_byte(recipient, 0, 200)")
    spoil(empty, "''")
    keys(encryption=(1, 2))
    code, told = reencrypt()
    assert code == 1
    named = f"delivery_voicemail: 3 rows do not open and stay as they are: {damaged.pk}, {lost.pk}, {empty.pk}"
    assert named in told.splitlines()
    assert "Key 1 must stay in RVM_ENCRYPTION_KEYS: 1 ciphertexts are under it." in last_line(told)
    assert "Key 200 is not in RVM_ENCRYPTION_KEYS: 1 ciphertexts are under it." in last_line(told)
    sound.refresh_from_db()
    assert sound.recipient == RECIPIENT


def test_a_row_that_was_emptied_meanwhile_stays_empty(workspace: Workspace, keys: Keys) -> None:
    row = make_voicemail(make_use_case(workspace), record_number="MRN-1")
    keys(encryption=(1, 2))
    store = EncryptedColumns(Voicemail)
    due = [pk for pk, _ in store.look(None, 10).due]
    Voicemail.objects.filter(pk=row.pk).update(record_number=None)
    assert store.renew(due).written == 1
    row.refresh_from_db()
    assert (row.recipient, row.record_number) == (RECIPIENT, None)


@pytest.mark.django_db(transaction=True)
def test_locked_rows_are_not_waited_for_and_come_back_later(keys: Keys) -> None:
    use_case = make_use_case()
    locked, _ = make_voicemail(use_case), make_voicemail(use_case)
    keys(encryption=(1, 2))
    held, go_on = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            Voicemail.objects.select_for_update(no_key=True).get(pk=locked.pk)
            held.set()
            go_on.wait(PATIENCE_SECONDS)

    other = Session(hold)
    assert held.wait(PATIENCE_SECONDS)
    counts: list[dict[int, int]] = []

    def let_go(seconds: float) -> None:
        counts.append(dict(EncryptedColumns(Voicemail).counts()))
        go_on.set()
        other.result()

    said: list[str] = []
    passed = Passes("reencrypt", 2, Pace(None, sleep=let_go), said.append).over(EncryptedColumns(Voicemail))
    assert counts == [{1: 1, 2: 1}]
    assert (passed.written, passed.left, EncryptedColumns(Voicemail).counts()) == (2, [], {2: 2})


@pytest.mark.django_db(transaction=True)
def test_rows_that_stay_locked_are_told(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    row = make_voicemail()
    keys(encryption=(1, 2))
    monkeypatch.setattr(passes, "BETWEEN_TRIES", 0.0)
    held, go_on = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            Voicemail.objects.select_for_update(no_key=True).get(pk=row.pk)
            held.set()
            go_on.wait(PATIENCE_SECONDS)

    other = Session(hold)
    assert held.wait(PATIENCE_SECONDS)
    code, told = reencrypt()
    go_on.set()
    other.result()
    assert code == 1
    assert "delivery_voicemail: 1 rows were locked by others all the time; run this again." in told.splitlines()
    assert reencrypt()[0] == 0


class Killed(BaseException):
    """Ends a run as a kill does: nothing is tidied up."""


@pytest.mark.parametrize("commits", range(1, 12))
def test_a_run_that_was_ended_after_any_commit_goes_on_where_it_was(
    keys: Keys, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    use_case = make_use_case()
    rows = [make_voicemail(use_case) for _ in range(6)]
    keys(encryption=(1, 2))
    monkeypatch.setattr(passes, "STRETCH", 3)
    monkeypatch.setattr(EncryptedColumns, "batch", 2)
    left = commits

    def end(seconds: float) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise Killed

    store = EncryptedColumns(Voicemail)
    try:
        Passes("reencrypt", 2, Pace(1e9, sleep=end), str).over(store)
    except Killed:
        written = store.counts()[2]
        place = KeyRotation.objects.get(name="reencrypt delivery_voicemail")
        assert place.written == written
        assert [str(row.pk) for row in rows][written - 1] == place.position
        assert {row.recipient for row in Voicemail.objects.all()} == {RECIPIENT}  # read with both keys at that moment
        passed = Passes("reencrypt", 2, Pace(None), str).over(store)
        assert passed.written == 6 - written
    assert store.counts() == {2: 6}


def test_another_key_begins_anew(keys: Keys) -> None:
    row = make_voicemail()
    for current in (2, 3):
        keys(encryption=(1, 2, 3)[:current])
        assert reencrypt()[0] == 0
        assert KeyRotation.objects.get(name="reencrypt delivery_voicemail").key_number == current
    keys(encryption=(3,))
    row.refresh_from_db()
    assert row.recipient == RECIPIENT


def test_the_pace_is_kept_on_average(keys: Keys) -> None:
    use_case = make_use_case()
    for _ in range(3):
        make_voicemail(use_case)
    keys(encryption=(1, 2))
    waits: list[float] = []
    Passes("reencrypt", 2, Pace(0.1, sleep=waits.append), str).over(EncryptedColumns(Voicemail))
    assert [round(wait, -1) for wait in waits] == [30]


def test_batches_are_bounded_by_rows_and_by_bytes() -> None:
    due = [(number, size) for number, size in enumerate([1, 1, 1, 5 * 2**20, 1, 2 * 2**20, 3 * 2**20])]
    assert list(passes._batches(due, 2)) == [[0, 1], [2], [3], [4, 5], [6]]


@pytest.mark.django_db(transaction=True)
def test_a_second_run_beside_the_first_is_refused(keys: Keys) -> None:
    keys(encryption=(1, 2))
    with command_module._alone():
        refused = Session(reencrypt)
        with pytest.raises(CommandError, match="Another reencrypt or reindex is running"):
            refused.result()
    assert reencrypt()[0] == 0


@pytest.mark.parametrize("pace", [0, -1])
def test_a_pace_that_is_none_is_refused(pace: float) -> None:
    with pytest.raises(CommandError, match="above 0"):
        reencrypt(pace=pace)


# Files


def stored_recording(workspace: Workspace) -> Recording:
    row = make_recording(workspace)
    encrypt_file(row.storage_name, [SOUND], row.associated_data)
    return row


def test_a_reader_of_the_old_file_reads_to_its_end(workspace: Workspace, keys: Keys) -> None:
    row = stored_recording(workspace)
    keys(encryption=(1, 2))
    reading = decrypt_file(row.storage_name, row.associated_data)
    first = next(reading)
    assert reencrypt()[0] == 0
    assert first + b"".join(reading) == SOUND
    assert key_number(row.storage_name) == 2
    assert len(names_in("recordings")) == 1


def test_a_file_that_was_removed_meanwhile_is_not_brought_back(workspace: Workspace, keys: Keys) -> None:
    row = stored_recording(workspace)
    keys(encryption=(1, 2))
    with pytest.raises(FileNotFoundError), renewed(row.storage_name, row.associated_data) as replace:
        default_storage.delete(row.storage_name)
        replace()
    assert names_in("recordings") == []
    assert StoredFiles(Recording).renew([row.pk]).written == 0
    assert reencrypt()[0] == 0


def test_a_file_that_does_not_open_is_named_and_stays(workspace: Workspace, keys: Keys) -> None:
    row = stored_recording(workspace)
    path = Path(default_storage.path(row.storage_name))
    path.write_bytes(damaged := path.read_bytes()[:-1])
    keys(encryption=(1, 2))
    code, told = reencrypt()
    assert (code, path.read_bytes()) == (1, damaged)
    assert f"files of delivery_recording: 1 rows do not open and stay as they are: {row.pk}" in told.splitlines()
    assert len(names_in("recordings")) == 1


def test_what_a_killed_run_left_beside_a_file_is_removed(workspace: Workspace, keys: Keys) -> None:
    row = stored_recording(workspace)
    beside = Path(default_storage.path(row.storage_name) + ".renewed")
    beside.write_bytes(b"half")
    beside_a_removed_one = beside.with_name("gone.enc.renewed")
    beside_a_removed_one.write_bytes(b"half")
    keys(encryption=(1, 2))
    assert reencrypt()[0] == 0
    assert [path.name for path in beside.parent.iterdir()] == [Path(row.storage_name).name]


# A process that is killed


@pytest.mark.django_db(transaction=True)
def test_a_process_that_is_killed_loses_nothing_and_its_successor_ends_the_work(keys: Keys, tmp_path: Path) -> None:
    use_case = make_use_case()
    for _ in range(40):
        make_voicemail(use_case)
    stored_recording(use_case.workspace)
    keys(encryption=(1, 2))
    base = os.environ["DATABASE_URL"].partition("?")
    url = base[0].rsplit("/", 1)[0] + "/" + connection.settings_dict["NAME"] + base[1] + base[2]
    variables = {
        **os.environ,
        **as_variables(encryption=(1, 2), index=(1,)),
        "DATABASE_URL": url,
        "RVM_MEDIA_ROOT": str(tmp_path),
    }
    # A row a transaction, so that it is killed between two.
    program = (
        "from rvm.platform.rotation.columns import EncryptedColumns; EncryptedColumns.batch = 1\n"
        "from django.core.management import call_command; call_command('reencrypt', pace=20)"
    )
    process = subprocess.Popen(
        [sys.executable, str(MANAGE), "shell", "-c", program], env=variables, cwd=MANAGE.parent, stdout=subprocess.PIPE
    )
    try:
        store = EncryptedColumns(Voicemail)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while store.counts()[2] < 3:
            assert process.poll() is None and time.monotonic() < deadline
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert {row.recipient for row in Voicemail.objects.all()} == {RECIPIENT}
    assert 0 < store.counts()[1] < 40
    while True:
        try:
            assert reencrypt()[0] == 0
            break
        except CommandError:
            assert time.monotonic() < deadline  # PostgreSQL has not yet seen that the killed process is gone
    assert store.counts() == {2: 40}
