"""What audit events say to people: a sentence for each action, and how the rows that they are about are called.

Plain data, to which each layer adds its own actions and tables when it starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from rvm.platform.observability.representation import hides


@hides("name", "named")
class Subject(NamedTuple):
    """A table that events are about. `name` is the lookup of the name, which everybody may read, of rows with the values of `named`.
    Rows that are named after a patient or a number have none, and are told by the end of their id."""

    noun: str
    name: str = ""
    named: Mapping[str, Any] = MappingProxyType({})


# {who} is the person, the key or the platform, {it} the row's name, and {noun} what its table is called.
MESSAGES: dict[str, str] = {
    "api_key.created": "{who} made the API key {it}",
    "api_key.rotated": "{who} rotated the API key {it}",
    "api_key.revoked": "{who} revoked the API key {it}",
    "audit_event.exported": "{who} exported the audit of {it}",
    "audit_event.downloaded": "{who} downloaded an export of the audit of {it}",
    "identity.connected": "{who} connected single sign-on with {it}",
    "invitation.accepted": "{who} accepted the invitation of {it}",
    "invitation.renewed": "{who} sent the invitation of {it} again",
    "invitation.withdrawn": "{who} withdrew the invitation of {it}",
    "membership.created": "{who} added {it}",
    "membership.updated": "{who} changed the rights of {it}",
    "membership.deleted": "{who} removed {it}",
    "numbers.shown": "{who} saw whole numbers of people of {it}",
    "number.asked_about": "{who} asked about numbers in {it}",
    "number.questions_used_up": "{who} used up the questions by number in {it}",
    "legal_hold.placed": "{who} placed a legal hold on {it}",
    "legal_hold.lifted": "{who} lifted the legal hold on {it}",
    "organisation.created": "{who} created the organisation {it}",
    "organisation.updated": "{who} changed the organisation {it}",
    "person.erasure_began": "{who} began to erase a person by number",
    "person.erased": "{who} erased a person by number",
    "retention.changed": "{who} changed for how long {it} are kept",
    "user.created": "{who} created the account {it}",
    "user.updated": "{who} changed the account {it}",
    "user.invited": "{who} invited {it}",
    "user.let_in": "{who} let {it} sign in again after failed sign-ins",
    "user.password_link_made": "{who} made a link for a new password of {it}",
    "user.signed_in": "{who} signed in",
    "user.signed_out": "{who} signed out",
    "user.sign_in_failed": "A sign-in as {it} failed",
    "user.locked_out": "Sign-ins as {it} have to wait after failed ones",
    "user.password_changed": "{who} changed the password of {it}",
    "recovery_code.used": "{who} used a recovery code of {it}",
    "recovery_codes.created": "{who} made new recovery codes of {it}",
    "second_factor.enrolled": "{who} added a second factor to {it}",
    "second_factor.reset": "{who} reset the second factor of {it}",
    "second_factor.removed": "{who} removed the second factor of {it}",
    "user.password_reset": "{who} set a new password by e-mail",
    "failed_work.repeated": "{who} had failed background work done again: {it}",
    "failed_work.dismissed": "{who} took failed background work off the list: {it}",
    "sending.held": "{who} held all sending",
    "sending.released": "{who} released all sending",
    "webhook_destination.created": "{who} created the webhook destination {it}",
    "webhook_destination.updated": "{who} changed the webhook destination {it}",
    "webhook_destination.enabled": "{who} enabled the webhook destination {it}",
    "webhook_destination.disabled": "{who} disabled the webhook destination {it}",
    "webhook_destination.deleted": "{who} deleted the webhook destination {it}",
    "webhook_destination.secret_rotated": "{who} rotated the secret of the webhook destination {it}",
    "webhook_destination.tested": "{who} sent a test to the webhook destination {it}",
    "webhook_destination.replayed": "{who} had webhooks sent to {it} again",
    "workspace.created": "{who} created the workspace {it}",
    "workspace.updated": "{who} changed the workspace {it}",
}

# Actions by which somebody saw, heard or took out what is known of people.
DISCLOSURES: set[str] = {"number.asked_about", "numbers.shown"}

SUBJECTS: dict[str, Subject] = {
    "platform.apikey": Subject("API key", "name"),
    "platform.erasure": Subject("erasure"),
    "platform.databaseidentity": Subject("sending"),
    "platform.failedwork": Subject("failed work", "name"),
    "platform.invitation": Subject("invitation", "email"),
    "platform.legalhold": Subject("legal hold", "name"),
    "platform.retentionrule": Subject("retention rule", "kind"),
    "platform.membership": Subject("membership", "user__username"),
    "platform.organisation": Subject("organisation", "name"),
    "platform.user": Subject("account", "username"),
    "platform.webhookdestination": Subject("webhook destination", "name"),
    "platform.workspace": Subject("workspace", "name"),
}


def add(
    messages: Mapping[str, str],
    disclosures: Mapping[str, str] | None = None,
    subjects: Mapping[str, Subject] | None = None,
) -> None:
    """Add a layer's words: messages of actions that change something, messages of disclosures, and tables."""
    MESSAGES.update(messages)
    MESSAGES.update(disclosures or {})
    DISCLOSURES.update(disclosures or {})
    SUBJECTS.update(subjects or {})


def message_of(action: str) -> str:
    """The sentence of an action, with {who} and {it}; an unknown action is told by its name."""
    return MESSAGES.get(action) or "{who}: " + action.replace("{", "").replace("}", "") + " {it}"


def noun_of(subject_type: str) -> str:
    """What a row of this table is called."""
    known = SUBJECTS.get(subject_type)
    return known.noun if known else subject_type.rpartition(".")[2]


def ordered_subjects() -> Iterable[tuple[str, str]]:
    """The tables and their nouns, by noun."""
    return sorted(((label, subject.noun) for label, subject in SUBJECTS.items()), key=lambda pair: pair[1].casefold())
