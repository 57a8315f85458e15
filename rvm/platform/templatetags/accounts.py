"""What the templates of accounts need: fields of other libraries' forms in the look of the admin, and whether e-mail is sent."""

from __future__ import annotations

from django import template
from django.conf import settings
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


@register.simple_tag
def sends_email() -> bool:
    """Whether the deployment has a server of e-mail."""
    return bool(settings.RVM_SENDS_EMAIL)
