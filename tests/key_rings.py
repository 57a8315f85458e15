"""Key rings of a rotation, installed for the running process as at its start."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from django.conf import settings

from rvm.platform.encryption.crypto import blind_index, chain_hash, cipher
from rvm.platform.encryption.keys import KeyRing

OURS: dict[str, dict[int, bytes]] = {
    name: {
        1: getattr(settings, name).keys[1],
        2: bytes(range(first, first + 32)),
        3: bytes(range(first + 1, first + 33)),
    }
    for name, first in (("RVM_ENCRYPTION_KEYS", 100), ("RVM_INDEX_KEYS", 150))
}


def ring(name: str, ids: Sequence[int]) -> KeyRing:
    return KeyRing({key: OURS[name][key] for key in ids}, ids[-1])


def take_keys(*, encryption: Sequence[int] = (1,), index: Sequence[int] = (1,)) -> None:
    """Install the keys with these ids; the last one is the current one."""
    settings.RVM_ENCRYPTION_KEYS = ring("RVM_ENCRYPTION_KEYS", encryption)
    settings.RVM_INDEX_KEYS = ring("RVM_INDEX_KEYS", index)
    for made in (cipher, blind_index, chain_hash):
        made.cache_clear()


def as_variables(*, encryption: Sequence[int], index: Sequence[int]) -> dict[str, str]:
    """The same for the environment of a process."""
    given = {"RVM_ENCRYPTION_KEYS": encryption, "RVM_INDEX_KEYS": index}
    return {
        name: ",".join(f"{key}:{base64.b64encode(OURS[name][key]).decode()}" for key in ids)
        for name, ids in given.items()
    }
