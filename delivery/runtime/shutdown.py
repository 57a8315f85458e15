"""Whether this process was asked to stop: long jobs look here and end early, with nothing half-done."""

from __future__ import annotations

from threading import Event

requested = Event()
