"""Failed work of campaigns: its kinds, as administrators read them, and the looks at campaigns and lists."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from campaigns.models import Campaign, OptOutImport, RecipientImport
from campaigns.states import CampaignState, ImportState, OptOutState
from delivery.runtime.wakeups import wake
from rvm.platform.health.failed_work import KINDS, WATCHES, Found, Kind
from rvm.platform.times import moments

LATE = timedelta(minutes=2)
# An import under way commits progress every few seconds, except while a large list is classified.
STILL = timedelta(minutes=5)

UploadedListKind = type[RecipientImport] | type[OptOutImport]

_READ_AGAIN = "Open the list: it says what can be changed, then check it once more, or discard it and upload another."
_STUCK = "The button wakes its worker. If it still does not go on, see that `manage.py worker imports` runs, and look into its log."

KINDS.update(
    {
        "campaign_step": Kind(
            "A campaign does not go on",
            "It is tried again each second, and nobody is reached twice. The tick's log names the fault under campaign_step_failed.",
            repeats=timedelta(minutes=5),
            page="campaigns_campaign",
        ),
        "campaign_late": Kind(
            "A campaign has not started at its time",
            "If a list is being imported, it starts when that has ended. Else see whether the tick runs.",
            page="campaigns_campaign",
        ),
        "import_broke": Kind(
            "A list stops while it is imported",
            "It goes on where it stopped, and nobody is queued twice. If it does not, the log of the imports worker names the fault"
            " under import_broke.",
            repeats=timedelta(minutes=5),
            page="campaigns_recipientimport",
        ),
        "list": Kind("A list cannot be read", _READ_AGAIN, page="campaigns_recipientimport"),
        "opt_outs": Kind("An opt-out list cannot be read", _READ_AGAIN, page="campaigns_optoutimport"),
        "list_stuck": Kind(
            "A list makes no progress", _STUCK, page="campaigns_recipientimport", repeat=lambda _: wake("imports")
        ),
        "opt_outs_stuck": Kind(
            "An opt-out list makes no progress", _STUCK, page="campaigns_optoutimport", repeat=lambda _: wake("imports")
        ),
    }
)


def late_campaigns(now: datetime) -> Iterable[Found]:
    rows = Campaign.objects.filter(state=CampaignState.SCHEDULED, starts_at__lte=now - LATE).order_by("starts_at", "pk")
    importing = {*RecipientImport.objects.under_way().values_list("campaign_id", flat=True)}
    for row in rows:
        why = "a list of it is still being read" if row.pk in importing else "the tick has not started it"
        yield Found(
            str(row.pk), row.name, row.workspace_id, f"It was to start at {moments.moment(row.starts_at)}; {why}."
        )


def _failed(kind: UploadedListKind, state: ImportState | OptOutState) -> Iterable[Found]:
    """Lists whose file can still be read in another way: it is kept for a day."""
    for row in kind.objects.filter(state=state, file_removed_at=None).order_by("-pk"):
        yield Found(str(row.pk), row.file_name, row.workspace_id, row.error)


def _stuck(kind: UploadedListKind, now: datetime) -> Iterable[Found]:
    for row in kind.objects.under_way().filter(updated_at__lt=now - STILL).order_by("pk"):
        yield Found(
            str(row.pk), row.file_name, row.workspace_id, f"Nothing was read since {moments.moment(row.updated_at)}."
        )


def register() -> None:
    """Called once, when the apps are ready."""
    WATCHES.extend(
        [
            ("campaign_late", late_campaigns),
            ("list", lambda now: _failed(RecipientImport, ImportState.FAILED)),
            ("opt_outs", lambda now: _failed(OptOutImport, OptOutState.FAILED)),
            ("list_stuck", lambda now: _stuck(RecipientImport, now)),
            ("opt_outs_stuck", lambda now: _stuck(OptOutImport, now)),
        ]
    )
