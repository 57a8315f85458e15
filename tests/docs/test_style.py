"""Rules of docs/contribute/style.md that no linter has: types are not passed over, and docstrings begin with what they are about."""

from __future__ import annotations

import ast

from tests.docs.pages import PROJECT, modules, name_of, tracked_files

MAX_UNTYPED_ATTRIBUTES = 8
_PASSED_OVER = "type: ignore[attr" + "-defined]"
# The first words of sentences about somebody or some time that have no noun of their own.
NO_NOUNS = {"Who", "Whom", "Whose", "Whoever", "When", "Whenever", "Where", "Wherever", "Those", "Nobody"}
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def test_few_attributes_are_used_that_their_type_lacks() -> None:
    product = [
        path for path in tracked_files() if path.suffix == ".py" and "tests" not in path.relative_to(PROJECT).parts
    ]
    found = [path for path in product for line in path.read_text().splitlines() if _PASSED_OVER in line]
    assert len(product) > 500
    assert len(found) <= MAX_UNTYPED_ATTRIBUTES, found


def test_no_docstring_begins_with_a_word_that_names_no_thing() -> None:
    documented = [
        (path, text)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, _Documented) and (text := ast.get_docstring(node))
    ]
    assert len(documented) > 1000
    assert [f"{name_of(path)}: {text}" for path, text in documented if text.split()[0].strip(",") in NO_NOUNS] == []
