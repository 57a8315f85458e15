"""`rvm campaigns`: from a list of people to a report."""

from __future__ import annotations

import argparse
from pathlib import Path

from rvm_client import Client
from rvm_client.cli import campaign_lists
from rvm_client.cli.exits import Exit
from rvm_client.cli.options import id_of, use_case_of
from rvm_client.cli.output import Output
from rvm_client.cli.recording import recording_id_of
from rvm_client.cli.watch import by_status, progress_row, watch_campaign


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    group = commands.add_parser("campaigns", help="create, import, preview, launch and report campaigns")
    verbs = group.add_subparsers(required=True, metavar="verb")

    create = verbs.add_parser("create", parents=[common], help="a draft; prints its id")
    create.add_argument("name", help="what people call it")
    create.add_argument("--recording", required=True, help="an MP3, or the id of a recording")
    create.add_argument("--use-case", metavar="ID", help="default: RVM_USE_CASE or USE_CASE")
    create.add_argument("--pace", type=float, metavar="N", help="at most so many voicemails a second")
    create.add_argument(
        "--canary", type=int, metavar="N", help="try so many people first, 0 for none; default: 100 of more than 1,000"
    )
    create.add_argument("--canary-failed", type=int, metavar="PERCENT", help="pause if more of them fail; default: 10")
    create.add_argument("--canary-wait", type=int, metavar="MINUTES", help="for their reports; default: 60")
    create.add_argument("--time-zone", help="of the times below, such as America/Chicago")
    create.add_argument("--starts-at", metavar="TIME", help="default: at the launch")
    create.add_argument("--ends-at", metavar="TIME", help="what was not sent by then stays unsent")
    create.set_defaults(run=_create)

    campaign_lists.add(verbs, common)

    preview = verbs.add_parser("preview", parents=[common], help="who would be reached when, and who not")
    preview.add_argument("campaign", type=id_of, help="the id")
    preview.add_argument("--rehearsal", action="store_true", help="as if the simulated carrier were a real one")
    preview.set_defaults(run=_preview)

    launch = verbs.add_parser("launch", parents=[common], help="begin, or schedule where the start lies ahead")
    launch.add_argument("campaign", type=id_of, help="the id")
    launch.add_argument("--watch", action="store_true", help="wait until it has ended")
    launch.add_argument("--timeout", type=float, metavar="SECONDS", help="of --watch")
    launch.set_defaults(run=_launch)

    report = verbs.add_parser("report", parents=[common], help="how far it is, and its voicemails as CSV")
    report.add_argument("campaign", type=id_of, help="the id")
    report.add_argument("--csv", metavar="FILE", help="write one line for each voicemail")
    report.add_argument("--status", action="append", help="only these, in the CSV; may be repeated")
    report.set_defaults(run=_report)


def _create(options: argparse.Namespace, client: Client, out: Output) -> int:
    made = client.campaigns.create(
        name=options.name,
        use_case_id=use_case_of(options),
        recording_id=recording_id_of(options.recording, client, out),
        time_zone=options.time_zone,
        starts_at=options.starts_at,
        ends_at=options.ends_at,
        pace_per_second=options.pace,
        canary_size=options.canary,
        canary_max_failed_percent=options.canary_failed,
        canary_wait_minutes=options.canary_wait,
    )
    out.result({"campaign_id": made["id"], "state": made["state"], "name": made["name"]}, made["id"])
    return Exit.DONE


def _preview(options: argparse.Namespace, client: Client, out: Output) -> int:
    found = client.campaigns.preview(options.campaign, rehearsal=options.rehearsal)
    lines = [("at the start", str(found["now"]))]
    lines += [(f"at {opening['at']}", str(opening["count"])) for opening in found["later"]]
    lines += [(f"not, {reason}", str(number)) for reason, number in found["skipped"].items()]
    lines += [("not before the end", str(found["expiring"])), ("people", str(found["total"]))]
    lines += [("begins", found["starts_at"]), ("ends at the latest", found["ends_at"])]
    lines += [("finishes", found["finishes_at"] or "not known")]
    if found["stopped"]:
        lines.append(("stopped", found["stopped"]))
    carrier = "reaches nobody: the carrier is simulated" if found["simulated"] else "reaches people"
    out.table({"campaign_id": options.campaign, **found}, f"A launch {carrier}", lines)
    return Exit.DONE


def _launch(options: argparse.Namespace, client: Client, out: Output) -> int:
    launched = client.campaigns.launch(options.campaign)
    row = {"campaign_id": launched["id"], "state": launched["state"], "starts_at": launched["starts_at"]}
    out.result(row, f"{launched['id']} {launched['state']}")
    return watch_campaign(client, options.campaign, out, options.timeout) if options.watch else Exit.DONE


def _report(options: argparse.Namespace, client: Client, out: Output) -> int:
    campaign, progress = client.campaigns.get(options.campaign), client.campaigns.stats(options.campaign)
    lines = [("state", campaign["state"]), ("people", str(progress["total"])), ("so far", by_status(progress))]
    lines += [(f"not, {reason}", str(number)) for reason, number in progress["by_reason"].items()]
    if canary := campaign.get("canary"):
        first = f"{canary['state']}, {canary['reported']} of {canary['people']} reported"
        lines.append(("first people", canary["message"] or first))
    if progress["finishes_at"]:
        lines.append(("finishes", progress["finishes_at"]))
    out.table(progress_row(campaign, progress), campaign["name"], lines)
    if options.csv:
        size = client.campaigns.export(options.campaign, Path(options.csv), status=options.status)
        out.remark(f"Wrote {options.csv}, {size:,} bytes.")
    return Exit.DONE
