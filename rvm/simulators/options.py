"""The command-line options of a simulated vendor, for `manage.py simulator` and `python -m rvm.simulators`."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from rvm.simulators.framework.vendor import Options, Vendor
from rvm.simulators.sandbox.options import KEY_VARIABLE, mix
from rvm.simulators.sandbox.outcomes import DEFAULT_MIX
from rvm.simulators.vendors import names, simulator_class

FASTEST = 10_000


def add_arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("name", choices=names(), help="the vendor, as its carrier is called in a setup")
    add("--port", type=int, default=8800, help="on 127.0.0.1 (default 8800; 0 takes a free one)")
    add("--key", default="", help=f"makes the account's credentials (default: {KEY_VARIABLE})")
    add("--speed", type=float, default=4, help="how many times as fast as the vendor (default 4)")
    add("--outcomes", type=mix, default=DEFAULT_MIX, help='shares by code, such as "delivered=90,no_answer=10"')
    add("--quiet", action="store_true", help="do not show the credentials of a setup at it")
    add("--webhook-url", default="", help="the setup's callback address, where the vendor has one registered")


def from_arguments(arguments: Mapping[str, Any]) -> Vendor:
    """The vendor of parsed arguments. Raises ValueError with a sentence for a missing key or an impossible speed."""
    key = arguments["key"] or os.environ.get(KEY_VARIABLE, "")
    if not key:
        raise ValueError(f"A simulator needs --key or {KEY_VARIABLE} in the environment.")
    if not 0 < arguments["speed"] <= FASTEST:
        raise ValueError(f"--speed is more than 0 and at most {FASTEST:,}.")
    chosen = {name: arguments[name] for name in ("port", "speed", "outcomes", "webhook_url")}
    return simulator_class(arguments["name"])(Options(key, **chosen))
