"""The ledger is the witness of "never twice": it counts right, survives torn lines and has one writer."""

from __future__ import annotations

from pathlib import Path
from stat import S_IMODE

import pytest

from rvm.simulators.sandbox.ledger import LedgerFile, read_ledger


def accepted(key: str, drop: str, to: str = "+12125550101", audio: str = "http://127.0.0.1/a.mp3") -> dict[str, str]:
    return {"t": "accepted", "id": drop, "key": key, "to": to, "audio": audio}


def written(path: Path, *lines: dict[str, object]) -> dict[str, object]:
    ledger = LedgerFile(path)
    ledger.append(lines)
    ledger.close()
    return read_ledger(path).summary()


def test_the_sums_in_memory_are_the_sums_in_the_file(tmp_path: Path):
    ledger = LedgerFile(tmp_path / "ledger")
    ledger.append([accepted("k1", "d1"), {"t": "replayed", "key": "k1"}, {"t": "conflict", "key": "k1"}])
    ledger.append([{"t": "refused", "key": "k2", "code": "throttled"}, accepted("k2", "d2", to="+12125550102")])
    ledger.append([{"t": "status", "id": "d1", "status": "failed", "code": "busy"}, {"t": "reported", "ids": ["d1"]}])
    ledger.append([{"t": "lost", "ids": ["d2"]}, {"t": "audio", "url": "http://127.0.0.1/a.mp3", "usable": True}])
    ledger.close()
    expected = {
        "keys": 2,
        "honoured": 2,
        "honoured_more_than_once": 0,
        "recipient_and_audio_more_than_once": 0,
        "replays": 1,
        "conflicts": 1,
        "refused": {"throttled": 1},
        "by_status": {"failed": 1, "accepted": 1},
        "by_code": {"busy": 1},
        "reported": 1,
        "lost": 1,
        "torn": 0,
    }
    assert ledger.sums.summary() == expected
    assert read_ledger(tmp_path / "ledger").summary() == expected


def test_a_key_that_made_two_drops_is_counted_as_honoured_more_than_once(tmp_path: Path):
    summary = written(tmp_path / "ledger", accepted("k1", "d1"), accepted("k1", "d2"), accepted("k2", "d3"))
    assert (summary["keys"], summary["honoured"], summary["honoured_more_than_once"]) == (2, 3, 1)


def test_two_keys_for_one_recipient_and_recording_are_seen_whatever_the_links_token(tmp_path: Path):
    url = "http://127.0.0.1/a.mp3"
    lines = [accepted("k1", "d1", audio=f"{url}?token=1"), accepted("k2", "d2", audio=f"{url}?token=2")]
    summary = written(tmp_path / "ledger", *lines, accepted("k3", "d3", to="+12125550102", audio=url))
    assert summary["recipient_and_audio_more_than_once"] == 1


def test_a_line_torn_at_the_end_costs_only_itself(tmp_path: Path):
    path = tmp_path / "ledger"
    written(path, accepted("k1", "d1"), accepted("k2", "d2"))
    path.write_bytes(path.read_bytes()[:-20])
    summary = written(path, accepted("k3", "d3"))
    assert (summary["keys"], summary["torn"]) == (2, 1)


def test_a_full_disk_takes_back_what_was_written_of_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "ledger"
    ledger = LedgerFile(path)
    ledger.append([accepted("k1", "d1")])
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        import os

        whole = os.write
        patch.setattr(os, "write", lambda fd, data: whole(fd, data[:10]))
        with pytest.raises(OSError, match="took 10 of"):
            ledger.append([accepted("k2", "d2")])
    assert path.read_bytes() == before
    assert ledger.sums.summary()["keys"] == 1
    ledger.close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path):
    path = tmp_path / "ledger"
    path.touch(mode=0o644)
    written(path)
    assert S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_writer_is_turned_away(tmp_path: Path):
    ledger = LedgerFile(tmp_path / "ledger")
    with pytest.raises(BlockingIOError):
        LedgerFile(tmp_path / "ledger")
    ledger.close()
    LedgerFile(tmp_path / "ledger").close()
