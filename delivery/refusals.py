"""What a verb of this floor says no with: the same as the floor below, so that a caller catches one thing."""

from __future__ import annotations

from usecases.errors import Refused

__all__ = ["Refused"]
