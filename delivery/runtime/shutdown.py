"""The stop flag of this process: long jobs check it and end early, at a consistent point."""

from __future__ import annotations

from threading import Event

requested = Event()
