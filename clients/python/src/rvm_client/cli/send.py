"""`rvm send`: a recording to people."""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from rvm_client import Client
from rvm_client.cli.exits import Exit, WrongUse
from rvm_client.cli.options import use_case_of
from rvm_client.cli.output import Output
from rvm_client.cli.recording import recording_id_of
from rvm_client.cli.watch import watch_voicemails
from rvm_client.rows import BatchItem
from rvm_client.voicemails import MAX_BATCH


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("send", parents=[common], help="send a recording to people and print the ids")
    parser.add_argument("recording", help="an MP3, or the id of a recording")
    parser.add_argument("--to", action="append", default=[], metavar="NUMBER", help="+ and digits; may be repeated")
    parser.add_argument(
        "--to-file",
        metavar="FILE",
        help="one number a line, with a comma and a reference if wanted; - is standard input",
    )
    parser.add_argument("--use-case", metavar="ID", help="default: RVM_USE_CASE or USE_CASE")
    parser.add_argument("--reference", help="your name for the message to one person; each may be used once")
    parser.add_argument("--not-before", metavar="TIME", help="with its zone, such as 2026-12-01T10:00:00-05:00")
    parser.add_argument("--expires-at", metavar="TIME", help="the end of what could not be sent until then")
    parser.add_argument("--idempotency-key", metavar="KEY", help="the same command with the same key sends once")
    parser.add_argument("--watch", action="store_true", help="wait until each has ended")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="of --watch")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, client: Client, out: Output) -> int:
    recipients = list(_recipients(options))
    use_case = use_case_of(options)
    recording = recording_id_of(options.recording, client, out)
    key, sent, refused = options.idempotency_key or str(uuid.uuid4()), dict[str, str](), 0
    with out.bar("Queued", len(recipients)) as bar:
        for start in range(0, len(recipients), MAX_BATCH):
            answer = client.voicemails.send_batch(
                recipients[start : start + MAX_BATCH],
                use_case_id=use_case,
                recording_id=recording,
                not_before=options.not_before,
                expires_at=options.expires_at,
                idempotency_key=f"{key}-{start // MAX_BATCH}",
            )
            for item in answer["items"]:
                _tell(item, start, out)
            sent |= {item["voicemail_id"]: item["status"] for item in answer["items"] if "error" not in item}
            refused += answer["refused"]
            bar.show(len(sent) + refused)
    out.remark(f"Queued {len(sent)}, refused {refused}.")
    ended = watch_voicemails(client, sent, out, options.timeout) if options.watch and sent else Exit.DONE
    return Exit.OTHERWISE if refused else ended


def _tell(item: BatchItem, before: int, out: Output) -> None:
    index = before + item["index"]
    if "error" not in item:
        row = {"index": index, "voicemail_id": item["voicemail_id"], "status": item["status"]}
        out.result(row, item["voicemail_id"])
    elif out.as_json:
        out.result({"index": index, "error": item["error"]}, "")
    else:
        error = item["error"]
        out.warning(f"Recipient {index + 1} was refused: {error['detail']} ({error['code']})")


def _recipients(options: argparse.Namespace) -> Iterator[dict[str, str]]:
    """The people, as a batch wants them. Raises WrongUse."""
    if options.reference is not None and (len(options.to) != 1 or options.to_file):
        raise WrongUse("--reference names the message to one person: give one --to, or references in the file.")
    for number in options.to:
        said = {} if options.reference is None else {"reference": options.reference}
        yield {"recipient_phone_number": number, **said}
    if options.to_file:
        yield from _of_lines(_lines(options.to_file))
    elif not options.to:
        raise WrongUse("Say to whom: --to with a number, or --to-file with a file of them.")


def _lines(name: str) -> Iterable[str]:
    if name == "-":
        return sys.stdin
    try:
        return Path(name).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise WrongUse(f"{name} cannot be read as a text in UTF-8.") from error


def _of_lines(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    for line in lines:
        number, _, reference = (part.strip() for part in line.partition(","))
        if number:
            said = {"reference": reference} if reference else {}
            yield {"recipient_phone_number": number, **said}
