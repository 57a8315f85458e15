"""The tour of the architecture has the rooms that import-linter holds, the tables that exist, and a record of each decision."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
from django.apps import apps

from tests.docs.pages import CODE, DOCS, PROJECT, name_of, table, tracked_files, words

TOUR = DOCS / "architecture.md"
RECORDS = DOCS / "architecture" / "decisions"
SECTIONS = ["## Context", "## Decision", "## Consequences"]


def contracts() -> dict[str, list[str]]:
    """The layers of each import contract that has some, by the package that they are in; those of the packages under ''."""
    linter = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
    found = (contract for contract in linter["contracts"] if contract["type"] == "layers")
    return {contract.get("containers", [""])[0]: contract["layers"] for contract in found}


def drawn() -> dict[str, list[set[str]]]:
    """The boxes of the picture of the rooms, from the top: each with its rooms, those beside one another in one set."""
    boxes = re.findall(r"^ {4}┌ (\S+) ─[^\n]*\n((?: {4}│[^\n]*\n)*) {4}└", TOUR.read_text(), re.MULTILINE)
    rooms = {name: re.sub(r"[\s│]+", " ", lines).strip() for name, lines in boxes}
    return {
        name: [set(group.split(" · ")) for group in line.split(" ▸ ")] if line else [] for name, line in rooms.items()
    }


def test_the_layers_are_drawn_in_the_order_that_is_held() -> None:
    assert list(drawn()) == contracts()[""]


def test_the_rooms_of_a_layer_are_drawn_in_the_order_that_is_held() -> None:
    held = {name: [set(group.split(" | ")) for group in layers] for name, layers in contracts().items() if name}
    assert {name: groups for name, groups in drawn().items() if groups} == held


def test_a_module_that_calls_itself_pure_is_held_to_it() -> None:
    linter = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [held] = [each["source_modules"] for each in linter["contracts"] if each["name"].startswith("Pure modules")]
    files = [path for path in tracked_files() if path.suffix == ".py" and path.relative_to(PROJECT).parts[0] in CODE]
    calling = [path for path in files if re.search(r"\bPure\b", ast.get_docstring(ast.parse(path.read_text())) or "")]
    names = [name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in calling]
    assert len(names) > 40
    assert [name for name in names if not any(f"{name}.".startswith(f"{module}.") for module in held)] == []


def test_the_tables_are_described() -> None:
    models = {
        model.__name__
        for config in apps.get_app_configs()
        if config.name.split(".")[0] in CODE
        for model in config.get_models()
    }
    described = words(table(DOCS / "architecture" / "tables.md", "tables"))
    assert sorted(word for word in described if not word.startswith("campaigns_staged")) == sorted(models)


def records() -> list[Path]:
    return sorted(path for path in RECORDS.glob("*.md") if path.name != "README.md")


@pytest.mark.parametrize("record", records(), ids=name_of)
def test_a_record_has_its_number_its_date_and_its_reasons(record: Path) -> None:
    lines = record.read_text().splitlines()
    assert re.fullmatch(rf"# {record.name[:4]}: \S.*", lines[0])
    assert re.fullmatch(r"Date: 2\d\d\d-\d\d-\d\d", lines[2])
    assert [line for line in lines if line.startswith("## ")] == SECTIONS


def test_the_index_has_every_record_with_its_title_and_date() -> None:
    told = [(*re.findall(r"\((\S+)\)", row[0]), row[1], row[2]) for row in table(RECORDS / "README.md", "number")]
    heads = [(path.name, path.read_text().splitlines()) for path in records()]
    assert told == [(name, lines[0].partition(": ")[2], lines[2].removeprefix("Date: ")) for name, lines in heads]
    assert [int(name[:4]) for name, _ in heads] == list(range(1, len(heads) + 1))
