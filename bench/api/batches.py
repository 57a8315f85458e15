"""Batches of numbers with references, as in the documentation's example, against a list of the same rows that the plainest project
creates by `many=True`; one client, one request at a time."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import orjson
import psycopg

from bench.api.rounds import Side, alternate, median, ratio
from bench.api.scene import Scene, Sizes
from bench.api.sends import plain_row, recipient
from bench.api.servers import Server, plain_server
from bench.api.statements import counted, statements_of

_serial = count(1_000_000)
_COMMITS = 200


def measure(scene: Scene, sizes: Sizes, say: Callable[[str], None]) -> dict[str, float]:
    asked = statements_of(
        f"{scene.path}/voicemail/batch", [_body(scene, sizes) for _ in range(8)], next(scene.headers())
    )
    with plain_server() as plain:
        sides = {
            "rows in batches": Side(scene.server.pids, lambda: _ours(scene, sizes)),
            "by many=True": Side(plain.pids, lambda: _theirs(plain, scene, sizes)),
        }
        before = _commits()
        found = alternate(sides, sizes.batch_rounds, say)
        commits = before + _commits()
    ours = found["rows in batches"]
    return {
        "batch_ratio_drf": round(ratio(found, "rows in batches", "by many=True", lambda each: each.rate), 1),
        "batch_ratio_drf_by_cpu": round(
            1 / ratio(found, "rows in batches", "by many=True", lambda each: each.cpu_ms), 1
        ),
        "batch_ms": round(statistics.median(1000 * sizes.recipients / each.rate for each in ours), 1),
        "batch_cpu_ms": round(median(ours, lambda each: each.cpu_ms) * sizes.recipients, 1),
        "batch_statements": len(counted(asked)),
        "commit_ms": round(statistics.median(commits) * 1000, 2),
    }


def _commits() -> list[float]:
    """The seconds of commits that write next to nothing. `many=True` makes one for each row, a batch one for all: on a slow disk it
    waits for nothing else."""
    found = []
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        for _ in range(_COMMITS):
            begun = time.perf_counter()
            connection.execute("SELECT pg_logical_emit_message(true, 'bench', '')")
            found.append(time.perf_counter() - begun)
    return found


def _named(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in ("record_number", "metadata")}


def _body(scene: Scene, sizes: Sizes) -> bytes:
    recipients = [_named(recipient(next(_serial))) for _ in range(sizes.recipients)]
    shared = {"use_case_id": scene.use_case.pk, "recording_id": scene.recording.pk}
    return orjson.dumps({**shared, "recipients": recipients})


def _ours(scene: Scene, sizes: Sizes) -> Callable[[], int]:
    bodies = [_body(scene, sizes) for _ in range(sizes.batches)]

    def work() -> int:
        for body, headers in zip(bodies, scene.headers(), strict=False):
            answer = orjson.loads(_post(scene.server, f"{scene.path}/voicemail/batch", body, headers, 200))
            if answer["queued"] != sizes.recipients:
                raise RuntimeError(f"A batch of {sizes.recipients} queued {answer['queued']}.")
        return len(bodies) * sizes.recipients

    return work


def _theirs(plain: Server, scene: Scene, sizes: Sizes) -> Callable[[], int]:
    body = orjson.dumps([_named(plain_row(scene)) for _ in range(sizes.recipients)])
    headers = {"Authorization": f"Token {plain.token}", "Content-Type": "application/json"}

    def work() -> int:
        _post(plain, "/voicemail/batch/", body, headers, 201)
        return sizes.recipients

    return work


def _post(server: Server, path: str, body: bytes, headers: dict[str, str], expected: int) -> bytes:
    with closing(HTTPConnection("127.0.0.1", urlsplit(server.address).port or 0, timeout=120)) as connection:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        answer = response.read()
    if response.status != expected:
        raise RuntimeError(f"{path} answered {response.status} {answer[:300]!r}")
    return answer
