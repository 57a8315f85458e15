"""`manage.py reencrypt`: everything that an older encryption key opens is encrypted again under the current one."""

from __future__ import annotations

from rvm.platform.rotation.command import RotationCommand
from rvm.platform.rotation.stores import CIPHERTEXTS


class Command(RotationCommand):
    help = (
        "Encrypts everything under the last key of RVM_ENCRYPTION_KEYS, in small steps beside running processes, and goes on where "
        "it was if it was ended. Restart all processes with the new key first. Exit code 1 if an older key must stay."
    )
    name, variable, what = "reencrypt", "RVM_ENCRYPTION_KEYS", "ciphertexts"
    lists = CIPHERTEXTS
