"""A place of its own for each test's servers, and an environment that names none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rvm.devtools.embedded import environment, secrets


@pytest.fixture
def directory() -> Iterator[Path]:
    """Open to `nobody`, who serves PostgreSQL when root runs the tests; pytest's own tmp_path is closed to others."""
    path = Path(tempfile.mkdtemp(prefix="test-embedded-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*environment.SERVICES, *secrets.NAMES):
        monkeypatch.delenv(name, raising=False)
