"""What a browser posts of a form that it was sent: each field as it stands on the page."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

_NOT_POSTED = {"submit", "button", "reset", "image", "file"}


class _Forms(HTMLParser):
    """The forms of a page, each as its attributes and its fields; of a choice the chosen entries, or of a single one the first."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[dict[str, str | None], dict[str, list[str]]]] = []
        self._select: tuple[str, bool, list[str]] | None = None
        self._first: str | None = None
        self._area: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        if tag == "form":
            self.forms.append((named, {}))
        elif not self.forms or "disabled" in named:
            return
        elif tag == "input" and named.get("name") and named.get("type") not in _NOT_POSTED:
            ticks = named.get("type") in ("checkbox", "radio")
            if not ticks or "checked" in named:
                self._add(named["name"] or "", named.get("value", "on" if ticks else "") or "")
        elif tag == "select" and named.get("name"):
            self._select, self._first = (named["name"] or "", "multiple" in named, []), None
        elif tag == "option" and self._select is not None:
            value = named.get("value") or ""
            self._first = value if self._first is None else self._first
            if "selected" in named:
                self._select[2].append(value)
        elif tag == "textarea" and named.get("name"):
            self._area = named["name"] or "", []

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select is not None:
            name, several, chosen = self._select
            for value in chosen or ([] if several or self._first is None else [self._first]):
                self._add(name, value)
            self._select = None
        elif tag == "textarea" and self._area is not None:
            name, texts = self._area
            self._add(name, "".join(texts).removeprefix("\n"))
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area[1].append(data)

    def _add(self, name: str, value: str) -> None:
        self.forms[-1][1].setdefault(name, []).append(value)


def posted(response: Any, identifier: str) -> dict[str, list[str]]:
    """The fields of the form with this id, or whose address ends with it, in the response. Raises LookupError."""
    parser = _Forms()
    parser.feed(response.content.decode())
    for attributes, fields in parser.forms:
        if attributes.get("id") == identifier or (attributes.get("action") or "").endswith(identifier):
            return fields
    raise LookupError(
        f"The page has no form “{identifier}”, but {[a.get('id') or a.get('action') for a, _ in parser.forms]}."
    )
