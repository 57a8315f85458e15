"""The command `rvm`: its arguments, and what becomes of errors."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence

from rvm_client import ConnectionFailed, Problem, RvmError, ServerFault, UnexpectedAnswer
from rvm_client.cli import campaigns, listen, send, watch
from rvm_client.cli.exits import Exit, TimedOut, WrongUse
from rvm_client.cli.options import client_of, common
from rvm_client.cli.output import Output

_EXITS = "exit codes: 0 done, 1 refused, 2 wrong use, 3 done but not for everybody, 4 no answer, 5 --timeout passed, 130 Ctrl-C"


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="rvm", description="Leave voicemails through RVM, and see what becomes of them.", epilog=_EXITS
    )
    commands = whole.add_subparsers(required=True, metavar="command")
    shared = common()
    for command in (send, watch, campaigns, listen):
        command.add(commands, shared)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code. An error is one sentence on standard error."""
    options = parser().parse_args(arguments)
    usual = signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever stops it wants what Ctrl-C does
    try:
        return _reported(lambda: _run(options))
    finally:
        signal.signal(signal.SIGTERM, usual)


def _run(options: argparse.Namespace) -> int:
    out = Output(as_json=options.json)
    with client_of(options) as client, out.pauses():
        code: int = options.run(options, client, out)
        return code


def _reported(run: Callable[[], int]) -> int:
    try:
        return run()
    except WrongUse as error:
        return _say(str(error), Exit.USAGE)
    except TimedOut as error:
        return _say(str(error), Exit.TIMEOUT)
    except (ConnectionFailed, UnexpectedAnswer) as error:
        return _say(_noted(str(error), error), Exit.NO_ANSWER)
    except Problem as error:
        request = f"request {error.request_id}" if error.request_id else "no request id"
        code = Exit.NO_ANSWER if isinstance(error, ServerFault) else Exit.REFUSED
        return _say(_noted(f"{error} ({error.code}, {request})", error), code)
    except RvmError as error:
        return _say(_noted(str(error), error), Exit.REFUSED)
    except OSError as error:
        return _of_system(error)
    except KeyboardInterrupt:
        return _say("Interrupted. What was sent stays sent.", Exit.INTERRUPTED)


def _noted(sentence: str, error: Exception) -> str:
    """The sentence with what the command knows besides, such as the option that helps."""
    return " ".join([sentence, *getattr(error, "__notes__", ())])


def _of_system(error: OSError) -> int:
    if isinstance(error, BrokenPipeError):  # the reader of the output has gone; what is buffered for it goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OTHERWISE
    name = f" {error.filename}" if error.filename else ""
    return _say(f"The system refused{name}: {error.strerror or error}.", Exit.USAGE)


def _say(sentence: str, code: Exit) -> int:
    sys.stderr.write(f"rvm: {sentence}\n")
    return code
