"""Dates and times by their number formats. A serial number counts days: 1 is 1 January 1900, or in the other system 2 January 1904.

A date in digits only becomes ISO 8601 of the parts that are shown, because some readers take 1/2 for a day of January and others for
one of February. A date with a name of a weekday or month or with words of the format, and a part of a date, stay as they are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

# The text for a number that is not a date; a spreadsheet program shows ########.
NO_DATE = "#VALUE!"
_END = 2_958_466  # 1 January 10000
_DAYS_UNTIL_1904 = 1462
_DAY_MS = 86_400_000


class Token(NamedTuple):
    """A token of a number format; its kinds are the groups of `_TOKEN` in `number_formats`, and `elapsed`."""

    kind: str
    text: str


class NotUnderstood(Exception):
    """The number format has something whose meaning is not known here."""


class Language(NamedTuple):
    """The names of the weekdays from Sunday and of the months from January; their first three letters are the abbreviations."""

    days: Sequence[str]
    months: Sequence[str]


def _language(days: str, months: str) -> Language:
    return Language(days.split(), months.split())


ENGLISH = _language(
    "Sunday Monday Tuesday Wednesday Thursday Friday Saturday",
    "January February March April May June July August September October November December",
)
SPANISH = _language(
    "domingo lunes martes miércoles jueves viernes sábado",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
)
# The languages by the last ten bits of their Windows number, which are the same for all countries.
LANGUAGES = {0x09: ENGLISH, 0x0A: SPANISH}


class _Moment(NamedTuple):
    """A date and time. `weekday` is 0 on Sundays, `ms` is the time of day, and `elapsed_ms` is the time since day 0."""

    year: int
    month: int
    day: int
    weekday: int
    ms: int
    elapsed_ms: int

    @property
    def hour(self) -> int:
        return self.ms // 3_600_000

    @property
    def minute(self) -> int:
        return self.ms // 60_000 % 60

    @property
    def second(self) -> int:
        return self.ms // 1000 % 60


class DateFormat:
    """A format of dates or times. Its constructor raises NotUnderstood."""

    def __init__(self, tokens: Sequence[Token], language: Language | None, *, from_1904: bool) -> None:
        self._parts = list(_parts(tokens))
        self._language, self._from_1904 = language or ENGLISH, from_1904
        units = {part.kind: len(part.text) for part in self._parts if part.kind != "word"}
        self._twelve = "half" in units
        self._rounded_to_ms = 1 if "fraction" in units else 1000
        words = any(char.isalnum() for part in self._parts if part.kind == "word" for char in part.text)
        named = units.get("day", 0) > 2 or units.get("month", 0) > 2
        if named and language is None:
            raise NotUnderstood
        self._has_date = {"year", "month", "day"} <= units.keys()
        self._has_time, self._has_seconds = "hour" in units, "second" in units
        clock = {"hour", "minute"} <= units.keys() <= {"hour", "minute", "second"}
        self._iso = not words and not named and (self._has_date or clock) and not any("all" in unit for unit in units)

    def shown(self, serial: Decimal) -> str:
        moment = _moment(serial, self._rounded_to_ms, from_1904=self._from_1904)
        if moment is None:
            return NO_DATE
        if self._iso:
            return self._in_digits(moment)
        return "".join(self._said(part, moment) for part in self._parts).strip()

    def _in_digits(self, moment: _Moment) -> str:
        day = f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
        time = f"{moment.hour:02}:{moment.minute:02}" + (f":{moment.second:02}" if self._has_seconds else "")
        if not self._has_date:
            return time
        # Cells with a date only have the time 00:00.
        return f"{day} {time}" if self._has_time and moment.ms else day

    def _said(self, part: Token, moment: _Moment) -> str:
        kind, text = part
        if kind == "word":
            return text
        if kind == "half":
            before_noon, _, after_noon = text.partition("/")
            return after_noon if moment.hour >= 12 else before_noon
        if kind in ("day", "month") and len(text) > 2:
            return self._name(kind, len(text), moment)
        number = self._number(kind, moment)
        if kind == "year":
            return f"{number:04}" if len(text) > 2 else f"{number % 100:02}"
        if kind == "fraction":
            return f"{number:03}"[: len(text)].ljust(len(text), "0")
        return f"{number:0{len(text)}}"

    def _name(self, kind: str, length: int, moment: _Moment) -> str:
        name = self._language.days[moment.weekday] if kind == "day" else self._language.months[moment.month - 1]
        return name[:3] if length == 3 else name[:1] if length == 5 else name

    def _number(self, kind: str, moment: _Moment) -> int:
        if kind == "hour" and self._twelve:
            return moment.hour % 12 or 12
        whole = {
            "fraction": moment.ms % 1000,
            "all hours": moment.elapsed_ms // 3_600_000,
            "all minutes": moment.elapsed_ms // 60_000,
            "all seconds": moment.elapsed_ms // 1000,
        }
        return whole[kind] if kind in whole else int(getattr(moment, kind))


_UNITS = {"y": "year", "m": "month", "d": "day", "h": "hour", "s": "second"}
_ALL = {"h": "all hours", "m": "all minutes", "s": "all seconds"}


def _parts(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens with the parts of a moment as kinds: m is the minute behind an hour or in front of a second, else the month."""
    letters = [token.text[0].lower() if token.kind in ("date", "elapsed") else "" for token in tokens]
    for at, (kind, text) in enumerate(tokens):
        if kind == "date":
            before = next(filter(None, reversed(letters[:at])), "")
            after = next(filter(None, letters[at + 1 :]), "")
            minute = letters[at] == "m" and len(text) < 3 and (before == "h" or after == "s")
            yield Token("minute" if minute else _UNITS[letters[at]], text)
        elif kind == "elapsed":
            yield Token(_ALL[letters[at]], text)
        elif kind == "digit":
            yield Token("fraction", text)
        elif kind in ("word", "sign", "other", "slash", "comma", "point"):
            yield Token("word", text)
        elif kind == "half":
            yield Token("half", text)
        elif kind not in ("gap", "fill"):
            raise NotUnderstood


def _moment(serial: Decimal, rounded_to_ms: int, *, from_1904: bool) -> _Moment | None:
    ms = int((serial * _DAY_MS / rounded_to_ms).to_integral_value(ROUND_HALF_UP)) * rounded_to_ms
    days, in_day = divmod(ms, _DAY_MS)
    counted = days + _DAYS_UNTIL_1904 if from_1904 else days
    if days < 0 or counted >= _END:
        return None
    if counted == 60 and not from_1904:  # spreadsheet programs take 1900 for a leap year
        year, month, day = 1900, 2, 29
    elif counted == 0:
        year, month, day = 1900, 1, 0
    else:
        found = date(1899, 12, 31 if counted < 60 else 30) + timedelta(days=counted)
        year, month, day = found.year, found.month, found.day
    return _Moment(year, month, day, (counted - 1) % 7, in_day, ms)


def serial_of(text: str, *, from_1904: bool) -> str:
    """The serial number of a moment that a file has in ISO 8601. Raises ValueError."""
    moment = datetime.fromisoformat(text.removesuffix("Z"))
    days = (moment.replace(tzinfo=None) - datetime(1899, 12, 30)) / timedelta(days=1)  # noqa: DTZ001 - as the file has it
    return repr(days - _DAYS_UNTIL_1904 if from_1904 else days)
