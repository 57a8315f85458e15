"""Services of inbound opt-outs: hear a message, and make, replace and revoke the secrets of gateways."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from rvm.platform import audit
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.models import Organisation, User
from usecases.inbound.signatures import new_secret
from usecases.models import InboundMessage, InboundSecret, Suppression
from usecases.suppressions import suppress_for_organisation

OVERLAP = timedelta(hours=24)


class MessageIdTaken(Exception):
    """Another message came under this id before."""


@transaction.atomic
def hear(
    *,
    organisation: Organisation,
    channel: InboundMessage.Channel,
    number: str,
    opted_out: bool,
    words: str = "",
    message_id: str = "",
    body: str = "",
) -> bool:
    """Keep the message, and suppress the number in every workspace of the organisation if it is an opt-out. Returns whether it was
    understood so; a message that is sent again under its id gets the same answer and changes nothing.

    Its work does not depend on what is known of the number. Raises MessageIdTaken.
    """
    row = InboundMessage(
        organisation=organisation,
        channel=channel,
        number=number,
        last4=number[-4:],
        words=words,
        opted_out=opted_out,
        message_id=message_id,
        digest=blind_index().of(organisation.pk, body) if message_id else None,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return _heard_before(organisation, message_id, body)
    if opted_out:
        suppress_for_organisation(organisation.pk, number, Suppression.Source.INBOUND, channel.value)
    audit.record("inbound.heard", row, actor=None, workspace=None, channel=channel.value, opted_out=opted_out)
    return opted_out


def _heard_before(organisation: Organisation, message_id: str, body: str) -> bool:
    before = InboundMessage.objects.only("digest", "opted_out").get(organisation=organisation, message_id=message_id)
    if bytes(before.digest or b"") not in blind_index().all_of(organisation.pk, body):
        raise MessageIdTaken
    return before.opted_out


def valid_secrets(organisation: Organisation, now: datetime) -> QuerySet[InboundSecret]:
    return organisation.inbound_secrets.filter(Q(expires_at=None) | Q(expires_at__gt=now))


@transaction.atomic
def create_secret(organisation: Organisation, *, actor: User | None) -> tuple[InboundSecret, str]:
    """Insert a secret and return it with its plaintext, which no page shows again."""
    plaintext = new_secret()
    row = InboundSecret.objects.create(organisation=organisation, secret=plaintext, last4=plaintext[-5:-1])
    audit.record("inbound_secret.created", row, actor=actor, workspace=None, organisation_id=organisation.pk)
    return row, plaintext


@transaction.atomic
def replace_secret(row: InboundSecret, *, actor: User | None, now: datetime) -> tuple[InboundSecret, str]:
    """Insert a successor and return it with its plaintext; the old secret is valid for another day."""
    ends = now + OVERLAP
    row.expires_at = min(ends, row.expires_at) if row.expires_at else ends
    row.save(update_fields=["expires_at"])
    successor, plaintext = create_secret(row.organisation, actor=actor)
    audit.record("inbound_secret.replaced", row, actor=actor, workspace=None, successor_id=successor.pk)
    return successor, plaintext


@transaction.atomic
def revoke_secret(row: InboundSecret, *, actor: User | None, now: datetime) -> None:
    row.expires_at = now
    row.save(update_fields=["expires_at"])
    audit.record("inbound_secret.revoked", row, actor=actor, workspace=None)
