"""The details of audit events as lines for people: what was changed from which value to which, and what else is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.utils.text import Truncator

from rvm.platform.times import moments

# What an old and a new value are kept under: {"changes": {"role": ["viewer", "admin"]}}.
CHANGES = "changes"
MAX_ENTRIES = 10
MAX_LENGTH = 300

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CODE = re.compile(r"[a-z_]+")
_NOTHING: tuple[Any, ...] = (None, "", [], {}, "None")


def lines_of(details: Mapping[str, Any]) -> list[str]:
    """The details as lines, the changes first; empty values are left out."""
    changed = [_changed(name, *pair) for name, pair in _changes(details.get(CHANGES))]
    rest = {name: value for name, value in details.items() if not (name == CHANGES and changed)}
    return [*changed, *_told(rest)]


def _changes(value: Any) -> Iterable[tuple[str, list[Any]]]:
    """The names with old and new value; nothing if the value has another form."""
    pairs = value.items() if isinstance(value, Mapping) else ()
    return pairs if all(isinstance(pair, list) and len(pair) == 2 for _, pair in pairs) else ()


def _changed(name: str, old: Any, new: Any) -> str:
    return Truncator(f"{_label(name)}: {_text(old) or 'nothing'} → {_text(new) or 'nothing'}").chars(MAX_LENGTH)


def _told(details: Mapping[str, Any]) -> Iterator[str]:
    for name, value in details.items():
        if value not in _NOTHING:
            yield Truncator(f"{_label(name)}: {_text(value)}").chars(MAX_LENGTH)


def _label(name: str) -> str:
    text = name.rpartition(".")[2].replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _text(value: Any) -> str:
    if value in _NOTHING and value is not False:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return _joined([f"{str(name).replace('_', ' ')} {_text(entry)}" for name, entry in value.items()])
    if isinstance(value, list):
        return _joined([_text(entry) for entry in value])
    text = {"True": "yes", "False": "no"}.get(str(value), str(value))
    if _TIME.fullmatch(text):
        return _time(text)
    if _DIGEST.fullmatch(text):
        return f"{text[:12]}…"
    return text.replace("_", " ") if _CODE.fullmatch(text) else text


def _joined(texts: list[str]) -> str:
    more = len(texts) - MAX_ENTRIES
    return ", ".join([*texts[:MAX_ENTRIES], *([f"and {more:,} more"] if more > 0 else [])])


def _time(text: str) -> str:
    try:
        return moments.moment_to_the_second(datetime.fromisoformat(text))
    except ValueError:
        return text
