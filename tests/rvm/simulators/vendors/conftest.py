"""Fixtures of the simulated vendors' tests."""

from __future__ import annotations

from tests.rvm.simulators.sandbox.conftest import receiver

__all__ = ["receiver"]
