"""Where a number could be left behind: watched while the platform works, and searched afterwards."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psycopg
from redis import Redis
from redis.exceptions import RedisError

from tests.privacy.markers import found_in

_TABLES = """
SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables
 WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
"""
_POLL_SECONDS = 0.002


class Watch:
    """Keeps what is in Redis, in files of temporary folders and in command lines only for a moment.

    A file is opened as soon as it is seen, so that it can be read after it was deleted.
    """

    def __init__(self, redis_url: str, folders: list[Path], processes: list[int]) -> None:
        self.commands: list[bytes] = []
        self.files: dict[tuple[int, int], int] = {}
        self.command_lines: set[bytes] = set()
        self._folders, self._processes = folders, processes
        self._redis = Redis.from_url(redis_url)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._monitor, self._poll)]

    def __enter__(self) -> Watch:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        with Redis.from_url(self._redis_url()) as other:
            other.ping()  # ends the wait for the next command
        for thread in self._threads:
            thread.join(10)
        self._redis.close()

    def _redis_url(self) -> str:
        options = self._redis.connection_pool.connection_kwargs
        return f"unix://{options['path']}" if "path" in options else f"redis://{options['host']}:{options['port']}"

    def _monitor(self) -> None:
        with suppress(RedisError, OSError), self._redis.monitor() as monitor:
            for command in monitor.listen():
                self.commands.append(str(command["command"]).encode())
                if self._stop.is_set():
                    return

    def _poll(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            for folder in self._folders:
                for path in folder.rglob("*"):
                    self._keep(path)
            for pid in self._processes:
                with suppress(OSError):
                    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                        self.command_lines.add(Path(f"/proc/{child}/cmdline").read_bytes())

    def _keep(self, path: Path) -> None:
        with suppress(OSError):
            found = path.lstat()
            if path.is_file() and not path.is_symlink() and (found.st_dev, found.st_ino) not in self.files:
                self.files[found.st_dev, found.st_ino] = os.open(path, os.O_RDONLY)

    def contents(self) -> Iterator[tuple[str, bytes]]:
        yield "a command to Redis", b"\n".join(self.commands)
        yield "a command line", b"\n".join(self.command_lines)
        for descriptor in self.files.values():
            os.lseek(descriptor, 0, os.SEEK_SET)
            with os.fdopen(descriptor, "rb") as file:
                yield "a temporary file", file.read()


def in_redis(url: str) -> Iterator[tuple[str, bytes]]:
    with Redis.from_url(url) as client:
        for key in client.scan_iter("*"):
            yield f"Redis: {key!r}", key + (client.dump(key) or b"")


def in_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The names and contents of all files."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(folder)), str(path).encode() + b"\n" + path.read_bytes()


def in_tables(url: str) -> Iterator[tuple[str, bytes]]:
    """Each row as text: columns of bytes in hexadecimal, in which the search looks too."""
    with psycopg.connect(url, autocommit=True) as connection:
        for (table,) in connection.execute(_TABLES).fetchall():
            rows = connection.execute(f"SELECT t::text FROM {table} t").fetchall()  # type: ignore[arg-type]
            yield f"table {table}", "\n".join(row[0] for row in rows).encode()


def searched(places: Mapping[str, bytes] | Iterator[tuple[str, bytes]]) -> dict[str, set[str]]:
    """The markers that were found, by place."""
    items = places.items() if isinstance(places, Mapping) else places
    return {name: found for name, content in items if (found := found_in(content))}
