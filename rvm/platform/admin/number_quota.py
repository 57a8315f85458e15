"""How many questions about owners of numbers a reader of the admin may ask: as over the API, for somebody who types."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.http import HttpRequest

from rvm.platform import number_questions
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.api.rate_limit import Policy, count
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace

QUESTIONS = Policy("people", 60, 60)


def ask(request: HttpRequest, workspaces: Iterable[Workspace], by: str, times: int = 1) -> None:
    """Count questions by number in those of the workspaces whose numbers the reader may not see. Raises ServiceError."""
    rights = rights_of(request)
    hidden = [workspace for workspace in workspaces if not rights.may_see_numbers(workspace.pk)]
    number_questions.ask(acting_user(request), hidden, by, times)


def within_quota(request: HttpRequest, form: forms.Form, workspaces: Iterable[Workspace], by: str) -> bool:
    """Count a question, and whether it may be answered; if not, the form says when the next one may."""
    status = count(acting_user(request).pk, QUESTIONS)
    if status is not None and status.exceeded:
        form.add_error(
            None, f"You have asked {QUESTIONS.quota} times within a minute; go on in {status.seconds} seconds."
        )
        return False
    try:
        ask(request, workspaces, by)
    except ServiceError as refusal:
        form.add_error(None, refusal.message)
        return False
    return True
