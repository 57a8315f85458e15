"""Initial rows of every history, inserted once: two setups, two use cases, a running campaign, three people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from campaigns.lifecycle import service
from campaigns.models import Campaign
from delivery.carriers import CARRIERS
from delivery.carriers.abilities import rings
from delivery.engine import lane_routes
from delivery.models import CarrierMedia, Recording
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import BlindIndex, blind_index, cipher
from rvm.platform.encryption.keys import KeyRing
from rvm.platform.models import Workspace
from tests import factories
from tests.delivery.model import journal
from tests.delivery.model.carriers import KINDS, Asked, Ledger
from tests.delivery.model.judge import Judge
from usecases.models import INSTALLED_CARRIERS, RINGING_CARRIERS, PhoneNumber, TelephonySetup, UseCase

SOON = timedelta(minutes=10)  # some voicemails are not due when a history begins
START = datetime(2026, 3, 2, 15, tzinfo=UTC)
ANA, BEN, CEM = PEOPLE = ("+12025550141", "+12025550142", "+12025550143")
LATER_KEY = bytes(range(100, 132))


@dataclass(frozen=True, slots=True)
class Keys:
    """Both key rings of one process."""

    encryption: KeyRing
    index: KeyRing

    def take(self) -> None:
        """Install these keys for the running process."""
        if (self.encryption, self.index) != (settings.RVM_ENCRYPTION_KEYS, settings.RVM_INDEX_KEYS):
            settings.RVM_ENCRYPTION_KEYS, settings.RVM_INDEX_KEYS = self.encryption, self.index
            cipher.cache_clear()
            blind_index.cache_clear()


@dataclass(frozen=True, slots=True)
class World:
    """Initial rows. `stages`: for each step of a rotation, the keys that processes may have at once (docs/operate/keys.md)."""

    workspace: Workspace
    setups: tuple[TelephonySetup, TelephonySetup]
    use_cases: tuple[UseCase, UseCase]
    numbers: tuple[PhoneNumber, ...]
    campaign: Campaign
    recording: Recording
    recordings: tuple[Recording, Recording]  # the campaign's, and one that may take its place
    judge: Judge
    stages: tuple[tuple[Keys, ...], ...]


def _stages() -> tuple[tuple[Keys, ...], ...]:
    def ring(kept: KeyRing, *ids: int) -> KeyRing:
        keys = {1: kept.keys[1], 2: LATER_KEY}
        return KeyRing({key: keys[key] for key in ids}, ids[-1])

    def keys(*ids: int) -> Keys:
        return Keys(ring(settings.RVM_ENCRYPTION_KEYS, *ids), ring(settings.RVM_INDEX_KEYS, *ids))

    old, prepared, new, alone = keys(1), keys(2, 1), keys(1, 2), keys(2)
    return (old,), (old, prepared), (prepared,), (prepared, new), (new,), (alone,)


def _people(workspace: Workspace, everything: Keys) -> dict[str, str]:
    keys = everything.index.keys
    indexes = [BlindIndex(KeyRing(keys, key)) for key in keys]
    return {"\\x" + index.of(workspace.id, number).hex(): number for number in PEOPLE for index in indexes}


@contextmanager
def created() -> Iterator[World]:
    """The world in a transaction that is rolled back afterwards, with the model's carriers installed."""
    with ExitStack() as stack:
        stack.enter_context(transaction.atomic())
        stack.callback(transaction.set_rollback, True)
        stack.enter_context(patch.dict(CARRIERS, KINDS))
        _let_kinds_be_known(stack)
        stack.enter_context(journal.kept())
        yield _create()


def _let_kinds_be_known(stack: ExitStack) -> None:
    statements_know(RINGING_CARRIERS, RINGING_CARRIERS | {name for name, kind in KINDS.items() if rings(kind)}, stack)
    statements_know(INSTALLED_CARRIERS, set(CARRIERS), stack)


def statements_know(known: set[str], names: set[str], stack: ExitStack) -> None:
    """Statements name the carriers that are installed and those that ring: these from now on, in place of those `known`."""
    before, after = (sql.texts(sorted(each)) for each in (known, names))
    stack.callback(known.update, set(known))
    stack.callback(known.clear)
    known.clear()
    known.update(names)
    for name, text in list(vars(lane_routes).items()):
        if isinstance(text, str) and before in text:
            stack.enter_context(patch.object(lane_routes, name, text.replace(before, after)))


def _create() -> World:
    workspace = factories.make_workspace()
    first, second = (
        factories.make_setup(
            workspace,
            carrier=Asked.name,
            credentials={"account": account},
            pace_per_second=100_000,
            in_flight_cap=10_000,
        )
        for account in ("alder-0", "birch-0")
    )
    numbers = [factories.make_phone_number(setup) for setup in (first, first, second, second)]
    policy = {**factories.AROUND_THE_CLOCK, "max_attempts": 2, "retry_minutes": 1, "allows_ringing": True}
    main = factories.make_use_case(setup=first, failover_setup=second, numbers=numbers, **policy)
    other = factories.make_use_case(setup=second, numbers=numbers[2:], **policy)
    recording, other_recording = (factories.make_recording(workspace) for _ in range(2))
    default_storage.save(other_recording.storage_name, ContentFile(b"as good as a recording"))
    for setup in (first, second):
        CarrierMedia.objects.create(
            setup=setup,
            recording=recording,
            state="ready",
            media_id=f"{setup.credentials['account']}/0",
            ready_at=START,
            due_at=START,
        )
    campaign = factories.make_campaign(main, recording=recording, playable=True)
    held = {"not_before": START, "recording": recording, "expires_at": None, "lane": campaign.lane}
    queued = {"not_before": START, "recording": recording, "expires_at": START + timedelta(hours=72)}
    made = [
        factories.make_voicemail(recipient=ANA, **held),
        factories.make_voicemail(recipient=BEN, **held | {"not_before": START + SOON}),
        factories.make_voicemail(recipient=CEM, **held),
        factories.make_voicemail(main, recipient=ANA, **queued),
        factories.make_voicemail(other, recipient=ANA, **queued),
        factories.make_voicemail(other, recipient=CEM, **queued | {"not_before": START + SOON}),
    ]
    service.launch(campaign, actor=None, now=START)
    stages = _stages()
    judge = Judge(
        Ledger(media={account_named(place, 0): {f"{account_named(place, 0)}/0"} for place in (0, 1)}),
        journal.Reader(),
        {table: {} for table in journal.TABLES},
        {str(row.pk): row.recipient for row in made},
        _people(workspace, stages[-2][0]),
        lambda: START,
    )
    judge.look()
    return World(
        workspace,
        (first, second),
        (main, other),
        tuple(numbers),
        campaign,
        recording,
        (recording, other_recording),
        judge,
        stages,
    )


def account_named(setup: int, generation: int) -> str:
    return f"{('alder', 'birch')[setup]}-{generation}"
