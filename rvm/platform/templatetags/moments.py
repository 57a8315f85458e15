"""Times in templates, where Django's own format is not fine enough; `{{ row.at }}` alone is a time to the minute."""

from __future__ import annotations

from datetime import datetime

from django import template

from rvm.platform.times import moments

register = template.Library()


@register.filter(expects_localtime=False)
def to_the_second(at: datetime | None) -> str:
    return moments.moment_to_the_second(at) if at else ""
