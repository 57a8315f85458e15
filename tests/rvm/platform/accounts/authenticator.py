"""An authenticator app, and people who have enrolled one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from django.test import Client

from rvm.platform.accounts.second_factor.codes import PERIOD_SECONDS
from rvm.platform.accounts.second_factor.secrets import seal
from rvm.platform.models import User

ENROL, WRITE_CODE, RECOVERY_CODES = (
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/authenticate/",
    "/accounts/2fa/recovery-codes/",
)


class Clock:
    """The database's clock, as the forms of codes read it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def go(self, seconds: int = PERIOD_SECONDS) -> None:
        self.now += timedelta(seconds=seconds)


class App:
    """Shows the codes of a secret."""

    def __init__(self, secret: str, clock: Callable[[], datetime]) -> None:
        self.secret = secret
        self._clock = clock

    def code(self, seconds: int = 0) -> str:
        """The code that it shows, or showed or will show so many seconds from now."""
        at = int(self._clock().timestamp()) + seconds
        return str(format_hotp_value(hotp_value(self.secret, at // PERIOD_SECONDS)))

    def wrong_code(self) -> str:
        right = {self.code(seconds) for seconds in (-PERIOD_SECONDS, 0, PERIOD_SECONDS)}
        return next(code for code in ("000000", "111111", "222222", "333333") if code not in right)


def enrolled(user: User, clock: Callable[[], datetime]) -> App:
    """The app of a person who has a second factor."""
    secret = generate_totp_secret()
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": seal(secret, user.pk)})
    return App(secret, clock)


def recovery_codes(user: User) -> list[str]:
    row = Authenticator.objects.create(
        user=user,
        type=Authenticator.Type.RECOVERY_CODES,
        data={"seed": seal(RecoveryCodes.generate_seed(), user.pk), "used_mask": 0},
    )
    return list(RecoveryCodes(row).generate_codes())


def enrol(client: Client, clock: Callable[[], datetime]) -> tuple[App, Any]:
    """Goes through the page, as a person who is signed in; the page that follows."""
    app = App(client.get(ENROL).context["form"].secret, clock)
    return app, client.post(ENROL, {"code": app.code()}, follow=True)
