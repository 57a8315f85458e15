"""No representation of anything that holds a key shows it: not of the settings, of a cipher, of an error or of a report of one."""

from __future__ import annotations

import base64
import gc
import pprint
import subprocess
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.views.debug import ExceptionReporter

from rvm.platform.encryption import crypto, keys, streams, xaes
from rvm.platform.encryption.crypto import BlindIndex, ChainHash, Cipher
from rvm.platform.encryption.keys import KeyRing, KeysMalformed
from rvm.project.environment import Secret
from tests.rvm.project.test_environment import start
from usecases.callbacks.proofs import CallbackKey

KEY = bytes(range(100, 132))
RING = KeyRing({7: KEY}, 7)
# The ways in which bytes are shown.
FORMS = (
    repr(KEY)[2:-1],
    KEY.hex(),
    KEY.hex(" "),
    KEY.hex(":"),
    base64.b64encode(KEY).decode(),
    base64.urlsafe_b64encode(KEY).decode(),
    str(list(KEY))[1:-1],
    str(int.from_bytes(KEY)),
)


def shown(text: str) -> list[str]:
    return [form for form in FORMS if form[:40] in text]


def every_text(value: Any) -> str:
    return "\n".join((repr(value), str(value), f"{value}", f"{value!r:>9}", pprint.pformat(value), ascii(value)))


def test_the_forms_are_seen_where_a_key_is_shown() -> None:
    assert shown(every_text({"key": KEY})) and all(shown(form) for form in FORMS)


@pytest.mark.parametrize(
    "holder",
    [
        RING,
        RING.keys,
        RING.keys[7],
        [RING],
        vars(RING),
        Cipher(RING),
        vars(Cipher(RING)),
        vars(xaes.Xaes(KEY)),
        BlindIndex(RING),
        vars(BlindIndex(RING)),
        ChainHash(RING, RING),
        vars(ChainHash(RING, RING)),
        CallbackKey(UUID(int=1), 1, KEY),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_what_holds_a_key_does_not_show_it(holder: Any) -> None:
    assert shown(every_text(holder)) == []


def test_no_object_of_the_encryption_shows_the_keys_of_the_settings() -> None:
    gc.unfreeze()  # another test may have imported the program of the web processes, which hides what is loaded from gc
    crypto.cipher(), crypto.blind_index(), crypto.chain_hash()
    rings = [settings.RVM_ENCRYPTION_KEYS, settings.RVM_INDEX_KEYS]
    secret = [bytes(key) for ring in rings for key in ring.keys.values()]
    forms = [form for key in secret for form in (key.hex(), base64.b64encode(key).decode(), repr(key)[2:-1])]
    modules = {module.__name__ for module in (crypto, keys, streams, xaes)}
    texts = [
        every_text(each) + (every_text(vars(each)) if hasattr(each, "__dict__") else "")
        for each in gc.get_objects()
        if type(each).__module__ in modules
    ]
    assert len(texts) >= 5
    assert [form for form in forms if any(form in text for text in texts)] == []


def test_an_error_report_shows_neither_settings_nor_locals_that_hold_a_key() -> None:
    def broken(ring: KeyRing, cipher: Cipher, key: bytes) -> None:
        raise RuntimeError("broken")

    try:
        broken(RING, Cipher(RING), RING.keys[7])
    except RuntimeError as error:
        reporter = ExceptionReporter(None, type(error), error, error.__traceback__)
    page = reporter.get_traceback_html() + reporter.get_traceback_text()
    assert "RVM_ENCRYPTION_KEYS" in page and "KeyRing" in page
    assert shown(page) == []
    of_settings = [*settings.RVM_ENCRYPTION_KEYS.keys.values(), *settings.RVM_INDEX_KEYS.keys.values()]
    assert not any(base64.b64encode(key).decode() in page or repr(bytes(key)) in page for key in of_settings)
    assert str(settings.SECRET_KEY) not in page


@pytest.mark.parametrize("text", ["7:{key},7:{key}", "0:{key}", "x:{key}", "7:{key}x", "7{key}", "1:{key},2:{key}"])
def test_no_error_about_a_list_of_keys_repeats_one(text: str) -> None:
    encoded = base64.b64encode(KEY).decode()
    with pytest.raises(KeysMalformed) as caught:
        KeyRing.parse(text.format(key=encoded))
    assert encoded[:20] not in every_text(caught.value) and caught.value.__cause__ is None


MARKED = {
    "RVM_SECRET_KEY": "hunter2-" * 8,
    "RVM_SECRET_KEY_FALLBACKS": "hunter2-" * 9,
    "RVM_METRICS_TOKEN": "hunter2-" * 4,
    "RVM_OIDC_ISSUER": "https://id.example.org",
    "RVM_OIDC_CLIENT_ID": "rvm",
    "RVM_OIDC_CLIENT_SECRET": "hunter2-",
    "RVM_EMAIL_URL": "smtp://rvm:hunter2-@mail.example.org:587/",
    "REDIS_URL": "rediss://:hunter2-@redis.example.org/0",
    "DATABASE_URL": "postgresql://rvm:hunter2-@db.example.org/rvm?sslmode=require&sslpassword=hunter2-",
    "RVM_MIGRATIONS_DATABASE_URL": "postgresql://rvm:hunter2-@db.example.org/rvm?sslmode=require",
    "RVM_ENCRYPTION_KEYS": f"7:{base64.b64encode(KEY).decode()}",
}


def printed(code: str) -> subprocess.CompletedProcess[str]:
    return start(code, DJANGO_SETTINGS_MODULE="rvm.project.settings", **MARKED)


def test_no_dump_of_the_settings_shows_a_secret() -> None:
    done = printed(
        "from django.core.management import execute_from_command_line as run; run(['', 'diffsettings', '--all'])"
    )
    assert done.returncode == 0 and "RVM_ENCRYPTION_KEYS" in done.stdout and "RVM_MIGRATIONS_DATABASE" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    assert shown(done.stdout) == []


def test_what_hides_a_secret_still_gives_it() -> None:
    done = printed(
        "from django.conf import settings as s; import django; django.setup(); from django.db import connection;"
        "from rvm.platform.redis_connection import redis_client;"
        "redis = redis_client().connection_pool.connection_kwargs['password'];"
        "database = connection.get_connection_params()['password'];"
        "print(database, redis, s.EMAIL_HOST_PASSWORD, s.SECRET_KEY[:8])"
    )
    assert done.stdout == "hunter2- hunter2- hunter2- hunter2-\n", done.stderr
    assert (Secret("text") + "", f"{Secret('text')}", repr(Secret("text"))) == ("text", "text", "'…'")
