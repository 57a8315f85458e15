"""Form fields for a time of day, with the picker of the browser and no script."""

from __future__ import annotations

from django import forms
from unfold.widgets import INPUT_CLASSES

# The file types that a browser offers in the file dialog.
LIST_FILES = ".csv,.txt,.tsv,.xlsx,text/csv"


def time_of_day() -> forms.TimeInput:
    return forms.TimeInput({"type": "time", "class": " ".join([*INPUT_CLASSES, "max-w-40"])}, format="%H:%M")
