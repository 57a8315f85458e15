"""The switch of a destination: off by a person, or by the platform with notice; its place in the feed is kept meanwhile."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from rvm.platform import audit
from rvm.platform.models import User, WebhookDestination
from rvm.platform.webhooks.event_types import DISABLED, tell


@transaction.atomic
def disable(destination: WebhookDestination, *, actor: User | None, because: str = "") -> bool:
    """Send nothing more to the destination, and tell the workspace's others; False if it was off before. `because` is a sentence of
    the platform's, which administrators see as failed work until the destination is enabled."""
    off = WebhookDestination.objects.filter(pk=destination.pk, disabled_at=None, deleted_at=None)
    if not off.update(disabled_at=Now(), disabled_because=because, waits_until=None, updated_at=Now()):
        return False
    tell(DISABLED, destination)
    audit.record(
        "webhook_destination.disabled", destination, actor=actor, workspace=destination.workspace, because=because
    )
    return True


@transaction.atomic
def enable(destination: WebhookDestination, *, actor: User | None) -> bool:
    """Send again from where the destination stopped; events that the feed no longer has are gone. False if it was on before."""
    on = WebhookDestination.objects.filter(pk=destination.pk, disabled_at__isnull=False, deleted_at=None)
    if not on.update(
        disabled_at=None, disabled_because="", failing_since=None, failures=0, waits_until=None, updated_at=Now()
    ):
        return False
    audit.record("webhook_destination.enabled", destination, actor=actor, workspace=destination.workspace)
    return True
