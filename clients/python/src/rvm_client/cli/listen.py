"""`rvm listen`: receives webhooks on this machine and verifies them."""

from __future__ import annotations

import argparse
import os
import queue
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import get_args

from rvm_client import Client, Problem, RvmError
from rvm_client.cli.exits import Exit, TimedOut, WrongUse
from rvm_client.cli.options import count_of, port_of
from rvm_client.cli.output import Output
from rvm_client.cli.receiver import Received, Receiver, receiver
from rvm_client.cli.watch import tell_event
from rvm_client.rows import IssuedWebhookDestination
from rvm_client.webhooks import Signature, is_secret

_SECRET = "RVM_WEBHOOK_SECRET"  # noqa: S105 - the variable's name


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("listen", parents=[common], help="receive and verify webhooks on this machine")
    parser.add_argument("--port", type=port_of, default=0, metavar="N", help="on 127.0.0.1; default: one that is free")
    parser.add_argument("--url", help="the address that RVM calls, where a tunnel leads here; default: the port itself")
    parser.add_argument("--type", action="append", default=[], help="events of this type only; may be repeated")
    parser.add_argument(
        "--signature", choices=get_args(Signature), default="standard", help="of the destination; default: standard"
    )
    parser.add_argument("--name", default="rvm listen", help="of the destination that is made")
    parser.add_argument("--remove", action="store_true", help="remove the destination at the end")
    parser.add_argument("--test", action="store_true", help="have webhook.ping sent at the beginning")
    parser.add_argument("--count", type=count_of, metavar="N", help="end after so many events")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="end with 5 after so long")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, client: Client, out: Output) -> int:
    """Serve until Ctrl-C. With RVM_WEBHOOK_SECRET in the environment no destination is made: one leads here already."""
    known = os.environ.get(_SECRET, "")
    if known and (options.remove or options.test or options.type):
        raise WrongUse(
            f"With {_SECRET} no destination is made, so --remove, --test and --type have nothing to do with it."
        )
    secrets = known.split()
    if not all(is_secret(each) for each in secrets):
        raise WrongUse(f"{_SECRET} is no secret of a destination: that begins with whsec_, and was copied whole.")
    with ExitStack() as exits:
        server = _receiver(options, secrets, exits)
        if not known:
            made = _destination(options, client, out, options.url or server.url, exits)
            secrets.append(made["secret"] or "")
            if options.test:
                client.webhook_destinations.test(made["id"])
        out.remark(f"Listening at {server.url}; Ctrl-C ends it.")
        _tell_all(server.received, options, out)
    return Exit.DONE


def _receiver(options: argparse.Namespace, secrets: Sequence[str], exits: ExitStack) -> Receiver:
    try:
        return exits.enter_context(receiver(options.port, secrets, options.signature))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise WrongUse(
            f"Port {options.port} of this machine cannot be had ({why}). Name another one with --port, or none for one that is free."
        ) from error


def _destination(
    options: argparse.Namespace, client: Client, out: Output, url: str, exits: ExitStack
) -> IssuedWebhookDestination:
    """A new destination that leads here, with its secret."""
    try:
        made = client.webhook_destinations.create(
            name=options.name, url=url, accepted_event_types=options.type, signature=options.signature
        )
    except Problem as error:
        if help_text := _help_with(error, options):
            error.add_note(help_text)
        raise
    if options.remove or not made["secret"]:
        exits.callback(_remove, client, made["id"])
    if not made["secret"]:
        raise WrongUse("The secret of the destination was lost on its way, so it is removed. Start again.")
    out.remark(f"Made the destination {made['id']} for {url}.")
    if not options.remove:
        out.warning(f"It stays. To receive with it again: export {_SECRET}={made['secret']}")
    return made


def _help_with(error: Problem, options: argparse.Namespace) -> str:
    """What to do about the refusal of a destination, as the options of this command."""
    if error.code == "quota_used_up":
        return (
            "The desk has them under “Webhook destinations”; what --remove was said for removes itself. To receive with one that "
            f"leads here already, set {_SECRET} to its secret, and --port to its port."
        )
    if not options.url and any(field.pointer == "/url" for field in error.fields):
        return (
            "This server does not call your machine by its own address: let a tunnel lead to a port of it, and name both, as in "
            "--port 8765 --url https://your-tunnel.example.org/."
        )
    return ""


def _remove(client: Client, destination_id: str) -> None:
    try:
        client.webhook_destinations.delete(destination_id)
    except RvmError as error:
        error.add_note(f"The destination {destination_id} is still there; remove it at the desk.")
        raise


def _tell_all(received: queue.Queue[Received], options: argparse.Namespace, out: Output) -> None:
    """Tell each event once, until there were as many as asked for. Raises TimedOut."""
    until = None if options.timeout is None else time.monotonic() + options.timeout
    left: int | None = options.count
    while left is None or left > 0:
        try:
            event = received.get(timeout=None if until is None else max(0.0, until - time.monotonic()))
        except queue.Empty:
            raise TimedOut("The webhooks have not come within --timeout.") from None
        if isinstance(event, str):
            out.warning(event)
            continue
        tell_event(event, out)
        left = None if left is None else left - 1
