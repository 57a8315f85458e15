"""The filter by which fields of other libraries' forms look like those of the admin."""

from __future__ import annotations

from django import template
from django.forms import BoundField, CheckboxInput, Textarea
from django.forms.widgets import Input
from unfold.widgets import BASE_INPUT_CLASSES, TEXTAREA_CLASSES

register = template.Library()


@register.filter
def in_admin_style(field: BoundField) -> BoundField:
    """The same field in the look of the admin, without a placeholder, which its label makes superfluous."""
    widget = field.field.widget
    if isinstance(widget, Input | Textarea) and not isinstance(widget, CheckboxInput):
        classes = TEXTAREA_CLASSES if isinstance(widget, Textarea) else BASE_INPUT_CLASSES
        widget.attrs["class"] = " ".join(classes)
        widget.attrs.pop("placeholder", None)
    return field
