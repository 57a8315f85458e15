"""Options that several commands have, and the environment behind them."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from rvm_client import Client, NotConfigured
from rvm_client.cli.exits import WrongUse
from rvm_client.client import configured

_EXAMPLE = "01a22e2a-4c65-7a96-acbc-1f48dbe555b4"
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_id(text: str) -> bool:
    return bool(_ID.fullmatch(text))


def id_of(text: str) -> str:
    """An option that is an id."""
    if not is_id(text):
        raise argparse.ArgumentTypeError(f"“{text}” is no id; an id has 36 characters, as in {_EXAMPLE}")
    return text


def port_of(text: str) -> int:
    """An option that is a port of this machine; 0 is one that is free."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"“{text}” is no port; a port is a number from 1 to 65535")
    return int(text)


def count_of(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"“{text}” is no number of events; it is at least 1")
    return int(text)


def common() -> argparse.ArgumentParser:
    """What every command has."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--api", metavar="ADDRESS", help="the API of the workspace; default: RVM_API or API")
    parser.add_argument("--key-file", metavar="FILE", help="a file with the API key; default: RVM_KEY or KEY")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, without remarks and progress")
    return parser


def client_of(options: argparse.Namespace) -> Client:
    """The client that options and environment describe. The key is no option, because everybody on a machine sees those.

    Raises WrongUse.
    """
    environment = dict(os.environ)
    if options.api:
        environment["RVM_API"] = options.api
    if options.key_file:
        try:
            environment["RVM_KEY"] = Path(options.key_file).read_text().strip()
        except (OSError, ValueError) as error:
            raise WrongUse(f"The key file {options.key_file} cannot be read.") from error
    try:
        return Client(*configured(environment))
    except NotConfigured as error:
        raise WrongUse(str(error)) from error


def use_case_of(options: argparse.Namespace) -> str:
    """Raises WrongUse."""
    named: str = options.use_case or os.environ.get("RVM_USE_CASE") or os.environ.get("USE_CASE", "")
    if not named:
        raise WrongUse("Say for which use case: --use-case with its id, or RVM_USE_CASE in the environment.")
    if not is_id(named):
        raise WrongUse(f"The use case “{named}” is no id; it has 36 characters, as in {_EXAMPLE}.")
    return named
