"""A flood of callbacks under load: replayed, forged, stale, and about unknown drops."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import pytest

from tests.chaos.conftest import Play
from tests.chaos.scene import Scene, exchange, ledger_lines

pytestmark = pytest.mark.chaos

FLOOD = 50_000
AT_A_TIME = 200


def test_a_flood_of_callbacks_changes_nothing_but_by_what_is_genuine(play: Play) -> None:
    with play() as scene:
        scene.queue(300)
        scene.wait_for_drops(100)
        genuine = scene.wait("a report was acknowledged", lambda: final_events(scene))
        pending = scene.rows("SELECT id FROM delivery_drop WHERE status IN ('sending', 'accepted')")
        forged = [event(str(row[0]), "failed", "opted_out") for row in pending] or [event(str(uuid.uuid4()), "failed")]
        unknown = (event(str(uuid.uuid4()), "delivered") for _ in range(FLOOD // 2))
        with ThreadPoolExecutor(8) as threads:
            answers = [
                threads.submit(post, scene, forged, secret="not-the-secret"),
                threads.submit(post, scene, forged, secret=scene.stack.signing_secret, age=3600),
                threads.submit(post, scene, forged, secret=None),
            ]
            repeated = (genuine[number % len(genuine)] for number in range(FLOOD // 2))
            taken = [
                threads.submit(post, scene, events, secret=scene.stack.signing_secret)
                for source in (repeated, unknown)
                for events in batches(source)
            ]
            assert {answer.result() for answer in answers} == {401}
            assert {answer.result() for answer in taken} == {200}
        scene.wait("the inbox is merged", lambda: not unmerged(scene))
        kept = dict(scene.rows("SELECT effect, count(*) FROM delivery_carrierreport GROUP BY effect"))
        assert kept["unknown_drop"] == FLOOD // 2 and kept["kept"] >= FLOOD // 2
        assert not scene.rows("SELECT id FROM delivery_voicemail WHERE reason = 'opted_out'")


def final_events(scene: Scene) -> list[dict[str, Any]]:
    """Events that the sandbox has reported and that were acknowledged, unchanged."""
    ledger = ledger_lines(scene.stack.ledger)
    reported = {drop for line in ledger if line["t"] == "reported" for drop in line["ids"]}
    keys = {line["id"]: line["key"] for line in ledger if line["t"] == "accepted"}
    return [
        event(keys[line["id"]], line["status"], line["code"], line["id"])
        for line in ledger
        if line["t"] == "status" and line["id"] in reported
    ]


def event(key: str, status: str, code: str = "", drop: str = "drop_0") -> dict[str, Any]:
    at = "2026-01-01T00:00:00.000Z"
    facts = {"event_id": f"evt_{drop}_{status}", "id": drop, "reference": key, "text": "", "occurred_at": at}
    return facts | {"status": status, "code": code or status}


def post(scene: Scene, events: list[dict[str, Any]], *, secret: str | None, age: int = 0) -> int:
    body = json.dumps({"events": events}).encode()
    stamp = str(int(time.time()) - age)
    headers = {"Content-Type": "application/json", "X-Sandbox-Timestamp": stamp}
    if secret is not None:
        digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers["X-Sandbox-Signature"] = f"sha256={digest}"
    return exchange(scene.stack.web_port, "POST", f"/carriers/{scene.token}/", body, headers)[0]


def unmerged(scene: Scene) -> int:
    return int(scene.rows("SELECT count(*) FROM delivery_carrierreport WHERE merged_at IS NULL")[0][0])


def batches(events: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    remaining = iter(events)
    while batch := list(islice(remaining, AT_A_TIME)):
        yield batch
