"""What every adapter that verifies a timestamped signature must turn away, as one table for all of them.

An adapter's test builds a `Signed` and parametrizes over `FORGERIES` and `GENUINE`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from delivery.carriers.base import Callback, Carrier

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
Post = tuple[bytes, dict[str, str]]  # raw body and headers with lower-case names


@dataclass(frozen=True, slots=True)
class Signed:
    """`sign(raw, timestamp)` gives the headers that the vendor would send; `sign_wrongly` does so with another secret."""

    carrier: Carrier
    raw: bytes
    sign: Callable[[bytes, str], dict[str, str]]
    sign_wrongly: Callable[[bytes, str], dict[str, str]]
    signature: str  # the header's name
    timestamp: str  # the header's name
    tolerance: timedelta = timedelta(seconds=300)

    def at(self, offset: timedelta = timedelta()) -> Post:
        return self.raw, self.sign(self.raw, seconds(offset))

    def changed(self, **headers: str | None) -> Post:
        """A genuine callback with headers replaced, or left out where None; names are `signature` and `timestamp`."""
        values: dict[str, str | None] = dict(self.sign(self.raw, seconds()))
        values |= {getattr(self, name): value for name, value in headers.items()}
        return self.raw, {name: value for name, value in values.items() if value is not None}

    def genuine_signature(self) -> str:
        return self.sign(self.raw, seconds())[self.signature]

    def verify(self, post: Post) -> bool:
        raw, headers = post
        return self.carrier.verify(came(raw, headers))


def came(
    raw: bytes, headers: Mapping[str, str] | None = None, at: datetime = NOW, url: str = "", drop_id: UUID | None = None
) -> Callback:
    """A callback with these raw bytes and headers, whose names are lower-case."""
    return Callback(raw, headers or {}, url, at, drop_id)


def seconds(offset: timedelta = timedelta()) -> str:
    return str(int((NOW + offset).timestamp()))


SECOND = timedelta(seconds=1)
FORGERIES: Mapping[str, Callable[[Signed], Post]] = {
    "no headers": lambda s: (s.raw, {}),
    "no signature": lambda s: s.changed(signature=None),
    "empty signature": lambda s: s.changed(signature=""),
    "another secret": lambda s: (s.raw, s.sign_wrongly(s.raw, seconds())),
    "one bit of the body changed": lambda s: (bytes([s.raw[0] ^ 1]) + s.raw[1:], s.at()[1]),
    "body cut": lambda s: (s.raw[:-1], s.at()[1]),
    "body extended": lambda s: (s.raw + b" ", s.at()[1]),
    "body empty": lambda s: (b"", s.at()[1]),
    "body of another callback": lambda s: (s.raw.replace(b"delivered", b"accepted "), s.at()[1]),
    "signature cut": lambda s: s.changed(signature=s.genuine_signature()[:-1]),
    "signature extended": lambda s: s.changed(signature=s.genuine_signature() + "0"),
    "signature without its scheme": lambda s: s.changed(signature=s.genuine_signature().rpartition("=")[2]),
    "signature under another scheme": lambda s: s.changed(signature=s.genuine_signature().replace("sha256", "sha1")),
    "signature twice": lambda s: s.changed(signature=f"{s.genuine_signature()}, {s.genuine_signature()}"),
    "signature of odd characters": lambda s: s.changed(signature="sha256=\udcff\u00e9"),
    "no timestamp": lambda s: s.changed(timestamp=None),
    "empty timestamp": lambda s: s.changed(timestamp=""),
    "timestamp of another second": lambda s: s.changed(timestamp=seconds(SECOND)),
    "timestamp in words": lambda s: (s.raw, s.sign(s.raw, "now")),
    "timestamp with a fraction": lambda s: (s.raw, s.sign(s.raw, seconds() + ".5")),
    "negative timestamp": lambda s: (s.raw, s.sign(s.raw, "-1")),
    "timestamp in other digits": lambda s: (s.raw, s.sign(s.raw, "".join(chr(0x0660 + int(d)) for d in seconds()))),
    "endless timestamp": lambda s: (s.raw, s.sign(s.raw, "9" * 10_000)),
    "timestamp in milliseconds": lambda s: (s.raw, s.sign(s.raw, seconds() + "000")),
    "replayed too late": lambda s: s.at(-s.tolerance - SECOND),
    "from too far ahead": lambda s: s.at(s.tolerance + SECOND),
}
GENUINE: Mapping[str, Callable[[Signed], Post]] = {
    "just now": lambda s: s.at(),
    "as late as allowed": lambda s: s.at(-s.tolerance),
    "as early as allowed": lambda s: s.at(s.tolerance),
    "beside headers of no meaning": lambda s: (s.raw, s.at()[1] | {"x-forwarded-for": "127.0.0.1"}),
}
