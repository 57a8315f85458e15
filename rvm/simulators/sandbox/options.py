"""The command-line options of the sandbox carrier, for `manage.py sandbox` and `python -m rvm.simulators.sandbox`."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from rvm.simulators.sandbox import faults
from rvm.simulators.sandbox.faults import Faults
from rvm.simulators.sandbox.outcomes import DEFAULT_MIX, Mix

Value = TypeVar("Value")
KEY_VARIABLE = "RVM_SANDBOX_KEY"
SECRET_VARIABLE = "RVM_SANDBOX_SIGNING_SECRET"  # noqa: S105 - the variable's name


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one start. `report_retry_cap` is in seconds; port 0 means any free port."""

    key: str = field(repr=False)
    signing_secret: str = field(repr=False)
    port: int = 8800
    ledger: Path | None = None
    fetch_audio: bool = True
    audio_tries: int = 5
    latency_ms: float = 0
    report_after_ms: float = 500
    report_retry_cap: float = 5
    outcomes: Mix = DEFAULT_MIX
    seed: int = 1
    faults: Faults = faults.NONE
    allow_remote_urls: bool = False


def add_arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--port", type=int, default=8800, help="on 127.0.0.1 (default 8800; 0 takes a free one)")
    add("--key", default=None, help=f"the account's key (default: {KEY_VARIABLE})")
    add("--signing-secret", default=None, help=f"signs the callbacks (default: {SECRET_VARIABLE})")
    add("--ledger", type=Path, default=None, help="file of what was honoured; read again at the next start")
    add("--fetch-audio", action=BooleanOptionalAction, default=True, help="fetch and check every recording")
    add("--audio-tries", type=_within(int, 1, 20), default=5, help="tries to fetch a recording (default 5)")
    add("--latency-ms", type=_within(float, 0, 3_600_000), default=0, help="mean time to an answer (default 0)")
    add("--report-after-ms", type=_within(float, 0, 86_400_000), default=500, help="mean time to a report (500)")
    add(
        "--report-retry-cap",
        type=_within(float, 0.05, 3600),
        default=5,
        help="longest wait in s between tries of a report (5)",
    )
    add("--outcomes", type=mix, default=DEFAULT_MIX, help='shares by code, such as "delivered=90,no_answer=10"')
    add("--seed", type=int, default=1, help="of outcomes and faults (default 1)")
    add("--faults", type=_faults, default=faults.NONE, help='such as "throttle=0.05,hang=0.01"; see faults.py')
    add("--allow-remote-urls", action="store_true", help="also call and fetch from hosts other than this one")


def from_arguments(arguments: Mapping[str, Any]) -> Options:
    """The options from parsed arguments and the environment. Raises ValueError with a sentence for a missing key or secret."""
    values = {field.name: arguments[field.name] for field in fields(Options) if field.name in arguments}
    for name, variable in (("key", KEY_VARIABLE), ("signing_secret", SECRET_VARIABLE)):
        values[name] = values.get(name) or os.environ.get(variable, "")
        if not values[name]:
            raise ValueError(f"The sandbox carrier needs --{name.replace('_', '-')} or {variable} in the environment.")
    return Options(**values)


def _shares(text: str) -> dict[str, float]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    try:
        return {name.strip(): float(value) for name, _, value in pairs}
    except ValueError as error:
        raise ArgumentTypeError(f'{text!r} does not read like "name=number,name=number"') from error


def _built(build: Callable[[Mapping[str, float]], Value], text: str) -> Value:
    try:
        return build(_shares(text))
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def mix(text: str) -> Mix:
    """The mix of "name=number,name=number". Raises ArgumentTypeError."""
    return _built(Mix.of, text)


def _faults(text: str) -> Faults:
    return _built(Faults.of, text)


def _within(kind: Callable[[str], float], low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            raise ArgumentTypeError(f"{text} is not between {low:g} and {high:g}")
        return value

    return parse
