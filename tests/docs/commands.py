"""The shell commands of a page, each with what the page shows that it prints, and whether something else was printed.

A command is indented by four spaces and goes on until bash has read it whole; the indented lines below it are its answer, in which
`…` stands for anything.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

_BEGINS = re.compile(r"curl |cat |echo |export |git |kill |make |node |python |rvm |until |[A-Z_]+=")
_DOCUMENT = re.compile(r"^    .*<<'(\w+)'$")
# What is the same at each run, where the page shows it.
_FIXED = {"code", "decision", "guard", "kind", "live", "outcome", "reason", "role", "state", "status"}
_PAIR = re.compile(r'"(\w+)":\s*("(?:[^"…\\]*)"|true|false|null|-?\d+(?![\d.]))')


@dataclass(frozen=True)
class Command:
    """`shown`: the answer on the page, without its line ends; empty if it shows none."""

    text: str
    shown: str

    def __str__(self) -> str:
        return self.text

    @property
    def only_asks(self) -> bool:
        """Whether it can be repeated until what goes on in the background is done."""
        return self.text.startswith(("curl ", "cat ")) and not re.search(r" -(?:X|d|F|o) ", self.text)

    @property
    def is_a_start(self) -> bool:
        """Whether it is about the platform itself, or stands for the lines that `make up` prints."""
        return self.text.startswith(("git ", "make ")) or "<" in self.text.partition("<<")[0]


def commands_of(markdown: str) -> list[Command]:
    """The commands of a page, in their order."""
    blocks = groupby(_lines(markdown), key=lambda line: line[0])
    return [command for indented, block in blocks if indented for command in _of_block([line for _, line in block])]


def _lines(markdown: str) -> Iterator[tuple[bool, str]]:
    """Each line with whether it is indented, as an empty one within a document of the shell is, and without the indentation."""
    end = ""
    for line in markdown.splitlines():
        yield line.startswith("    ") or bool(end and not line), line[4:]
        if begun := _DOCUMENT.search(line):
            end = begun[1]
        elif line == f"    {end}":
            end = ""


def _of_block(lines: list[str]) -> Iterator[Command]:
    while lines:
        if not _BEGINS.match(lines[0]):
            lines = lines[1:]
            continue
        end = next(end for end in range(1, len(lines) + 1) if _is_whole("\n".join(lines[:end])) or end == len(lines))
        answer = next((place for place in range(end, len(lines)) if _BEGINS.match(lines[place])), len(lines))
        yield Command("\n".join(lines[:end]), "\n".join(lines[end:answer]))
        lines = lines[answer:]


def _is_whole(text: str) -> bool:
    if text.endswith("\\"):
        return False
    read = subprocess.run(["bash", "-n"], input=text + "\n", capture_output=True, text=True, check=False)
    return read.returncode == 0 and not read.stderr


def disagreement(command: Command, printed: str) -> str:
    """What of the printed answer is not as the page shows it, in words; empty if nothing is."""
    shown, printed = command.shown, printed.removeprefix("\ufeff")
    if not shown.strip():
        problem = '"type":' in printed and "/docs/problems" in printed and '"request_id":' in printed
        return "a problem, of which the page says nothing" if problem else ""
    if not shown.lstrip().startswith(("{", "[")):
        first = re.escape(shown.splitlines()[0]).replace("…", ".*")
        return "" if re.match(first, printed) else "another first line"
    try:
        found = dict[str, set[str]]()
        _collect(json.loads(printed), found)
    except ValueError:
        return "no JSON"
    missing = sorted(set(re.findall(r'"(\w+)":', shown)) - found.keys())
    if missing:
        return f"no {', '.join(missing)}"
    joined = re.sub(r"\n\s*", " ", shown)
    other = [f"{name} {value}" for name, value in _PAIR.findall(joined) if name in _FIXED and value not in found[name]]
    return f"no {', '.join(other)}" if other else ""


def _collect(value: Any, found: dict[str, set[str]]) -> None:
    """All keys of the JSON, with their plain values as JSON writes them."""
    if isinstance(value, dict):
        for name, entry in value.items():
            found.setdefault(name, set())
            if not isinstance(entry, dict | list):
                found[name].add(json.dumps(entry, ensure_ascii=False))
            _collect(entry, found)
    elif isinstance(value, list):
        for entry in value:
            _collect(entry, found)
