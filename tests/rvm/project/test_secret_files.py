"""A secret may be in a file of its own; what is wrong with the file is said in a sentence, without what is in it."""

from __future__ import annotations

import base64
import os
import threading
from pathlib import Path

import pytest

from rvm.project import settings
from tests.rvm.project.test_environment import start

# Every variable with a secret, by an expression for what the settings made of it.
SECRETS = {
    "RVM_SECRET_KEY": ("k" * 60, "str(s.SECRET_KEY)"),
    "RVM_SECRET_KEY_FALLBACKS": ("k" * 60, "str(s.SECRET_KEY_FALLBACKS[0])"),
    "RVM_METRICS_TOKEN": ("t" * 30, "str(s.RVM_METRICS_TOKEN)"),
    "RVM_OIDC_CLIENT_SECRET": ("oidc-secret", "str(s._OIDC_CLIENT_SECRET)"),
    "REDIS_URL": ("rediss://:hunter3@redis.example.org/0", "str(s.REDIS_URL)"),
    "DATABASE_URL": ("postgresql://rvm@db.example.org/other?sslmode=require", "s.DATABASES['default']['NAME']"),
    "RVM_MIGRATIONS_DATABASE_URL": (
        "postgresql://owner@db.example.org/other?sslmode=require",
        "s.RVM_MIGRATIONS_DATABASE['NAME']",
    ),
    "RVM_EMAIL_URL": ("smtp://rvm:other@mail.example.org:587/", "str(s.EMAIL_HOST_PASSWORD)"),
}
KEYS = {"RVM_ENCRYPTION_KEYS": 71, "RVM_INDEX_KEYS": 72, "RVM_AUDIT_KEYS": 73}


def key(identifier: int) -> str:
    return f"{identifier}:{base64.b64encode(os.urandom(32)).decode()}"


def written(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_read_from_its_file_without_the_end_of_its_line(name: str, tmp_path: Path) -> None:
    value, expression = SECRETS[name]
    path = written(tmp_path / "secret", f"{value}\n")
    started = start(f"import rvm.project.settings as s; print({expression})", **{name: None, f"{name}_FILE": path})
    expected = {"DATABASE_URL": "other", "RVM_MIGRATIONS_DATABASE_URL": "other", "RVM_EMAIL_URL": "other"}
    assert (started.stdout, started.stderr) == (f"{expected.get(name, value)}\n", "")


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_read_from_their_files(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / "keys", f"{key(3)},{key(KEYS[name])}\n")
    started = start(f"import rvm.project.settings as s; print(s.{name}.current)", **{name: None, f"{name}_FILE": path})
    assert (started.stdout, started.stderr) == (f"{KEYS[name]}\n", "")


def test_every_variable_with_a_secret_is_tried() -> None:
    secret = {name for name in settings.env.dump() if any(part in name for part in ("KEY", "SECRET", "TOKEN", "_URL"))}
    assert secret - {"RVM_PUBLIC_URL", "RVM_CARRIERS_URL"} == SECRETS.keys() | KEYS.keys()


def test_the_files_of_all_variables_that_are_wrong_are_named_at_once(tmp_path: Path) -> None:
    empty, open_to_all = written(tmp_path / "empty", "\n"), written(tmp_path / "open", "hunter2" * 10, 0o604)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    refused = start(
        RVM_SECRET_KEY_FILE=open_to_all,
        RVM_SECRET_KEY=None,
        RVM_INDEX_KEYS_FILE=empty,
        RVM_INDEX_KEYS=None,
        RVM_ENCRYPTION_KEYS_FILE=str(tmp_path / "missing"),
        RVM_ENCRYPTION_KEYS=None,
        RVM_METRICS_TOKEN_FILE=str(binary),
        REDIS_URL_FILE=open_to_all,
        DATABASE_URL_FILE=str(tmp_path),
        DATABASE_URL=None,
    )
    assert refused.returncode != 0
    for sentence in (
        f"RVM_SECRET_KEY: can be read by every account of this machine in {open_to_all}, run chmod o= on the file.",
        f"RVM_INDEX_KEYS: is empty in {empty}, which RVM_INDEX_KEYS_FILE names; write its value into the file.",
        f"RVM_ENCRYPTION_KEYS: cannot be read from {tmp_path}/missing, which RVM_ENCRYPTION_KEYS_FILE names: No such file",
        f"RVM_METRICS_TOKEN: cannot be read from {binary}, which RVM_METRICS_TOKEN_FILE names: it is not text in UTF-8.",
        "REDIS_URL: is set, and so is REDIS_URL_FILE; remove one of them.",
        f"DATABASE_URL: cannot be read from {tmp_path}, which DATABASE_URL_FILE names: Is a directory.",
    ):
        assert sentence.replace(", run", "; run") in refused.stderr
    assert "hunter2" not in refused.stderr and "not set" not in refused.stderr


def test_a_line_left_empty_in_the_example_is_no_second_value(tmp_path: Path) -> None:
    path = written(tmp_path / "secret", "k" * 60)
    assert start(RVM_SECRET_KEY="", RVM_SECRET_KEY_FILE=path).returncode == 0


def test_in_development_a_file_may_be_open_to_others(tmp_path: Path) -> None:
    path = written(tmp_path / "secret", "k" * 60, 0o644)
    assert start(RVM_ENVIRONMENT="development", RVM_SECRET_KEY=None, RVM_SECRET_KEY_FILE=path).returncode == 0


def test_a_file_may_be_a_pipe_which_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    writer = threading.Thread(target=pipe.write_text, args=("postgresql:///piped",))
    writer.start()
    started = start(
        "import rvm.project.settings as s; print(s.DATABASES['default']['NAME'])",
        DATABASE_URL=None,
        DATABASE_URL_FILE=str(pipe),
    )
    writer.join()
    assert (started.stdout, started.stderr) == ("piped\n", "")


def test_equal_encryption_and_index_keys_stop_the_start() -> None:
    shared = key(1)
    refused = start(RVM_ENCRYPTION_KEYS=shared, RVM_INDEX_KEYS=f"{key(1)},2:{shared[2:]}")
    assert "RVM_INDEX_KEYS: has a key of RVM_ENCRYPTION_KEYS; make one of its own" in refused.stderr
    assert refused.returncode != 0 and shared[2:] not in refused.stderr


@pytest.mark.parametrize(
    "weak", [bytes(32), b"\xff" * 32, bytes(range(8)) * 4, b"correct horse battery staple 123", b"0123456789abcdef" * 2]
)
@pytest.mark.parametrize("name", ["RVM_ENCRYPTION_KEYS", "RVM_INDEX_KEYS"])
def test_a_key_that_is_not_random_stops_the_start_of_production(name: str, weak: bytes) -> None:
    encoded = f"1:{base64.b64encode(weak).decode()}"
    refused = start(**{name: encoded})
    assert f"{name}: key 1 is not random; make one as .env.example says." in refused.stderr
    assert refused.returncode != 0 and encoded not in refused.stderr
    assert start(RVM_ENVIRONMENT="development", **{name: encoded}).returncode == 0


def test_a_key_under_two_ids_stops_the_start() -> None:
    one = key(1)
    refused = start(RVM_ENCRYPTION_KEYS=f"{one},2:{one[2:]}")
    assert "RVM_ENCRYPTION_KEYS: key 2 is listed under two ids." in refused.stderr
