"""The package of a workbook: its sheets by name, and the texts, styles and date system that they share."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple
from urllib.parse import unquote

from rvm.platform.observability.masking import mask_numbers
from rvm.spreadsheets.file_kinds import refuse_archive
from rvm.spreadsheets.ooxml.archive import Archive
from rvm.spreadsheets.ooxml.markup import elements, is_true
from rvm.spreadsheets.ooxml.refusals import damaged, too_large
from rvm.spreadsheets.ooxml.styles import Styles
from rvm.spreadsheets.ooxml.texts import Texts

Visibility = Literal["visible", "hidden", "very_hidden"]

MAX_SHEETS = 2_000
MAX_NAME_LENGTH = 100
_VISIBILITY: Mapping[str, Visibility] = {"hidden": "hidden", "veryHidden": "very_hidden"}
_CONTENT_TYPES = "[Content_Types].xml"
_EVERY_PACKAGE = (_CONTENT_TYPES, "_rels/.rels")


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook. `name` is unique in the workbook and has no phone number, because it is stored unencrypted. `part` has
    the sheet's cells."""

    name: str
    visibility: Visibility
    active: bool
    part: str


class _Relation(NamedTuple):
    kind: str
    part: str


class Package:
    """The parts of a workbook. The constructor and all properties and methods may raise SheetInvalid."""

    def __init__(self, content: bytes) -> None:
        self.archive = Archive(content)
        if not all(part in self.archive for part in _EVERY_PACKAGE):
            refuse_archive(self.archive.names)
        self._workbook = self._main_part()
        self._relations = self._relations_of(self._workbook)
        self.from_1904 = self.calculates_on_load = False
        self.sheets = self._read_workbook()

    @cached_property
    def texts(self) -> Texts:
        part = self._part("sharedStrings")
        return Texts() if part is None else Texts(self.archive, part)

    @cached_property
    def styles(self) -> Styles:
        part = self._part("styles")
        if part is None:
            return Styles([], {}, from_1904=self.from_1904)
        return Styles.read(self.archive, part, from_1904=self.from_1904)

    def comments_of(self, sheet: Sheet) -> str | None:
        """The part with the comments on the sheet's cells, or None."""
        relations = self._relations_of(sheet.part).values()
        return next((each.part for each in relations if each.kind == "comments" and each.part in self.archive), None)

    def _part(self, kind: str) -> str | None:
        return next((relation.part for relation in self._relations.values() if relation.kind == kind), None)

    def _main_part(self) -> str:
        """The main part of a workbook or template, with macros or without, by the relations and types of the archive."""
        types = {
            attributes.get("PartName", "").lstrip("/").lower(): attributes.get("ContentType", "").lower()
            for _, name, attributes in elements(self.archive.chunks(_CONTENT_TYPES))
            if name == "Override"
        }
        for relation in self._relations_of("").values():
            said = types.get(relation.part.lower(), "")
            if (
                relation.kind == "officeDocument"
                and said.endswith(".main+xml")
                and ("spreadsheetml" in said or "ms-excel" in said)
            ):
                return relation.part
        return refuse_archive(self.archive.names)

    def _relations_of(self, part: str) -> dict[str, _Relation]:
        """The relations of a part by their ids, without those to something outside the archive."""
        folder, name = posixpath.split(part)
        at = posixpath.join(folder, "_rels", f"{name}.rels")
        found = dict[str, _Relation]()
        if part and at not in self.archive:
            return found
        for _, element, attributes in elements(self.archive.chunks(at)):
            if element == "Relationship" and attributes.get("TargetMode") != "External":
                target = unquote(attributes.get("Target", "")).replace("\\", "/")
                at = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
                found[attributes.get("Id", "")] = _Relation(attributes.get("Type", "").rpartition("/")[2], at)
        return found

    def _read_workbook(self) -> list[Sheet]:
        """The sheets in the order of their tabs, without charts and dialogs. It also sets the settings of the workbook."""
        active, tabs = "0", list[dict[str, str]]()
        for parent, name, attributes in elements(self.archive.chunks(self._workbook)):
            if (parent, name) == ("sheets", "sheet"):
                tabs.append(attributes)
            elif (parent, name) == ("bookViews", "workbookView"):
                active = attributes.get("activeTab", "0")
            elif (parent, name) == ("workbook", "workbookPr"):
                self.from_1904 = is_true(attributes.get("date1904"))
            elif (parent, name) == ("workbook", "calcPr"):
                self.calculates_on_load = is_true(attributes.get("fullCalcOnLoad"))
        if len(tabs) > MAX_SHEETS:
            raise too_large()
        sheets, names = list[Sheet](), set[str]()
        for at, tab in enumerate(tabs):
            relation = self._relations.get(tab.get("id", ""))
            if relation is not None and relation.kind == "worksheet":
                visibility = _VISIBILITY.get(tab.get("state", ""), "visible")
                sheets.append(Sheet(_named(tab.get("name", ""), names), visibility, str(at) == active, relation.part))
        if not sheets:
            raise damaged()
        return sheets


def _named(name: str, taken: set[str]) -> str:
    """A printable and unique form of a sheet's name, without phone numbers; it is added to `taken`."""
    shown = mask_numbers(" ".join("".join(char if char.isprintable() else " " for char in name).split()))
    shown = shown[: MAX_NAME_LENGTH - 6] or "Sheet"
    unique, count = shown, 2
    while unique in taken:
        unique, count = f"{shown} ({count})", count + 1
    taken.add(unique)
    return unique
