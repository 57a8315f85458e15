"""The mark of a fault that a review reproduced and nobody has fixed yet."""

from __future__ import annotations

import pytest


def fault(name: str) -> pytest.MarkDecorator:
    """Expects the test to fail, and fails the run once it passes. `name` is the fault's id and a few words."""
    return pytest.mark.xfail(strict=True, reason=name)
