"""What all steps measure at: the platform's web server, and a workspace that lacks nothing for live sending."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import cycle
from typing import Any
from uuid import uuid4

from bench.api.servers import Server, platform_server
from delivery.models import Recording
from rvm.phone_numbers.number_plan import AREA_CODES
from rvm.phone_numbers.numbers import NumberInvalid, check_recipient
from rvm.platform.api.keys import create_api_key
from rvm.platform.models import Workspace
from rvm.platform.scopes import Scope
from usecases.models import NumberAssignment, PhoneNumber, Suppression, TelephonySetup, UseCase
from usecases.suppressions import Statement, suppress_all

# A key may write 6,000 times a minute.
KEYS = 16
SENDERS = 4
SUPPRESSED = 1_000
_STATED_AT = datetime(2026, 1, 2, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Sizes:
    """The steps, all of them if empty; sends in a round and rounds of them; recipients of a batch, batches in a round and rounds of
    them; uploads of each kind; requests of a round beside a campaign of this pace and rounds of them; voicemails that are listed, and
    pages of them."""

    steps: Sequence[str] = ()
    sends: int = 400
    send_rounds: int = 12
    recipients: int = 1_000
    batches: int = 8
    batch_rounds: int = 5
    uploads: int = 20
    campaign_pace: int = 500
    beside_requests: int = 600
    beside_rounds: int = 3
    rows: int = 5_000_000
    pages: int = 1_500


QUICK = Sizes(
    sends=20, send_rounds=1, recipients=20, batches=1, batch_rounds=1, uploads=2, campaign_pace=50, beside_requests=20,
    beside_rounds=1, rows=3_000, pages=60,
)  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """`folder` is the server's media storage. The workspace's carrier is a real one, so that all guards bind; no worker runs."""

    server: Server
    folder: str
    workspace: Workspace
    use_case: UseCase
    recording: Recording
    keys: tuple[str, ...] = field(repr=False)

    @property
    def path(self) -> str:
        return f"/v1/{self.workspace.pk}"

    def headers(self) -> Iterator[dict[str, str]]:
        """The headers of one request after the other, with the keys in turn."""
        return ({"Authorization": f"Bearer {key}", "Content-Type": "application/json"} for key in cycle(self.keys))


@contextmanager
def opened() -> Iterator[Scene]:
    """Insert the workspace and run the server."""
    rows = _make_workspace()
    with ExitStack() as exits:
        folder = exits.enter_context(tempfile.TemporaryDirectory(prefix="rvm-bench-"))
        server = exits.enter_context(platform_server({"RVM_MEDIA_ROOT": folder}))
        yield Scene(server, folder, **rows)


def _is_reachable(code: str) -> bool:
    try:
        return bool(check_recipient(f"+1{code}5550199"))
    except NumberInvalid:
        return False


_CODES = sorted(filter(_is_reachable, AREA_CODES))


def patient(serial: int) -> str:
    """A fictional number of its own for each of tens of thousands; none of them is suppressed."""
    return f"+1{_CODES[serial // 90 % len(_CODES)]}55501{serial % 90:02}"


def _make_workspace() -> dict[str, Any]:
    slug = f"bench-{uuid4().hex}"
    workspace = Workspace.objects.create(name="Bench", slug=slug)
    setup = TelephonySetup.objects.create(
        workspace=workspace,
        name="Bench",
        carrier="drop_cowboy",
        credentials={"key": "none", "secret": "none"},
        baa_signed_on=date(2026, 1, 2),
    )
    use_case = UseCase.objects.create(workspace=workspace, setup=setup, entity_name="Bench", name="Bench")
    for number in range(SENDERS):
        sender = PhoneNumber.objects.create(
            workspace=workspace, setup=setup, e164=f"+1212555010{number}", owned_stated_at=_STATED_AT
        )
        NumberAssignment.objects.create(use_case=use_case, phone_number=sender)
    recording = Recording.objects.create(
        workspace=workspace,
        name="Bench",
        sha256="0" * 64,
        size_bytes=240_000,
        duration_ms=15_000,
        bitrate_kbps=128,
        bitrate_mode="cbr",
        sample_rate=44_100,
        channels=1,
        attested_at=_STATED_AT,
        attested_by_another=True,
        voice="human",
        says=["callback_number", "caller", "opt_out_number"],
    )
    suppressed = [f"+1{_CODES[serial // 10]}55501{90 + serial % 10}" for serial in range(SUPPRESSED)]
    suppress_all([Statement(workspace.pk, number) for number in suppressed], Suppression.Source.API)
    keys = tuple(create_api_key(workspace, f"Bench {number}", Scope, live=True)[1] for number in range(KEYS))
    return {"workspace": workspace, "use_case": use_case, "recording": recording, "keys": keys}
