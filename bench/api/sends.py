"""JSON sends, with every value that a send may have, against the creation of the same row by the plainest project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import orjson

from bench.api.rounds import Round, Side, alternate, median, ratio
from bench.api.scene import Scene, Sizes, patient
from bench.api.servers import Server, plain_server
from bench.api.statements import counted, statements_of
from bench.callbacks import post
from delivery.transport.interface import CarrierRequest

_serial = count()


def measure(scene: Scene, sizes: Sizes, say: Callable[[str], None]) -> dict[str, float]:
    asked = statements_of(f"{scene.path}/voicemail", [body(scene) for _ in range(8)], next(scene.headers()))
    for number, statement in enumerate(counted(asked), 1):
        say(f"{number:>3} {' '.join(statement.split())[:140]}")
    with ExitStack() as exits:
        plain = exits.enter_context(plain_server())
        sides = {
            "sends": Side(scene.server.pids, lambda: _posting(_ours(scene, sizes.sends))),
            "plain": Side(plain.pids, lambda: _posting(_theirs(plain, scene, sizes.sends))),
            "with an idempotency key": Side(
                scene.server.pids, lambda: _posting(_ours(scene, sizes.sends, idempotent=True))
            ),
        }
        found = alternate(sides, sizes.send_rounds, say)
    return {
        "send_ratio_drf": round(ratio(found, "sends", "plain", lambda each: each.rate), 2),
        "send_ratio_drf_by_cpu": round(ratio(found, "plain", "sends", lambda each: each.cpu_ms), 2),
        "send_ratio_drf_idempotent": round(ratio(found, "with an idempotency key", "plain", lambda each: each.rate), 2),
        "send_statements": len(counted(asked)),
        **_figures("send", found["sends"]),
        **_figures("plain", found["plain"]),
    }


def _figures(name: str, rounds: list[Round]) -> dict[str, float]:
    return {
        f"{name}_per_second": round(median(rounds, lambda each: each.rate)),
        f"{name}_cpu_ms": round(median(rounds, lambda each: each.cpu_ms), 2),
        f"{name}_web_cpu_ms": round(median(rounds, lambda each: each.spent.worker_cpu * 1000 / each.count), 2),
    }


def recipient(serial: int) -> dict[str, Any]:
    """What is said of one person, of a single send and of a batch."""
    return {
        "recipient_phone_number": patient(serial),
        "reference": f"appointment-{serial}",
        "record_number": f"MRN {serial:07}",
        "metadata": {"clinic": "Lakeside", "visit": serial},
    }


def body(scene: Scene) -> bytes:
    shared = {"use_case_id": scene.use_case.pk, "recording_id": scene.recording.pk}
    return orjson.dumps({**shared, **recipient(next(_serial))})


def plain_row(scene: Scene) -> dict[str, Any]:
    """The same values by the plain table's names."""
    values = recipient(next(_serial))
    values["recipient"] = values.pop("recipient_phone_number")
    return {"use_case_id": scene.use_case.pk, "recording_id": scene.recording.pk, **values}


def _ours(scene: Scene, sends: int, *, idempotent: bool = False) -> Iterator[CarrierRequest]:
    url = f"{scene.server.address}{scene.path}/voicemail"
    for headers, _ in zip(scene.headers(), range(sends), strict=False):
        key = {"Idempotency-Key": f"send-{next(_serial)}"} if idempotent else {}
        lines = tuple(f"{name}: {value}" for name, value in {**headers, **key}.items())
        yield CarrierRequest("POST", url, lines, body(scene))


def _theirs(plain: Server, scene: Scene, sends: int) -> Iterator[CarrierRequest]:
    lines = (f"Authorization: Token {plain.token}", "Content-Type: application/json")
    for _ in range(sends):
        yield CarrierRequest("POST", f"{plain.address}/voicemail/", lines, orjson.dumps(plain_row(scene)))


def _posting(requests: Iterator[CarrierRequest]) -> Callable[[], int]:
    made = list(requests)

    def work() -> int:
        statuses = post(made)
        if statuses != Counter({201: len(made)}):
            raise RuntimeError(f"The sends were answered with {dict(statuses)}.")
        return len(made)

    return work
