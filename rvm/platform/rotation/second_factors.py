"""What second factors are made from, which allauth keeps in a column of JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings

from rvm.platform.accounts.second_factor.secrets import SEALED, key_number, renewed
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.rotation.stores import Renewed, Store, Stretch


def second_factors() -> Iterator[SecondFactors]:
    yield SecondFactors(Authenticator)


class SecondFactors(Store):
    def look(self, after: Any, most: int) -> Stretch:
        current = settings.RVM_ENCRYPTION_KEYS.current
        rows = list((_rows() if after is None else _rows().filter(pk__gt=after))[:most])
        due = [(pk, 0) for pk, data in rows if any(key_number(data[name]) != current for name in _sealed(data))]
        return Stretch(len(rows), due, rows[-1][0] if len(rows) == most else None)

    def renew(self, ids: Sequence[Any]) -> Renewed:
        free, left = self.lock(ids)
        written, unreadable = 0, []
        for pk, data in _rows().filter(pk__in=free):
            try:
                anew = {**data, **{name: renewed(data[name]) for name in _sealed(data)}}
            except Undecryptable:
                unreadable.append(pk)
            else:
                written += Authenticator.objects.filter(pk=pk).update(data=anew)
        return Renewed(written, left, unreadable)

    def counts(self) -> Counter[int]:
        return Counter(key_number(data[name]) for _, data in _rows() for name in _sealed(data))


def _rows() -> Any:
    return Authenticator.objects.order_by("pk").values_list("pk", "data")


def _sealed(data: dict[str, Any]) -> list[str]:
    return [name for name in SEALED if data.get(name)]
