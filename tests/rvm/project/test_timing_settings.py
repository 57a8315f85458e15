"""The times that must fit together are held together when a process starts, before any voicemail is claimed."""

from __future__ import annotations

import os
import subprocess
import sys


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import rvm.project.settings as s; print(s.RVM_LEASE_SECONDS)"]
    return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, timeout=60, check=False)


def test_a_lease_that_the_longest_exchange_could_outlive_is_refused() -> None:
    refused = start(RVM_LEASE_SECONDS="17")
    assert refused.returncode != 0
    assert "RVM_LEASE_SECONDS: must be from 18 (RVM_CARRIER_TIMEOUT_SECONDS and 3 more) to 600" in refused.stderr


def test_a_short_lease_is_fine_where_exchanges_are_shorter() -> None:
    assert start(RVM_LEASE_SECONDS="5", RVM_CARRIER_TIMEOUT_SECONDS="2").stdout == "5\n"
