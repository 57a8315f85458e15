"""Filters of templates: what a list of the admin is for."""

from __future__ import annotations

from typing import Any

from django import template

from rvm.project.purposes import PURPOSES

register = template.Library()


@register.filter
def purpose(opts: Any) -> str:
    """What the list of the model with these `_meta` is for."""
    return PURPOSES.get(opts.label_lower, "")
