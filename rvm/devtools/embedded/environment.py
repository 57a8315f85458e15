"""The environment variables that a local process needs, and the servers behind them, which run as long as it does.

The first process of a project starts and owns the servers. Later processes share them through `services.json`, so
`make up` in one terminal and a command in another see the same data.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from rvm.devtools.embedded import postgres, programs, redis, secrets
from rvm.devtools.embedded.processes import POLL_SECONDS, Account, ServerError, unprivileged_account

log = logging.getLogger(__name__)

PROJECT = Path(__file__).resolve().parents[3]
SERVICES = ("DATABASE_URL", "REDIS_URL")
# Socket addresses hold 107 bytes, so sockets live in short private directories here.
SOCKETS_PREFIX = "rvm-"
SOCKETS_PARENT = Path("/tmp")  # noqa: S108 - only private directories made by mkdtemp
SHARE_PATIENCE_SECONDS = 60.0
ABANDONED_AFTER_SECONDS = 60.0
_local: set[str] = set()


@contextmanager
def local_services(directory: Path | None = None, *, ephemeral: bool = False) -> Iterator[dict[str, str]]:
    """Yield DATABASE_URL, REDIS_URL, RVM_SECRET_KEY, RVM_ENCRYPTION_KEYS and RVM_INDEX_KEYS, then stop the started servers.

    A variable that is set in the environment is yielded unchanged, and no server or secret is created for it. Data and
    secrets are kept in `directory` (by default the project's `.rvm`), or with `ephemeral` in a temporary directory that
    is deleted at the end. Raises ServerError, whose text is for the user at the terminal.
    """
    given = {name: os.environ[name] for name in (*SERVICES, *secrets.NAMES) if os.environ.get(name)}
    wanted = [name for name in SERVICES if name not in given]
    with ExitStack() as stack:
        if ephemeral:
            made = secrets.generated()
            if wanted:
                made |= stack.enter_context(_started(None, wanted))
        else:
            home = _home(directory or PROJECT / ".rvm")
            made = secrets.kept(home)
            if wanted:
                made |= stack.enter_context(_started_or_shared(home, wanted))
        _local.update(made[name] for name in wanted)
        yield made | given


def is_local(url: str) -> bool:
    """Whether it is the address of a server that this process has started, or shares with another of this project."""
    return url in _local


def _home(directory: Path) -> Path:
    """The data directory: `directory`, or a substitute if the process is root and the servers' account cannot reach it."""
    home = directory.resolve()
    nearest = next(path for path in home.parents if path.exists())
    if os.geteuid() == 0 and not programs.open_to_others(nearest):
        home = programs.ROOT_CACHE / hashlib.sha256(str(home).encode()).hexdigest()[:12]
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.geteuid() == 0:  # the server's account must traverse it; the files in it have modes of their own
        home.chmod(0o755)
        if home.parent == programs.ROOT_CACHE:
            home.parent.chmod(0o755)
    if not os.access(home, os.W_OK):
        raise ServerError(
            f"{home} belongs to another user, perhaps because root ran here once. Remove it, or run as that user."
        )
    return home


@contextmanager
def _started_or_shared(home: Path, wanted: list[str]) -> Iterator[dict[str, str]]:
    notes = home / "services.json"
    deadline = time.monotonic() + SHARE_PATIENCE_SECONDS
    with (home / "lock").open("a") as lock:
        while not _locked(lock.fileno()):
            if shared := _saved_urls(notes, wanted):
                yield shared
                return
            if time.monotonic() > deadline:
                raise ServerError(
                    f"Another process holds {home} and has not offered its servers for {SHARE_PATIENCE_SECONDS:.0f} "
                    "seconds. Stop the other `make up` or `make demo`, or set DATABASE_URL and REDIS_URL to "
                    "servers of your own."
                )
            time.sleep(POLL_SECONDS)
        notes.unlink(missing_ok=True)  # left by a killed run
        with _started(home, wanted) as urls:
            _save_urls(notes, urls)
            try:
                yield urls
            finally:
                notes.unlink(missing_ok=True)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _save_urls(notes: Path, urls: dict[str, str]) -> None:
    draft = notes.with_suffix(".draft")
    draft.write_text(json.dumps({"process": os.getpid(), "urls": urls}))
    draft.replace(notes)


def _saved_urls(notes: Path, wanted: list[str]) -> dict[str, str] | None:
    try:
        found = json.loads(notes.read_text())
    except (OSError, ValueError):
        return None
    urls: dict[str, str] = found["urls"]
    if missing := [name for name in wanted if name not in urls]:
        raise ServerError(
            f"Process {found['process']} already runs this project's servers, but was given {' and '.join(missing)} "
            f"by its environment. Set {' and '.join(missing)} here as well, or stop that process first."
        )
    log.info("Sharing the servers of process %s; they stop when it stops.", found["process"])
    return {name: urls[name] for name in wanted}


@contextmanager
def _started(home: Path | None, wanted: list[str]) -> Iterator[dict[str, str]]:
    account = unprivileged_account()
    urls: dict[str, str] = {}
    with ExitStack() as stack:
        sockets = stack.enter_context(_private_directory(account))
        if "REDIS_URL" in wanted:
            urls["REDIS_URL"] = stack.enter_context(redis.running(home or sockets, sockets, account=account))
        if "DATABASE_URL" in wanted:
            urls["DATABASE_URL"] = stack.enter_context(
                postgres.running(home or sockets, sockets, account=account, ephemeral=home is None)
            )
        yield urls


@contextmanager
def _private_directory(account: Account | None) -> Iterator[Path]:
    """A directory with a short path for sockets, locked while in use, so that a later run can remove unlocked ones."""
    _remove_abandoned()
    path = Path(tempfile.mkdtemp(prefix=SOCKETS_PREFIX, dir=SOCKETS_PARENT))
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if account:
            os.chown(path, *account)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(handle)


def _remove_abandoned() -> None:
    for path in SOCKETS_PARENT.glob(f"{SOCKETS_PREFIX}????????"):
        with suppress(OSError):  # it belongs to another user or was removed meanwhile
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if time.time() - path.stat().st_mtime > ABANDONED_AFTER_SECONDS and _locked(handle):  # noqa: TID251 - the same machine's
                    shutil.rmtree(path)
            finally:
                os.close(handle)
