"""Models of organisations, workspaces and their people, of keys, audit, events and webhooks, and of the platform's own running."""

from rvm.platform.database.rows import Row
from rvm.platform.models.api_keys import MAX_NETWORK, ApiKey, IdempotencyKey
from rvm.platform.models.audit import AuditChain, AuditEvent, AuditSeal, UnsealedEvent
from rvm.platform.models.events import MAX_EVENT_TYPE, Event, Outbox
from rvm.platform.models.operation import DatabaseIdentity, FailedWork, Heartbeat, KeyRotation, Tally
from rvm.platform.models.people import NumberQuestions, Session, SignInCount, User
from rvm.platform.models.retention import MAX_HOLD_REASON, Erasure, LegalHold, RetentionRule
from rvm.platform.models.webhooks import WebhookAttempt, WebhookDelivery, WebhookDestination, WebhookSecret
from rvm.platform.models.workspaces import Invitation, Membership, Organisation, Workspace

__all__ = [
    "MAX_EVENT_TYPE",
    "MAX_HOLD_REASON",
    "MAX_NETWORK",
    "ApiKey",
    "AuditChain",
    "AuditEvent",
    "AuditSeal",
    "DatabaseIdentity",
    "Erasure",
    "Event",
    "FailedWork",
    "Heartbeat",
    "IdempotencyKey",
    "Invitation",
    "KeyRotation",
    "LegalHold",
    "Membership",
    "NumberQuestions",
    "Organisation",
    "Outbox",
    "RetentionRule",
    "Row",
    "Session",
    "SignInCount",
    "Tally",
    "UnsealedEvent",
    "User",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookDestination",
    "WebhookSecret",
    "Workspace",
]
