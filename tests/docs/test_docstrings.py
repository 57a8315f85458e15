"""Docstrings begin with the thing's noun or with an indicative verb (docs/contribute/style.md)."""

from __future__ import annotations

import ast

from tests.docs.pages import modules, name_of

# The first words of sentences about somebody or some time that have no noun of their own.
NO_NOUNS = {"Who", "Whom", "Whose", "Whoever", "When", "Whenever", "Where", "Wherever", "Those", "Nobody"}
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def test_no_docstring_begins_with_a_word_that_names_no_thing() -> None:
    documented = [
        (path, text)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, _Documented) and (text := ast.get_docstring(node))
    ]
    assert len(documented) > 1000
    assert [f"{name_of(path)}: {text}" for path, text in documented if text.split()[0].strip(",") in NO_NOUNS] == []
