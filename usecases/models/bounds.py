"""Bounds of a setup and of a use case, and of a lane, which only narrows them, with the texts that help."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator

MAX_HOURS = 366 * 24
PACE_BOUNDS = (MinValueValidator(0.01), MaxValueValidator(100_000))
ATTEMPTS_BOUNDS = (MinValueValidator(1), MaxValueValidator(10))
WINDOW_START_HELP = "Earliest local time at the recipient."
RETRY_MINUTES_HELP = "Wait before the second attempt; doubles after."
RETRY_MINUTES_BOUNDS = (MinValueValidator(1), MaxValueValidator(24 * 60))
