"""Failed work of delivery: its kinds, as administrators read them, and the looks at setups, recordings and repairs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q

from delivery.lifecycle.invariants import TALLY
from delivery.models import CarrierMedia
from delivery.runtime import queues
from delivery.runtime.wakeups import wake
from rvm.platform.health.failed_work import KINDS, WATCHES, Found, Kind, record
from rvm.platform.models import Tally
from usecases.models import TelephonySetup

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

KINDS.update(
    {
        "job": Kind(
            "A worker's job fails",
            "It is repeated by itself while there is work, and repeating does no harm. If it goes on failing, look for the job's id"
            " in the worker's log.",
            repeats=HOUR,
            repeat=wake,
        ),
        "foreign_job": Kind(
            "A job that RVM did not enqueue was refused",
            "Somebody else writes to Redis. Nothing of it ran. Find out who can reach Redis, and give it a new password.",
            repeats=7 * DAY,
            dismissable=True,
        ),
        "tick_step": Kind(
            "A step of the tick fails",
            "It is repeated each second; what it does waits meanwhile. The tick's log names the fault under tick_step_failed.",
            repeats=timedelta(minutes=5),
        ),
        "setup": Kind(
            "A setup cannot be used",
            "Its voicemails wait. Open the setup and enter its credentials again; if the keys of this installation were changed,"
            " your operator has to put the former ones back.",
            repeats=HOUR,
            page="usecases_telephonysetup",
        ),
        "lane": Kind(
            "A lane is passed over",
            "Its voicemails wait and the others go on; it is tried again every few seconds. The worker's log names the fault under"
            " lane_failed or lane_passed_over.",
            repeats=HOUR,
            page="delivery_lane",
        ),
        "put_off": Kind(
            "Voicemails cannot be prepared",
            "They alone wait and are tried again every 10 minutes. A number that does not open needs the key that is missing in"
            " RVM_ENCRYPTION_KEYS; the worker's log has the ids of the others under voicemail_put_off.",
            repeats=timedelta(minutes=30),
            page="delivery_lane",
        ),
        "drop": Kind(
            "A drop's result cannot be written or settled",
            "Nothing is sent twice: the drop stays uncertain and is looked at again, at last every hour. The worker's log has its"
            " id under drop_not_settled or result_not_written.",
            repeats=3 * HOUR,
        ),
        "command": Kind(
            "A call cannot be told its next step",
            "Nothing is played, and the call ends by itself as not delivered. Look whether the setup of the calls can be used; the"
            " calls worker's log has the drop's id under command_not_sent or hang_up_abandoned.",
            repeats=HOUR,
        ),
        "unreadable": Kind(
            "A number does not open with the keys of this installation",
            "Put the key that is missing back into RVM_ENCRYPTION_KEYS. The log has the ids under recipient_unreadable and"
            " suppression_unreadable. What was said about these numbers does not count elsewhere until then.",
            repeats=7 * DAY,
            dismissable=True,
        ),
        "breaker": Kind(
            "A setup is held back, because its carrier fails",
            "Its voicemails wait. Put right what the reason says; it is tried again by itself, and the setup's page can close the"
            " breaker at once.",
            page="usecases_telephonysetup",
        ),
        "media": Kind(
            "Recordings are not at the carrier",
            "Voicemails with these recordings wait or fail. Open Recordings at carriers, put right what the error says, and upload"
            " again there.",
            page="usecases_telephonysetup",
        ),
        "repair": Kind(
            "Voicemails that disagreed with their drop were repaired",
            "Nothing is to be done for them. Tell the developers: no known fault causes it. The tick's log has their ids under"
            " voicemail_repaired.",
        ),
    }
)


def _refused(queue: str) -> None:
    record("foreign_job", queue, name=f"Queue {queue}", reason="A record in Redis asked a worker for something else.")


def open_breakers(now: datetime) -> Iterable[Found]:
    rows = TelephonySetup.objects.not_deleted().filter(breaker_until__isnull=False).defer("credentials")
    for setup in rows.order_by("pk"):
        yield Found(str(setup.pk), setup.name, setup.workspace_id, setup.breaker_reason)


def media_not_at_carriers(now: datetime) -> Iterable[Found]:
    """Setups with recordings whose upload failed or was refused, with how many, and one of the errors."""
    state = CarrierMedia.State
    failed = CarrierMedia.objects.filter(state__in=[state.FAILED, state.REFUSED], setup__deleted_at=None)
    grouped = failed.values("setup_id", "setup__name", "setup__workspace_id").annotate(
        refused=Count("pk", filter=Q(state=state.REFUSED)), count=Count("pk"), error=Max("error")
    )
    for row in grouped.order_by("setup_id"):
        those = f"{row['count']} recordings are" if row["count"] > 1 else "1 recording is"
        refused = f", {row['refused']} of them refused for good" if row["refused"] else ""
        reason = f"{those} not there{refused}. An error: {row['error'] or 'none was given'}"
        yield Found(str(row["setup_id"]), row["setup__name"], row["setup__workspace_id"], reason)


def repairs(now: datetime) -> Iterable[Found]:
    for tally in Tally.objects.filter(name=TALLY, at__gt=now - DAY):
        yield Found("", "Voicemails", None, f"{tally.count} so far, the last within a day.")


def register() -> None:
    """Called once, when the apps are ready."""
    queues.ON_FOREIGN.append(_refused)
    WATCHES.extend([("breaker", open_breakers), ("media", media_not_at_carriers), ("repair", repairs)])
