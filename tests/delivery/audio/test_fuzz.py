"""Damaged MP3s end in a verdict: no crash, no hang, no memory beyond the bound, nothing raised but AudioRejected."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from delivery.audio import REJECTIONS

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_damaged_mp3_ends_in_a_verdict(seed: int) -> None:
    count = 300
    run = subprocess.run(
        [sys.executable, "-m", "tests.delivery.audio.fuzz", str(seed), str(count)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    codes = json.loads(run.stdout)
    assert sum(codes.values()) == count
    assert set(codes) <= {"accepted", *REJECTIONS}
    # Damage of every kind was dealt: some files survive it, some do not, and the decoder saw many.
    assert codes["accepted"] > 20
    assert len(codes) >= 5
