"""The package of docs/contribute/adding-a-carrier.md is written as the page says, found by its entry points, and passes its tests."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from atexit import register
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from delivery.carriers import CARRIERS, GROUP, console, with_installed
from rvm.simulators import vendors
from tests.delivery.conftest import tls_files  # noqa: F401 - a fixture of the contract
from tests.docs.commands import commands_of
from tests.docs.pages import DOCS

PAGE = (DOCS / "contribute" / "adding-a-carrier.md").read_text()


def written() -> Path:
    """The folder in which the page's commands that write files have run."""
    folder = TemporaryDirectory()
    register(folder.cleanup)
    path = Path(folder.name)
    (path / "rvm_carrier_example" / "example").mkdir(parents=True)
    (path / "tests").mkdir()
    for command in commands_of(PAGE):
        if command.text.startswith("cat > "):
            subprocess.run(["bash", "-e"], input=command.text, text=True, cwd=path, check=True)
    return path


PACKAGE = written()
with pytest.MonkeyPatch.context() as _path:
    _path.syspath_prepend(PACKAGE)
    _path.syspath_prepend(PACKAGE / "tests")
    _tests = import_module("test_example")
# They are collected here, and run with the fixtures that the page's conftest.py takes.
TestExample = _tests.TestExample
test_sandbox_numbers_end_as_they_must = _tests.test_sandbox_numbers_end_as_they_must


def points(group: str) -> list[EntryPoint]:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    return [EntryPoint(name, value, group) for name, value in project["entry-points"][group].items()]


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    carriers, not_used = with_installed(CARRIERS, points(GROUP))
    assert not_used == []
    monkeypatch.setitem(CARRIERS, "example", carriers["example"])
    yield


def test_its_simulator_is_found_beside_ours() -> None:
    [point] = points(vendors.GROUP)
    assert point.load().name == point.name == "example"


def test_the_page_names_every_file_that_it_needs() -> None:
    made = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert made == {
        "pyproject.toml",
        "rvm_carrier_example/adapter.py",
        "rvm_carrier_example/simulator.py",
        "rvm_carrier_example/example/requests.json",
        "tests/conftest.py",
        "tests/test_example.py",
    }


def test_its_adapter_is_the_console_under_another_name_which_is_offered_to_nobody() -> None:
    assert "console" not in CARRIERS
    example = (PACKAGE / "rvm_carrier_example" / "adapter.py").read_text()
    ours = Path(console.__file__).read_text().replace("Console", "Example").replace("console", "example")
    assert _without_docstring(example) == _without_docstring(ours)


def _without_docstring(source: str) -> str:
    module = ast.parse(source)
    body = "\n".join(source.splitlines()[module.body[0].end_lineno :])
    return body.strip()
