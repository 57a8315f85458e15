"""How often passwords and codes of a second factor may be tried, by account and by address, counted in PostgreSQL.

A try is counted before the password is looked at and given back if it is right, so that tries at the same time count too, and a
person who has to wait costs no hash. What cannot be counted is refused: there is no sign-in without the database.

Three counts limit a try: of the account from the address, of the address over all accounts, and of the account over all addresses.
After an account has signed in from an address, only the first of them counts there for a month. So a person at the usual place is
kept out neither by an attacker elsewhere nor by one who tries other accounts from the same network. From any other place a new
password by e-mail, or an administrator, lets the person in.

Rows have keyed hashes only, because a password may be typed where the name belongs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.crypto import salted_hmac

from rvm.platform.models import SignInCount, User

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TRUSTED_FOR = 30 * DAY


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` tries without a wait; then waits that double from `first` to `longest`. Without tries it is `forgotten_after` a time."""

    free: int
    first: timedelta
    longest: timedelta
    forgotten_after: timedelta

    def wait_after(self, tries: int) -> timedelta:
        if tries < self.free:
            return timedelta()
        # 20 doublings of the shortest wait are longer than the longest.
        return min(self.first * 2 ** min(tries - self.free, 20), self.longest)


OF_ACCOUNT_FROM_ADDRESS = Limit(5, MINUTE, HOUR, DAY)
# A clinic shares an address.
OF_ADDRESS = Limit(50, MINUTE, 15 * MINUTE, HOUR)
OF_ACCOUNT = Limit(20, MINUTE, HOUR, DAY)


@dataclass(frozen=True, slots=True)
class _Count:
    key: bytes = field(repr=False)
    limit: Limit
    account: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Try:
    """A try: `refused_for` is the wait before the next one if this one is not allowed, `then_wait` if it fails."""

    refused_for: timedelta = timedelta()
    then_wait: timedelta = timedelta()
    counted: tuple[_Count, ...] = ()


def attempt(account: str, address: str, now: datetime) -> Try:
    """Count a try of a password and whether it is allowed. `account` is from `account_key`."""
    if not settings.RVM_SIGN_INS_LIMITED:
        return Try()
    pair, *others = _counts(account, address)
    with transaction.atomic():
        rows = _locked([pair, *others], now)
        trusted_until = rows[pair.key].trusted_until
        trusted = trusted_until is not None and trusted_until > now
        return _charge([pair] if trusted else [pair, *others], rows, now)


def succeed(tried: Try, now: datetime) -> None:
    """Give the try back where it was counted, because the password was right; the account from the address begins again."""
    with transaction.atomic():
        rows = _locked(tried.counted, now)
        for count in tried.counted:
            row = rows[count.key]
            row.failures = 0 if count.limit is OF_ACCOUNT_FROM_ADDRESS else max(row.failures - 1, 0)
            row.blocked_until = now
        SignInCount.objects.bulk_update(rows.values(), ["failures", "blocked_until"])


def trust(user: User, address: str, now: datetime) -> None:
    """For a month, only tries from the address itself limit those of this account there."""
    pair = _counts(account_key(user, ""), address)[0]
    with transaction.atomic():
        _locked([pair], now)
        SignInCount.objects.filter(pk=pair.key).update(trusted_until=now + TRUSTED_FOR)


def clear(user: User, now: datetime) -> None:
    """Let the account try passwords again from all addresses."""
    _clear(account_key(user, ""), now)


def clear_codes(user: User, now: datetime) -> None:
    """Let the account try codes of a second factor again from all addresses."""
    _clear(code_key(user), now)


def _clear(account: str, now: datetime) -> None:
    SignInCount.objects.filter(account=_digest("account", account)).update(failures=0, blocked_until=now)


def blocked_until(user: User, now: datetime) -> datetime | None:
    """The end of the account's longest wait, from whichever address; None if it waits nowhere."""
    accounts = [_digest("account", key) for key in (account_key(user, ""), code_key(user))]
    waiting = SignInCount.objects.filter(account__in=accounts, blocked_until__gt=now)
    return waiting.order_by("-blocked_until").values_list("blocked_until", flat=True).first()


def request(kind: str, value: str, limit: Limit, now: datetime) -> Try:
    """Count something that has no password, such as a request for an e-mail, and whether it is allowed."""
    if not settings.RVM_SIGN_INS_LIMITED:
        return Try()
    count = _Count(_digest(kind, value), limit)
    with transaction.atomic():
        return _charge([count], _locked([count], now), now)


def purge(now: datetime) -> None:
    """Delete the counts that no limit remembers."""
    remembered = Q(last_at__gte=now - DAY) | Q(trusted_until__gt=now)
    SignInCount.objects.exclude(remembered).delete()


def account_key(user: User | None, name: str) -> str:
    """What an account is counted by: its id, so that its name and its e-mail address count as one; unknown names by themselves."""
    return str(user.pk) if user else f"unknown {name.casefold()}"


def code_key(user: User) -> str:
    """What the codes of a second factor are counted by: a right password, or a new one by e-mail, buys no more guesses at them."""
    return f"code {user.pk}"


def _counts(account: str, address: str) -> list[_Count]:
    """The account from the address first."""
    own = _digest("account", account)
    return [
        _Count(_digest("account and address", f"{account} {address}"), OF_ACCOUNT_FROM_ADDRESS, own),
        _Count(_digest("address", address), OF_ADDRESS),
        _Count(own, OF_ACCOUNT, own),
    ]


def _digest(kind: str, value: str) -> bytes:
    return salted_hmac(f"rvm.sign-in.{kind}", value, algorithm="sha256").digest()


def _locked(counts: Sequence[_Count], now: datetime) -> dict[bytes, SignInCount]:
    """Their rows, locked in the order of their keys, so that two tries never wait for each other."""
    ordered = sorted(counts, key=lambda count: count.key)
    SignInCount.objects.bulk_create(
        [SignInCount(key=count.key, account=count.account, blocked_until=now, last_at=now) for count in ordered],
        ignore_conflicts=True,
    )
    rows = SignInCount.objects.select_for_update().filter(pk__in=[count.key for count in counts]).order_by("pk")
    return {bytes(row.key): row for row in rows}


def _charge(counts: Sequence[_Count], rows: dict[bytes, SignInCount], now: datetime) -> Try:
    refused_for = max(rows[count.key].blocked_until for count in counts) - now
    if refused_for > timedelta():
        return Try(refused_for=refused_for)
    waits = []
    for count in counts:
        row = rows[count.key]
        row.failures = 1 + (0 if now - row.last_at >= count.limit.forgotten_after else row.failures)
        waits.append(count.limit.wait_after(row.failures))
        row.blocked_until, row.last_at = now + waits[-1], now
    SignInCount.objects.bulk_update([rows[count.key] for count in counts], ["failures", "blocked_until", "last_at"])
    return Try(then_wait=max(waits), counted=tuple(counts))
