"""Kinds and scopes of suppressions: what is known of a number that must not be reached, and for whom it holds. Pure."""

from __future__ import annotations

from enum import StrEnum


class SuppressionKind(StrEnum):
    OPT_OUT = "opt_out"
    WRONG_NUMBER = "wrong_number"
    DECEASED = "deceased"
    IMPORTED = "imported"
    DO_NOT_VOICEMAIL = "do_not_voicemail"
    CONFIDENTIAL = "confidential"  # binds only use cases that do not send to confidential numbers


KIND_LABELS: dict[SuppressionKind, str] = {
    SuppressionKind.OPT_OUT: "The person opted out",
    SuppressionKind.WRONG_NUMBER: "The number is not the person's",
    SuppressionKind.DECEASED: "The person has died",
    SuppressionKind.IMPORTED: "On an imported list",
    SuppressionKind.DO_NOT_VOICEMAIL: "No voicemail may be left at this number",
    SuppressionKind.CONFIDENTIAL: "The person asked for confidential communication",
}
# What people and programs say of a number; only lists are imported.
STATED_KINDS = tuple(kind for kind in SuppressionKind if kind is not SuppressionKind.IMPORTED)


class ConfidentialNumbers(StrEnum):
    """What a use case does with numbers at which the person asked for confidential communication."""

    SKIP = "skip"
    SEND = "send"


CONFIDENTIAL_NUMBERS = [
    (ConfidentialNumbers.SKIP.value, "Leave nothing there"),
    (ConfidentialNumbers.SEND.value, "Leave its messages there too"),
]


class SuppressionScope(StrEnum):
    """The workspaces that must not reach the number. Purposes narrow either."""

    ORGANISATION = "organisation"
    WORKSPACE = "workspace"


class Origin(StrEnum):
    """The place where it was said, as members of a workspace are told: never in which other one."""

    THIS_WORKSPACE = "this_workspace"
    ANOTHER_WORKSPACE = "another_workspace"
    ORGANISATION = "organisation"


ORIGIN_LABELS: dict[Origin, str] = {
    Origin.THIS_WORKSPACE: "In this workspace",
    Origin.ANOTHER_WORKSPACE: "In another workspace",
    Origin.ORGANISATION: "To the organisation",
}
SCOPE_LABELS: dict[SuppressionScope, str] = {
    SuppressionScope.ORGANISATION: "All workspaces of the organisation",
    SuppressionScope.WORKSPACE: "This workspace only",
}
