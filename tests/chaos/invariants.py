"""Invariants at the end of a scene, checked against the sandbox's ledger and not against the platform's own tables alone."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from delivery.lifecycle.reasons import REASONS, Reason
from rvm.simulators.sandbox.ledger import read_ledger
from tests.chaos.scene import TERMINAL_NAMES, Scene, ledger_lines


def check(scene: Scene) -> None:
    """Checks with the platform running, after all voicemails have ended."""
    every_voicemail_has_ended(scene)
    nobody_got_it_twice(scene)
    statuses_agree_with_the_ledger(scene)
    counts_equal_rows(scene)


def check_afterwards(scene: Scene) -> None:
    """Checks after all processes have been asked to stop."""
    no_process_is_left(scene)
    no_log_holds_a_number(scene)


def every_voicemail_has_ended(scene: Scene) -> None:
    rows = scene.rows("SELECT id, status FROM delivery_voicemail WHERE NOT status = ANY(%s)", list(TERMINAL_NAMES))
    assert not rows, f"{len(rows)} voicemails have not ended, such as {rows[0]}"
    assert scene.rows("SELECT count(*) FROM delivery_voicemail") == [(len(scene.recipients),)]


def nobody_got_it_twice(scene: Scene) -> None:
    """The carrier honoured each key at most once and at most one key per voicemail, and only intended recipients were reached.

    An honoured key never belongs to a drop that the platform could prove unsent."""
    ledger = read_ledger(scene.stack.ledger)
    twice = [key for key, times in ledger.honoured.items() if times > 1]
    assert not twice, f"{len(twice)} keys were honoured more than once, such as {twice[0]}"
    voicemail_of = {
        str(drop): voicemail for drop, voicemail in scene.rows("SELECT id, voicemail_id FROM delivery_drop")
    }
    unknown = set(ledger.honoured) - set(voicemail_of)
    assert not unknown, f"{len(unknown)} drops were honoured that the platform does not know, such as {min(unknown)}"
    honoured = Counter(voicemail_of[key] for key in ledger.honoured)
    again = [voicemail for voicemail, times in honoured.items() if times > 1]
    assert not again, f"{len(again)} voicemails were honoured under two keys, such as {again[0]}"
    reached = Counter(to for to, _ in ledger.pairs.elements())
    assert set(reached) <= set(scene.recipients) and max(reached.values(), default=0) <= 1


def statuses_agree_with_the_ledger(scene: Scene) -> None:
    ledger = read_ledger(scene.stack.ledger)
    accepted = {line["id"]: line["key"] for line in ledger_lines(scene.stack.ledger) if line["t"] == "accepted"}
    by_key = {key: drop for drop, key in accepted.items()}
    rows = scene.rows(
        "SELECT d.id, d.status, d.reason, d.carrier_code, v.status, v.reason"
        "  FROM delivery_voicemail v LEFT JOIN delivery_drop d ON d.id = v.drop_id"
    )
    for drop, *ours in rows:
        theirs = by_key.get(str(drop), "")
        says, code = ledger.status.get(theirs, "never seen"), ledger.codes.get(theirs, "")
        assert agrees(says, code, reported=theirs in ledger.reported, ours=ours), (
            f"drop {drop} is {ours} with us; the sandbox says {says} {code}"
        )


def agrees(says: str, code: str, *, reported: bool, ours: list[Any]) -> bool:
    """Whether ledger and rows agree. `ours`: status, reason and code of the drop, status and reason of its voicemail."""
    drop_status, drop_reason, drop_code, voicemail_status, voicemail_reason = ours
    if voicemail_status == "delivered":
        return says == "delivered" and drop_status == "delivered"
    if voicemail_status != "failed":
        return says == "never seen"
    if REASONS[Reason(voicemail_reason)].may_have_reached:
        return not reported  # the platform got no report
    if says == "never seen":
        return True  # refused: the ledger has no line that contradicts it
    return says == "failed" and (drop_status, drop_code, drop_reason) == ("failed", code, voicemail_reason)


def counts_equal_rows(scene: Scene) -> None:
    wrong = scene.rows(
        """
        SELECT * FROM (
          SELECT lane_id, status, reason, sum(n) FROM (
            SELECT lane_id, status, reason, count AS n FROM delivery_lanecount
            UNION ALL SELECT lane_id, status, reason, delta FROM delivery_lanedelta
            UNION ALL SELECT lane_id, status, reason, -1 FROM delivery_voicemail) told
           GROUP BY 1, 2, 3) difference WHERE sum <> 0
        """
    )
    assert not wrong, f"lane counts differ from the rows: {wrong}"


def no_process_is_left(scene: Scene) -> None:
    """All descendants are found by the scene's key in their environment."""
    scene.wait("no process is left", lambda: not processes_of(scene), 20)


def processes_of(scene: Scene) -> list[str]:
    mark = scene.stack.sandbox_key.encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it ended, or belongs to another user
            continue
    return found


def no_log_holds_a_number(scene: Scene) -> None:
    logs = [*scene.stack.directory.glob("*.log*"), *scene.servers.logs]
    assert len(logs) >= 8, f"where are the logs? {logs}"
    numbers = {number[2:] for number in scene.recipients}
    for log in logs:
        found = numbers.intersection(re.findall(r"(?=(\d{10}))", log.read_text(errors="replace")))
        assert not found, f"{log.name} holds phone numbers of {len(found)} recipients"
