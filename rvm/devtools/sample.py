"""The sample data of `fixtures/`: a workspace that is ready to send, through the sandbox carrier and other simulated ones only."""

from __future__ import annotations

import csv
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection, transaction

from delivery.setups.services import create_setup, update_setup
from rvm.devtools import kept_credentials
from rvm.devtools.embedded import is_local
from rvm.platform.api.keys import create_api_key
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.tokens import digest_of
from rvm.platform.models import ApiKey, Membership, User, Workspace
from rvm.platform.roles import Role
from rvm.platform.scopes import Scope
from rvm.simulators.framework.calls import CallingVendor
from rvm.simulators.framework.vendor import Vendor
from usecases.models import NumberAssignment, PhoneNumber, TelephonySetup, UseCase

FIXTURES = settings.BASE_DIR / "fixtures"
KEY_NAME = "Quick start"
USERNAME = "demo"
# A call is some ten requests to our own web server, which shares the cores of this machine with everything else.
CALLS_PER_SECOND = 8
KEPT = Path(settings.BASE_DIR) / ".rvm" / "sample.json"


@dataclass(frozen=True)
class Sample:
    """The loaded sample, with its live `api_key`, its `test_key` and the `password` of its person."""

    workspace: Workspace
    setup: TelephonySetup
    use_case: UseCase
    api_key: str = field(repr=False)
    test_key: str = field(repr=False)
    username: str
    password: str = field(repr=False)


def check_database() -> None:
    """Raises CommandError for a given database that is neither empty nor the sample's own: the sample would make a superuser and a
    live key there, whose secrets are printed. A database that this project has started is the developer's to do with as he likes."""
    if is_local(os.environ.get("DATABASE_URL", "")) or not (tables := connection.introspection.table_names()):
        return
    slug = _demo()["workspace"]["slug"]
    is_own = User._meta.db_table in tables and (
        Workspace.objects.filter(slug=slug).exists() == User.objects.filter(username=USERNAME).exists()
        and not Workspace.objects.exclude(slug=slug).exists()
        and not User.objects.filter(is_service=False, is_superuser=True).exclude(username=USERNAME).exists()
    )
    if not is_own:
        raise CommandError(
            "DATABASE_URL leads to a database with data that is not the sample's, where the sample's superuser and live API key"
            " would open all of it. Unset DATABASE_URL, so that a database of its own is started, or name an empty one."
        )


@transaction.atomic
def load_sample(
    sandbox_url: str, sandbox_key: str, signing_secret: str, kept: Path | None = None, vendor: Vendor | None = None
) -> Sample:
    """Insert the missing rows of the sample and keep the existing ones. API keys and password are those of the file `kept` if they
    are good in this database, and new ones otherwise. With a simulated `vendor`, setup and use case are ones of its own, beside the
    sandbox's, which test keys need.

    Raises CommandError if a person who is not the sample's has its user name.
    """
    wanted = json.loads((FIXTURES / "demo.json").read_text())
    workspace, _ = Workspace.objects.get_or_create(
        slug=wanted["workspace"]["slug"], defaults={"name": wanted["workspace"]["name"]}
    )
    credentials = {"base_url": sandbox_url, "key": sandbox_key, "signing_secret": signing_secret}
    setup = _setup(workspace, wanted["setup"], credentials)
    use_case = _use_case(setup, wanted["use_case"], wanted["phone_numbers"])
    if vendor is not None:
        own: dict[str, Any] = {"name": vendor.name, "carrier": vendor.name}
        if isinstance(vendor, CallingVendor):
            own["pace_per_second"] = CALLS_PER_SECOND
        setup = _setup(workspace, wanted["setup"] | own, vendor.credentials)
        name = f"Reminders by {vendor.name.replace('_', ' ')}"
        use_case = _use_case(
            setup, wanted["use_case"] | {"name": name, "allows_ringing": setup.rings}, wanted["phone_numbers"]
        )
    known = kept_credentials.read(kept) if kept else dict.fromkeys(kept_credentials.NAMES, "")
    api_key, test_key = _keys(workspace, known["api_key"], known["test_key"])
    password = _login(workspace, known["password"])
    if kept:
        kept_credentials.write(kept, {"api_key": api_key, "test_key": test_key, "password": password})
    return Sample(workspace, setup, use_case, api_key, test_key, USERNAME, password)


def _setup(workspace: Workspace, wanted: Mapping[str, Any], credentials: Mapping[str, str]) -> TelephonySetup:
    known = TelephonySetup.objects.filter(workspace=workspace, name=wanted["name"], deleted_at=None).first()
    if known is not None:
        return update_setup(setup=known, credentials=credentials)
    return create_setup(workspace=workspace, credentials=credentials, **wanted)


def _use_case(setup: TelephonySetup, wanted: Mapping[str, Any], numbers: Sequence[str]) -> UseCase:
    use_case, _ = UseCase.objects.get_or_create(
        workspace=setup.workspace, name=wanted["name"], deleted_at=None, defaults={**wanted, "setup": setup}
    )
    for e164 in numbers:
        number, _ = PhoneNumber.objects.get_or_create(workspace=setup.workspace, setup=setup, e164=e164)
        NumberAssignment.objects.get_or_create(use_case=use_case, phone_number=number)
    return use_case


def recording_file() -> bytes:
    return (FIXTURES / _demo()["recording"]).read_bytes()


def patients() -> list[dict[str, str]]:
    with (FIXTURES / _demo()["patients"]).open(newline="") as file:
        return list(csv.DictReader(file))


def _demo() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FIXTURES / "demo.json").read_text())
    return content


def _keys(workspace: Workspace, live: str, test: str) -> tuple[str, str]:
    """The sample's live API key and its test one, in plaintext: these, with all scopes that there are now, or new ones. All of its
    others are revoked."""
    own = ApiKey.objects.filter(workspace=workspace, name=KEY_NAME, revoked_at=None)
    good = {
        is_live: own.filter(digest=digest_of(plaintext), live=is_live, expires_at=None, networks=[]).first()
        for is_live, plaintext in ((True, live), (False, test))
    }
    own.exclude(pk__in=[key.pk for key in good.values() if key]).update(revoked_at=database_now())
    own.update(scopes=sorted(Scope))
    return (
        live if good[True] else create_api_key(workspace, KEY_NAME, list(Scope), live=True)[1],
        test if good[False] else create_api_key(workspace, KEY_NAME, list(Scope), live=False)[1],
    )


def _login(workspace: Workspace, password: str) -> str:
    """The password of the sample's person: this one, or a new one."""
    user, is_new = User.objects.get_or_create(username=USERNAME, defaults={"is_staff": True, "is_superuser": True})
    if not is_new and not Membership.objects.filter(workspace=workspace, user=user).exists():
        raise CommandError(
            f"A person called {USERNAME!r} exists who is no member of the sample's workspace, and whose password stays as it is."
            " Rename that account, or unset DATABASE_URL."
        )
    Membership.objects.get_or_create(
        workspace=workspace, user=user, defaults={"role": Role.ADMIN, "may_see_numbers": True}
    )
    if password and user.check_password(password):
        return password
    password = secrets.token_urlsafe(9)
    user.set_password(password)
    user.save(update_fields=["password"])
    return password
