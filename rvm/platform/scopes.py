"""The scopes of API keys: one for each permission that a customer may want to grant separately."""

from __future__ import annotations

from django.db import models


class Scope(models.TextChoices):
    VOICEMAIL_SEND = "voicemail:send", "Send and cancel voicemails"
    VOICEMAIL_READ = "voicemail:read", "Read voicemails"
    VOICEMAIL_RESEND_UNCERTAIN = "voicemail:resend-uncertain", "Send again what may have reached the person"
    RECORDINGS_READ = "recordings:read", "Read and play recordings"
    RECORDINGS_WRITE = "recordings:write", "Upload, rename, archive and delete recordings and clips"
    RECORDINGS_ATTEST = "recordings:attest", "State what recordings and clips say"
    CAMPAIGNS_READ = "campaigns:read", "Read campaigns and their figures"
    CAMPAIGNS_WRITE = "campaigns:write", "Create and change campaigns, import their recipients"
    CAMPAIGNS_SEND = "campaigns:send", "Launch, pause, resume and cancel campaigns"
    OPT_OUTS_READ = "opt-outs:read", "Read imports of opt-out lists"
    OPT_OUTS_WRITE = "opt-outs:write", "Import opt-out lists"
    OPT_OUTS_UNDO = "opt-outs:undo", "Undo imports of opt-out lists"
    SUPPRESSIONS_READ = "suppressions:read", "Read suppressions"
    SUPPRESSIONS_WRITE = "suppressions:write", "Suppress numbers"
    SUPPRESSIONS_LIFT = "suppressions:lift", "Lift suppressions, one or those of an opt-out list"
    SUPPRESSIONS_LIFT_ORGANISATION = (
        "suppressions:lift-organisation",
        "Lift suppressions that hold for other workspaces of the organisation too",
    )
    CONSENTS_READ = "consents:read", "Read consents"
    CONSENTS_WRITE = "consents:write", "Record and revoke consents"
    USE_CASES_READ = "use-cases:read", "Read use cases"
    USE_CASES_WRITE = "use-cases:write", "Create, change and delete use cases"
    ELIGIBILITY_READ = "eligibility:read", "Ask whether a person may be reached; needs numbers:read too"
    PEOPLE_READ = "people:read", "Find people, with all that is known of them; needs numbers:read too"
    PEOPLE_ERASE = "people:erase", "Erase people by number; needs numbers:read too"
    EVENTS_READ = "events:read", "Read what happened, from the feed of events"
    AUDIT_READ = "audit:read", "Read who did what in the workspace, and who saw what is known of people"
    API_KEYS_READ = "api-keys:read", "Read API keys, never the keys themselves"
    API_KEYS_WRITE = "api-keys:write", "Make, rotate and revoke API keys, with no more than this key may do itself"
    WEBHOOKS_READ = "webhooks:read", "Read webhook destinations, their addresses and what was sent to them"
    WEBHOOKS_WRITE = "webhooks:write", "Create, change and delete webhook destinations, send webhooks again"
    MEMBERS_READ = "members:read", "Read who works in the workspace, with which role"
    SETUPS_READ = "setups:read", "Read telephony setups and phone numbers"
    SETUPS_WRITE = "setups:write", "Change telephony setups and phone numbers"
    NUMBERS_READ = "numbers:read", "See phone numbers and record numbers of recipients unmasked"

    @property
    def only_reads(self) -> bool:
        """Whether all requests of this scope change nothing, whatever their method."""
        return self.value.endswith(":read")
