"""Audit events of this layer in words."""

from __future__ import annotations

from rvm.platform.audit.vocabulary import Subject

MESSAGES = {
    "consent.recorded": "{who} recorded the consent {it}",
    "consent.revoked": "{who} revoked the consent {it}",
    "inbound.heard": "{who} received the inbound message {it}",
    "inbound_secret.created": "{who} made the inbound secret of {it}",
    "inbound_secret.replaced": "{who} replaced the inbound secret of {it}",
    "inbound_secret.revoked": "{who} revoked the inbound secret of {it}",
    "phone_number.added": "{who} added the phone number {it}",
    "phone_number.assigned": "{who} let a use case send from the phone number {it}",
    "phone_number.unassigned": "{who} took the phone number {it} from a use case",
    "phone_number.updated": "{who} changed the phone number {it}",
    "phone_number.ownership_stated": "{who} stated that the organisation owns the phone number {it}",
    "phone_number.ownership_withdrawn": "{who} withdrew the statement that the organisation owns the phone number {it}",
    "phone_number.removed": "{who} removed the phone number {it}",
    "setup.created": "{who} created the telephony setup {it}",
    "setup.updated": "{who} changed the telephony setup {it}",
    "setup.deleted": "{who} deleted the telephony setup {it}",
    "setup.callback_secret_rotated": "{who} rotated the callback secret of the telephony setup {it}",
    "setup.callback_secrets_ended": "{who} ended the earlier callback secrets of the telephony setup {it}",
    "setup.tested": "{who} tested the telephony setup {it}",
    "setup.breaker_closed": "{who} let the telephony setup {it} send again after its failures",
    "state_freeze.created": "{who} froze the state {it}",
    "state_freeze.updated": "{who} changed the freeze of the state {it}",
    "state_freeze.deleted": "{who} ended the freeze of the state {it}",
    "state_rules.loaded": "{who} loaded the state rules {it}",
    "suppression.created": "{who} added the suppression {it}",
    "suppression.lifted": "{who} lifted the suppression {it}",
    "use_case.created": "{who} created the use case {it}",
    "use_case.updated": "{who} changed the use case {it}",
    "use_case.deleted": "{who} deleted the use case {it}",
    "use_case.consent_confirmed": "{who} confirmed the consent that the use case {it} rests on",
}

DISCLOSURES = {
    "consent.read": "{who} looked at the consent {it}",
    "consent.exported": "{who} exported consents of {it}",
    "suppression.read": "{who} looked at the suppression {it}",
    "suppression.exported": "{who} exported suppressions of {it}",
}

SUBJECTS = {
    "usecases.consent": Subject("consent"),
    "usecases.inboundmessage": Subject("inbound message"),
    "usecases.inboundsecret": Subject("inbound secret", "organisation__name"),
    "usecases.phonenumber": Subject("phone number", "e164"),
    "usecases.statefreeze": Subject("state freeze", "state"),
    "usecases.stateruleset": Subject("state rules", "version"),
    "usecases.suppression": Subject("suppression"),
    "usecases.telephonysetup": Subject("telephony setup", "name"),
    "usecases.usecase": Subject("use case", "name"),
}
