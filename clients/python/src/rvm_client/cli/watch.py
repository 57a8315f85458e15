"""`rvm watch`: events, or voicemails or a campaign until they end."""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice

from rvm_client import Client, NotFound
from rvm_client.cli.exits import Exit, WrongUse
from rvm_client.cli.following import moments, patience
from rvm_client.cli.options import count_of, id_of
from rvm_client.cli.output import Output
from rvm_client.rows import Campaign, CampaignProgress, Event, Voicemail

ENDED = frozenset({"delivered", "failed", "skipped", "canceled", "expired"})
CAMPAIGN_ENDED = frozenset({"completed", "canceled"})
# At most so many voicemails are read at a time after the first, which leaves most of a key's limit to others.
READINGS = 100


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "watch", parents=[common], help="follow voicemails or a campaign until they end, or all events"
    )
    parser.add_argument("voicemail", nargs="*", type=id_of, help="ids of voicemails; without any, all events are told")
    parser.add_argument("--campaign", type=id_of, metavar="ID", help="the campaign to follow")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="end with 5 if it has not ended by then")
    parser.add_argument("--since", metavar="TIME", help="all events from then on, at most 30 days ago")
    parser.add_argument("--after", metavar="ID", help="all events behind this one")
    parser.add_argument("--type", action="append", help="events of this type only; may be repeated")
    parser.add_argument("--count", type=count_of, metavar="N", help="end after so many events")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, client: Client, out: Output) -> int:
    if options.voicemail and options.campaign:
        raise WrongUse("Follow voicemails by their ids, or --campaign with its id, not both.")
    if options.campaign:
        return watch_campaign(client, options.campaign, out, options.timeout)
    if options.voicemail:
        return watch_voicemails(client, dict.fromkeys(options.voicemail, ""), out, options.timeout)
    return watch_events(client, options, out)


def watch_events(client: Client, options: argparse.Namespace, out: Output) -> int:
    """Tell each event, for ever or until there were as many as asked for."""
    if options.timeout is not None:
        raise WrongUse("--timeout is for voicemails and campaigns; of events, --count says how many.")
    for event in islice(_events(client, options), options.count):
        tell_event(event, out)
    return Exit.DONE


def _events(client: Client, options: argparse.Namespace) -> Iterator[Event]:
    for event in client.events.beats(after=options.after, since=options.since, type=options.type or None):
        client.retries = patience(None)
        if event is not None:
            yield event


def tell_event(event: Event, out: Output) -> None:
    about = ", ".join(f"{name} {value}" for name, value in event["data"].items() if value is not None)
    out.result(event, f"{event['timestamp']} {event['type']}: {about}")


def watch_voicemails(client: Client, told: Mapping[str, str], out: Output, timeout: float | None) -> int:
    """Tell each change until all have ended; DONE if all are delivered. `told` has the status of each that is told already."""
    statuses, waiting = dict(told), deque(told)
    with out.bar("Ended", len(statuses)) as bar:
        readings = len(waiting)
        for event in moments(client, out, timeout):
            if event is None:
                due = list(islice(waiting, readings))
                waiting.rotate(-len(due))
                readings = READINGS
            else:
                about = str(event["data"].get("voicemail_id", ""))
                due = [about] if about in waiting else []
            for each in due:
                found = _voicemail(client, each)
                if found["status"] != statuses[each]:
                    statuses[each] = found["status"]
                    _tell(found, out)
                if found["status"] in ENDED:
                    waiting.remove(each)
                    bar.show(len(statuses) - len(waiting))
            if not waiting:
                break
    return Exit.DONE if set(statuses.values()) == {"delivered"} else Exit.OTHERWISE


def _voicemail(client: Client, voicemail_id: str) -> Voicemail:
    try:
        return client.voicemails.get(voicemail_id)
    except NotFound as error:
        error.add_note(f"The id was {voicemail_id}; a campaign is followed with --campaign.")
        raise


def _tell(found: Voicemail, out: Output) -> None:
    row = {"voicemail_id": found["id"], "status": found["status"], "reason": found["reason"]}
    because = f": {found['reason_detail'] or found['reason']}" if found["reason"] else ""
    if out.as_json or found["status"] in ENDED:
        out.result(row, f"{found['id']} {found['status']}{because}")


def watch_campaign(client: Client, campaign_id: str, out: Output, timeout: float | None) -> int:
    """Tell how far it is until it is completed (DONE) or canceled, and why it was paused after its first people."""
    told: dict[str, object] = {}
    said = ""
    read_at = 0.0
    with out.bar("Ended", None) as bar:
        for event in moments(client, out, timeout):
            if event is not None and not event["type"].startswith("campaign.") and time.monotonic() < read_at + 1:
                continue  # its voicemails change faster than anybody reads how far it is
            campaign, progress = client.campaigns.get(campaign_id), client.campaigns.stats(campaign_id)
            read_at = time.monotonic()
            bar.show(ended_of(progress), progress["total"], f"{campaign['name']}: {campaign['state']}")
            row = progress_row(campaign, progress)
            if row != told and (out.as_json or campaign["state"] in CAMPAIGN_ENDED):
                out.result(row, f"{campaign['id']} {campaign['state']}: {by_status(progress)}")
            told = row
            canary = campaign.get("canary")
            if canary and canary["state"] in ("stalled", "stopped") and canary["message"] and canary["message"] != said:
                said = canary["message"]
                out.remark(said)
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
