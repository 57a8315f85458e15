"""The walks through the code go over files that exist, each named by one before it, and are as long as they say."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.docs.pages import DOCS, PROJECT, WORD

WALKS = [part for part in (DOCS / "architecture" / "walks.md").read_text().split("\n## ")[1:] if part]
# A step with all of its lines, and a row of the table of other cases.
STEP = re.compile(r"^(\d+)\. `([^`]+)` — (\S.*(?:\n {3,4}\S.*)*)", re.MULTILINE)
ROW = re.compile(r"^\| (?!other case)[^|-][^|]*\| (.*) \|$", re.MULTILINE)


def module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def tree_of(path: str) -> ast.Module:
    return ast.parse((PROJECT / path).read_text())


def named_in(path: str) -> set[str]:
    """The modules that a file imports, and those that it names in a text, as wake-ups name their jobs."""
    named = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named.add(node.value.rpartition(".")[0])
    return named


def defined_in(body: list[ast.stmt]) -> set[str]:
    """The functions, classes and constants of a module or a class; members of classes as `Class.member`."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{member}" for member in defined_in(node.body)}
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def told(walk: str) -> list[tuple[str, str]]:
    """Each name in backquotes, with the file in backquotes before it: that of its step, or of its row."""
    texts = [f"`{path}` {text}" for _, path, text in STEP.findall(walk)] + ROW.findall(walk)
    found = []
    for text in texts:
        path = ""
        for word in WORD.findall(text):
            if "/" in word:
                path = word
            else:
                found.append((path, word))
    return found


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.partition("\n")[0])
def test_a_walk_goes_from_file_to_file_and_counts_them(walk: str) -> None:
    steps = STEP.findall(walk)
    paths = [path for _, path, _ in steps]
    assert [int(number) for number, _, _ in steps] == list(range(1, len(steps) + 1))
    assert re.findall(r"^(\d+) files on the main way", walk, re.MULTILINE) == [str(len(steps))]
    assert len(set(paths)) == len(paths)
    before: set[str] = {module_of(paths[0])}
    for path in paths:
        assert module_of(path) in before, f"no file before {path} names it"
        before |= named_in(path)


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.partition("\n")[0])
def test_the_names_that_a_walk_tells_of_a_file_are_the_files(walk: str) -> None:
    names = told(walk)
    assert len(names) > len(STEP.findall(walk)) / 2
    assert [f"{path}: {name}" for path, name in names if name not in defined_in(tree_of(path).body)] == []
