"""`manage.py reindex`: every blind index that was made under an older index key is made again under the current one."""

from __future__ import annotations

from collections.abc import Iterator

from rvm.platform.models import KeyRotation
from rvm.platform.rotation.command import RotationCommand
from rvm.platform.rotation.stores import INDEXES, REMAINDERS, Remainder


class Command(RotationCommand):
    help = (
        "Makes all blind indexes again under the last key of RVM_INDEX_KEYS, in small steps beside running processes, and goes on "
        "where it was if it was ended. Restart all processes with the new key first. Exit code 1 if an older key must stay."
    )
    name, variable, what = "reindex", "RVM_INDEX_KEYS", "indexes"
    lists = INDEXES

    def remainders(self) -> Iterator[Remainder]:
        passed = KeyRotation.objects.filter(name__startswith=f"{self.name} ", key_number=self.ring.current)
        since = passed.order_by("-found_at").values_list("found_at", flat=True).first()
        for each in REMAINDERS:
            yield from each(since)
