"""The wheel of the client is built without a network, and needs nothing of the platform."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from rvm_client.client import AGENT

from tests.docs.pages import PROJECT

SOURCES = PROJECT / "clients" / "python"
DEPENDENCIES = {"httpx", "rich", "standardwebhooks"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a copy, because setuptools leaves files beside its sources."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(SOURCES, folder / "python", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(folder / "python")]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    [made] = folder.glob("*.whl")
    return made


def test_the_wheel_has_every_module_and_says_that_it_is_typed(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("rvm_client/")}
    root = SOURCES / "src"
    assert packed == {str(path.relative_to(root)) for path in root.rglob("*.py")} | {"rvm_client/py.typed"}


def test_the_wheel_works_in_an_environment_without_the_platform(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "environment"
    venv.create(home, with_pip=False)
    [packages] = home.glob("lib/python*/site-packages")
    install = [shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv", "pip", "install", "--quiet"]
    options = ["--offline", "--no-deps", "--python", str(home / "bin" / "python")]
    subprocess.run([*install, *options, str(wheel)], check=True, capture_output=True)
    # The dependencies are those that are here; the platform itself is not installed among them.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "API", "RVM_API")}
    said = subprocess.run(
        [home / "bin" / "rvm", "watch", "01a20000-0000-7000-8000-000000000002"],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stdout) == (2, "") and said.stderr.startswith("rvm: RVM_API")
    found = [home / "bin" / "python", "-c", "import rvm_client; print(rvm_client.__file__); import rvm"]
    imported = subprocess.run(found, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False)
    assert imported.stdout.startswith(str(home)) and "No module named 'rvm'" in imported.stderr


def test_the_client_imports_its_dependencies_alone() -> None:
    described = tomllib.loads((SOURCES / "pyproject.toml").read_text())["project"]
    assert {line.partition(">")[0] for line in described["dependencies"]} == DEPENDENCIES
    assert f"{described['name']}/{described['version']}" == AGENT
    imported = set[str]()
    for path in (SOURCES / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            imported |= {name.partition(".")[0] for name in names}
    assert imported - sys.stdlib_module_names == DEPENDENCIES | {"rvm_client"}
