"""Options that several commands have, and the environment behind them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rvm_client import Client, NotConfigured
from rvm_client.cli.exits import WrongUse
from rvm_client.client import configured


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
    return named
