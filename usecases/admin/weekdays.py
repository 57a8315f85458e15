"""Form field for weekdays: checkboxes side by side."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from usecases.policy_text import WEEKDAYS


class Horizontal(UnfoldAdminCheckboxSelectMultipleWidget):
    """Checkboxes side by side if there is room."""

    def get_context(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context(*args, **kwargs), "radio_style": 1}


class WeekdaysField(forms.TypedMultipleChoiceField):
    """ISO weekdays; `empty_value`, by default None, if none is checked."""

    def __init__(self, **kwargs: Any) -> None:
        choices = [(str(day), name) for day, name in enumerate(WEEKDAYS, 1)]
        super().__init__(
            **{"choices": choices, "coerce": int, "empty_value": None, "widget": Horizontal(), **kwargs},
        )
