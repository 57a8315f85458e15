"""The base of the audit's views, and what all of them say of themselves."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet

from rvm.platform.api.views import ApiView
from rvm.platform.models import ApiKey, AuditEvent
from rvm.platform.scopes import Scope

TAGS = ["Audit"]
WORLD = "A test key gets what test keys did."


class EventsView(ApiView):
    """The base of views of events."""

    required_scopes: ClassVar = {"GET": Scope.AUDIT_READ}

    def within(self, live: bool | None) -> QuerySet[AuditEvent]:
        """The events that the key may read, of a test key those of the service users of test keys, also from jobs that they began."""
        own = AuditEvent.objects.filter(workspace=self.workspace)
        if live is None:
            return own
        # Listed, so that the index of actors is used: joined, all events of the workspace would be read for a page.
        keys = ApiKey.objects.filter(workspace=self.workspace, live=live)
        return own.filter(actor__in=list(keys.values_list("user_id", flat=True)))
