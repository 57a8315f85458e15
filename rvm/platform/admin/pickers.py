"""Pickers of the browser for forms of the admin, without a script."""

from __future__ import annotations

from django import forms
from unfold.widgets import INPUT_CLASSES


def moment_picker() -> forms.DateTimeInput:
    """A picker of a date and a time without an offset: 2026-11-24T09:00."""
    return forms.DateTimeInput({"type": "datetime-local", "class": " ".join(INPUT_CLASSES)}, format="%Y-%m-%dT%H:%M")
