"""The older index keys that verify seals of audit events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from rvm.platform.encryption.crypto import chain_key
from rvm.platform.models import AuditSeal
from rvm.platform.rotation.stores import Remainder


def seals_under_older_keys(since: datetime | None) -> Iterator[Remainder]:
    """Seals are never made again, so what verifies them stays: their index key, or the chain key that is made from it."""
    index_keys, chain_keys = settings.RVM_INDEX_KEYS, settings.RVM_AUDIT_KEYS
    kept = chain_keys.keys if chain_keys else {}
    used = AuditSeal.objects.order_by().values_list("key_number", flat=True).distinct()
    for number in sorted(set(used) - {index_keys.current}):
        if number in index_keys.keys and kept.get(number) != chain_key(index_keys.keys[number]):
            yield Remainder(
                f"Audit events were sealed under index key {number}: list what `manage.py audit key {number}` prints in"
                " RVM_AUDIT_KEYS.",
                frozenset({number}),
            )
