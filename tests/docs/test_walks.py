"""The walks through the code go over files that exist, each named by one before it, and are as long as they say."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import DOCS, PROJECT

WALKS = [part for part in (DOCS / "architecture" / "walks.md").read_text().split("\n## ")[1:] if part]
STEP = re.compile(r"^(\d+)\. `([^`]+)` — \S", re.MULTILINE)


def module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def named_in(path: str) -> set[str]:
    """The modules that a file imports, and those that it names in a text, as wake-ups name their jobs."""
    named = set()
    for node in ast.walk(ast.parse((PROJECT / path).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named.add(node.value.rpartition(".")[0])
    return named


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.partition("\n")[0])
def test_a_walk_goes_from_file_to_file_and_counts_them(walk: str) -> None:
    steps = STEP.findall(walk)
    paths = [path for _, path in steps]
    assert [int(number) for number, _ in steps] == list(range(1, len(steps) + 1))
    assert re.findall(r"^(\d+) files on the main way", walk, re.MULTILINE) == [str(len(steps))]
    assert len(set(paths)) == len(paths)
    before: set[str] = {module_of(paths[0])}
    for path in paths:
        assert module_of(path) in before, f"no file before {path} names it"
        before |= named_in(path)
