"""What `manage.py reencrypt` and `manage.py reindex` have in common: the run, and the report of what is under which key."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from rvm.platform.database import sql
from rvm.platform.encryption import encrypted_files
from rvm.platform.encryption.keys import KeyRing
from rvm.platform.rotation.passes import Pace, Passed, Passes
from rvm.platform.rotation.stores import Remainder, Store

_TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('rvm: rotation of keys', 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('rvm: rotation of keys', 0))"


class RotationCommand(BaseCommand):
    name: ClassVar[str]
    variable: ClassVar[str]
    # What is counted, in the plural.
    what: ClassVar[str]
    lists: ClassVar[list[Callable[[], Iterable[Store]]]]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; say what is under which key")
        parser.add_argument("--pace", type=float, metavar="ROWS", help="write at most so many rows a second")

    def handle(self, *args: Any, check: bool, pace: float | None, **options: Any) -> None:
        if pace is not None and pace <= 0:
            raise CommandError("--pace is a number of rows a second, above 0.")
        stores = [store for each in self.lists for store in each()]
        if not check:
            with _alone():
                encrypted_files.remove_unfinished()
                passes = Passes(self.name, self.ring.current, Pace(pace), self._say)
                for store in stores:
                    self._tell(store, passes.over(store))
        if not self._report(stores):
            sys.exit(1)

    @property
    def ring(self) -> KeyRing:
        ring: KeyRing = getattr(settings, self.variable)
        return ring

    def remainders(self) -> Iterator[Remainder]:
        """What no store can write anew."""
        yield from ()

    def _tell(self, store: Store, passed: Passed) -> None:
        if passed.left:
            self._say(f"{store.name}: {len(passed.left):,} rows were locked by others all the time; run this again.")
        if passed.unreadable:
            named = ", ".join(map(str, passed.named))
            more = (
                f" and {passed.unreadable - len(passed.named):,} more" if passed.unreadable > len(passed.named) else ""
            )
            self._say(f"{store.name}: {passed.unreadable:,} rows do not open and stay as they are: {named}{more}")

    def _report(self, stores: Iterable[Store]) -> bool:
        """Say what is under which key; whether every older one may be removed."""
        counts = {store.name: store.counts() for store in stores}
        total: Counter[int] = sum(counts.values(), Counter())
        keys = sorted({*self.ring.keys, *total})
        self._say(f"{self.what} by key:".ljust(40) + "".join(self._title(key) for key in keys))
        for name, found in counts.items():
            self._say(name.ljust(40) + "".join(f"{found[key]:>16,}" for key in keys))
        reasons = {key: [f"{total[key]:,} {self.what} are under it"] for key in keys if total[key]}
        for remainder in self.remainders():
            self._say(remainder.text)
            for key in remainder.keys:
                reasons.setdefault(key, ["see above"])
        return self._conclude(reasons)

    def _title(self, key: int) -> str:
        return f"{key} ({'current' if key == self.ring.current else 'older' if key in self.ring.keys else 'not listed'})".rjust(
            16
        )

    def _conclude(self, reasons: Mapping[int, list[str]]) -> bool:
        older = [key for key in self.ring.keys if key != self.ring.current]
        stay = {key: why for key, why in reasons.items() if key != self.ring.current}
        verdicts = [
            f"Key {key} must stay in {self.variable}: {'; '.join(why)}."
            if key in self.ring.keys
            else f"Key {key} is not in {self.variable}: {'; '.join(why)}."
            for key, why in sorted(stay.items())
        ]
        verdicts += [f"Key {key} may now be removed from {self.variable}." for key in older if key not in stay]
        if not verdicts:
            verdicts = [f"Key {self.ring.current} is the only one in {self.variable}, and nothing is under another."]
        self._say(" ".join(verdicts))
        return not stay

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


@contextmanager
def _alone() -> Iterator[None]:
    [(mine,)] = sql.run(_TRY_LOCK, [])
    if not mine:
        raise CommandError("Another reencrypt or reindex is running. It goes on by itself; this one is not needed.")
    try:
        yield
    finally:
        sql.run(_UNLOCK, [])
