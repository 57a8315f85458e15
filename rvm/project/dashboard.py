"""The first page of the admin, and the permissions of navigation entries."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from delivery.admin.colours import status_words
from delivery.lane_totals import counts_of_use_cases
from delivery.lifecycle.status import VoicemailStatus
from rvm.platform.admin.alarms import alarms, sending_alarm, server_alarms
from rvm.platform.admin.records import sending
from rvm.platform.admin.rights import rights_of
from rvm.platform.admin.scoping import naming
from rvm.platform.models import FailedWork
from rvm.platform.roles import Right
from usecases.attestations.agreements import missing_agreements
from usecases.models import UseCase
from usecases.rules_in_force import overdue_review


def may_manage_keys(request: HttpRequest) -> bool:
    return rights_of(request).may_somewhere(Right.MANAGE_KEYS)


def may_manage_people(request: HttpRequest) -> bool:
    return rights_of(request).may_somewhere(Right.MANAGE_PEOPLE)


def may_read_audit(request: HttpRequest) -> bool:
    return rights_of(request).may_somewhere(Right.READ_AUDIT)


def may_see_failed_work(request: HttpRequest) -> bool:
    return rights_of(request).may_somewhere(Right.CONFIGURE)


def is_superuser(request: HttpRequest) -> bool:
    return rights_of(request).everywhere


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The context of the first page: alarms, and the number of voicemails of each use case in each status."""
    lacking = missing_agreements(rights_of(request).workspaces().values_list("pk", flat=True))
    found = [
        *filter(None, [held(request)]),
        *alarms(),
        *server_messages(request),
        *filter(None, [failed_work(request), overdue_review()]),
        *lacking,
    ]
    return {**context, "title": "Overview", "alarms": found, **counts(request)}


def failed_work(request: HttpRequest) -> str:
    """A message about failed background work that the user may see, with a link to it; empty if there is none."""
    rights = rights_of(request)
    rows = (
        FailedWork.objects.all()
        if rights.everywhere
        else FailedWork.objects.filter(workspace__in=rights.ids(Right.CONFIGURE))
    )
    count = rows.count()
    if not count:
        return ""
    those = "1 thing fails" if count == 1 else f"{count} things fail"
    address = reverse("admin:platform_failedwork_changelist")
    return format_html('{} in the background. <a class="underline" href="{}">See what to do.</a>', those, address)


def held(request: HttpRequest) -> str:
    """A message that all sending is held, for superusers with a link to the page that releases it."""
    message = sending_alarm()
    if not message or not rights_of(request).everywhere:
        return message
    return format_html('{} <a class="underline" href="{}">See what to do.</a>', message, sending.address())


def server_messages(request: HttpRequest) -> list[str]:
    """Messages about the settings of PostgreSQL, for those who may know who can change them."""
    return server_alarms() if rights_of(request).may_somewhere(Right.CONFIGURE) else []


def counts(request: HttpRequest) -> dict[str, Any]:
    """The table of voicemail counts: one row for each use case of the user's workspaces, one column for each status."""
    use_cases, named = UseCase.objects.filter(workspace__in=rights_of(request).workspaces()), naming(request)
    names = {row.pk: named(row) for row in use_cases.only("name", "workspace_id")}
    by_use_case = counts_of_use_cases(list(names))
    statuses = [status.value for status in VoicemailStatus]
    rows = [
        [names[use_case_id], *(f"{found[status]:,}" if found[status] else "" for status in statuses)]
        for use_case_id, found in sorted(by_use_case.items(), key=lambda item: names[item[0]])
    ]
    return {"counts": {"headers": ["Use case", *map(status_words, statuses)], "rows": rows}}
