"""How many questions about owners of numbers a reader of the admin may ask: as the API's limit, for somebody who types."""

from __future__ import annotations

from django import forms

from rvm.platform.api.rate_limit import Policy, count
from rvm.platform.models import User

QUESTIONS = Policy("people", 60, 60)


def within_quota(reader: User, form: forms.Form) -> bool:
    """Count a question, and whether it may be answered; if not, the form says when the next one may."""
    status = count(reader.pk, QUESTIONS)
    if status is None or not status.exceeded:
        return True
    form.add_error(None, f"You have asked {QUESTIONS.quota} times within a minute; go on in {status.seconds} seconds.")
    return False
