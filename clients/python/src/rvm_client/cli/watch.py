"""`rvm watch`: voicemails or a campaign until they end."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence

from rvm_client import Client
from rvm_client.cli.exits import Exit, TimedOut, WrongUse
from rvm_client.cli.output import Output
from rvm_client.rows import Campaign, CampaignProgress, Voicemail

ENDED = frozenset({"delivered", "failed", "skipped", "canceled", "expired"})
CAMPAIGN_ENDED = frozenset({"completed", "canceled"})
# One reading for each voicemail that has not ended: this many a second leaves most of a key's limit to others.
READINGS_PER_SECOND = 20
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 5.0


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("watch", parents=[common], help="follow voicemails or a campaign until they end")
    parser.add_argument("voicemail", nargs="*", help="ids of voicemails")
    parser.add_argument("--campaign", metavar="ID", help="the campaign to follow")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="end with 5 if it has not ended by then")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, client: Client, out: Output) -> int:
    if bool(options.voicemail) == bool(options.campaign):
        raise WrongUse("Say what to follow: ids of voicemails, or --campaign with its id.")
    if options.campaign:
        return watch_campaign(client, options.campaign, out, options.timeout)
    return watch_voicemails(client, options.voicemail, out, options.timeout)


def rounds(timeout: float | None, readings: Callable[[], int]) -> Iterator[None]:
    """A round now, and one after each pause, which grows. Raises TimedOut."""
    until = None if timeout is None else time.monotonic() + timeout
    pause = SHORTEST_PAUSE
    while True:
        yield
        wanted = max(pause, readings() / READINGS_PER_SECOND)
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise TimedOut(
                    "It has not ended within --timeout. Nothing was changed; watch it again, or ask for it later."
                )
            wanted = min(wanted, left)
        time.sleep(wanted)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def watch_voicemails(client: Client, ids: Sequence[str], out: Output, timeout: float | None) -> int:
    """Tell each change until all have ended; DONE if all are delivered."""
    statuses = dict.fromkeys(ids, "")
    with out.bar("Ended", len(statuses)) as bar:
        for _ in rounds(timeout, lambda: sum(status not in ENDED for status in statuses.values())):
            for each in [each for each, status in statuses.items() if status not in ENDED]:
                found = client.voicemails.get(each)
                if found["status"] != statuses[each]:
                    statuses[each] = found["status"]
                    _tell(found, out)
                bar.show(sum(status in ENDED for status in statuses.values()))
            if all(status in ENDED for status in statuses.values()):
                break
    return Exit.DONE if set(statuses.values()) == {"delivered"} else Exit.OTHERWISE


def _tell(found: Voicemail, out: Output) -> None:
    row = {"voicemail_id": found["id"], "status": found["status"], "reason": found["reason"]}
    because = f": {found['reason_detail'] or found['reason']}" if found["reason"] else ""
    if out.as_json or found["status"] in ENDED:
        out.result(row, f"{found['id']} {found['status']}{because}")


def watch_campaign(client: Client, campaign_id: str, out: Output, timeout: float | None) -> int:
    """Tell how far it is until it is completed (DONE) or canceled."""
    told: dict[str, object] = {}
    with out.bar("Ended", None) as bar:
        for _ in rounds(timeout, lambda: 1):
            campaign, progress = client.campaigns.get(campaign_id), client.campaigns.stats(campaign_id)
            bar.show(ended_of(progress), progress["total"], f"{campaign['name']}: {campaign['state']}")
            row = progress_row(campaign, progress)
            if row != told and (out.as_json or campaign["state"] in CAMPAIGN_ENDED):
                out.result(row, f"{campaign['id']} {campaign['state']}: {by_status(progress)}")
            told = row
            if campaign["state"] in CAMPAIGN_ENDED:
                break
    return Exit.DONE if campaign["state"] == "completed" else Exit.OTHERWISE


def progress_row(campaign: Campaign, progress: CampaignProgress) -> dict[str, object]:
    return {
        "campaign_id": campaign["id"],
        "state": campaign["state"],
        "total": progress["total"],
        "by_status": progress["by_status"],
        "by_reason": progress["by_reason"],
    }


def ended_of(progress: CampaignProgress) -> int:
    return sum(number for status, number in progress["by_status"].items() if status in ENDED)


def by_status(progress: CampaignProgress) -> str:
    return ", ".join(f"{number} {status}" for status, number in progress["by_status"].items()) or "nobody yet"
