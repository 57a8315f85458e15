"""Roles of people in a workspace and their rights. Whoever may see phone numbers is told by the membership, never by the role."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from django.db.models import TextChoices


class Right(StrEnum):
    """Something that a person may do in a workspace."""

    VIEW = "view"  # open its pages
    PREPARE = "prepare"  # recordings, drafts of campaigns, lists of people to reach
    LAUNCH = "launch"  # let out, hold, end and repeat what is sent
    APPROVE = "approve"  # decide about a launch that somebody else asked for
    RESEND_UNCERTAIN = "resend_uncertain"  # send again to people who may have been reached
    SUPPRESS = "suppress"  # keep a person from being reached, revoke a consent
    SUPPRESS_LISTS = "suppress_lists"  # the same for a whole list
    LIFT = "lift"  # end suppressions
    RECORD_CONSENTS = "record_consents"  # consents of persons
    CONFIRM_CONSENTS = "confirm_consents"  # the statement on which a use case rests
    ATTEST = "attest"  # state what a recording says
    EXPORT = "export"  # take rows out as a file
    READ_AUDIT = "read_audit"
    SET_UP = "set_up"  # setups, sender numbers, use cases, webhooks
    MANAGE_KEYS = "manage_keys"  # make and revoke API keys
    ROTATE = "rotate"  # replace credentials, callback tokens, API keys
    MANAGE_PEOPLE = "manage_people"  # who is a member, with which role
    RETAIN = "retain"  # for how long data are kept, legal holds, the erasure of a person
    CONFIGURE = "configure"  # the workspace's own settings


class Role(TextChoices):
    VIEWER = "viewer", "Viewer"
    PREPARER = "preparer", "Campaign preparer"
    LAUNCHER = "launcher", "Launcher"
    COMPLIANCE = "compliance", "Compliance"
    ADMIN = "admin", "Administrator"


_PREPARER = frozenset({Right.VIEW, Right.PREPARE, Right.RECORD_CONSENTS, Right.SUPPRESS})

ROLES: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.VIEW}),
    Role.PREPARER: _PREPARER,
    Role.LAUNCHER: _PREPARER | {Right.LAUNCH, Right.APPROVE, Right.EXPORT},
    Role.COMPLIANCE: frozenset(
        {
            Right.VIEW,
            Right.SUPPRESS,
            Right.SUPPRESS_LISTS,
            Right.LIFT,
            Right.RECORD_CONSENTS,
            Right.CONFIRM_CONSENTS,
            Right.ATTEST,
            Right.EXPORT,
            Right.READ_AUDIT,
            Right.RETAIN,
        }
    ),
    Role.ADMIN: frozenset(Right),
}
