"""A trial: the campaign's message, left on the phone of the person who is about to launch it, before anybody else hears it.

It is a voicemail of the use case like one of the API, through the ordinary service and past every guard, and not one of the people
of the campaign. The campaign is in its metadata.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from campaigns.models import Campaign
from delivery.models import Recording, Voicemail
from delivery.services.eligibility import explanation
from delivery.services.lanes import recordings_of
from delivery.services.voicemails import Recipient, queue_voicemails
from rvm.platform import audit
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from usecases.eligibility import Explanation, Send

# Somebody waits for it with the phone in the hand; tomorrow nobody would know what it was.
EXPIRES_AFTER = timedelta(minutes=30)
# The key of a trial's metadata, with the campaign's id.
TRIAL_OF = "trial_of_campaign"


class TrialWithheld(ServiceError):
    """Nothing was sent: a guard would skip the voicemail, or let it wait. `explanation` says which."""

    def __init__(self, found: Explanation) -> None:
        super().__init__("trial_withheld", "This number may not be reached now under the campaign's use case.")
        self.explanation = found


def message_of(campaign: Campaign) -> Recording | None:
    """The recording that everybody hears; of a script, the one that most of those who wait hear. None before there is one."""
    if campaign.script is None:
        return campaign.recording
    joined = recordings_of(campaign.lane, most=1)
    return Recording.objects.get(pk=joined[0][0]) if joined else None


def send_trial(campaign: Campaign, *, number: str, actor: User, now: datetime) -> Voicemail:
    """Queue the campaign's message for the E.164 number of the person who asks. Raises ServiceError, also where a guard would not let
    it be sent at once."""
    recording = message_of(campaign)
    if recording is None:
        raise ServiceError("recording_missing", "There is nothing to hear yet; choose what people will hear.")
    found = explanation(use_case=campaign.use_case, number=number, live=campaign.live, at=None, now=now)
    if not isinstance(found.decision, Send):
        raise TrialWithheld(found)
    [answer] = queue_voicemails(
        use_case=campaign.use_case,
        recording=recording,
        live=campaign.live,
        recipients=[Recipient(number, metadata={TRIAL_OF: str(campaign.pk)})],
        expires_at=now + EXPIRES_AFTER,
        now=now,
    )
    if isinstance(answer, ServiceError):
        raise answer
    audit.record(
        "campaign.tried",
        campaign,
        actor=actor,
        workspace=campaign.workspace,
        voicemail_id=str(answer.pk),
        live=campaign.live,
    )
    return answer
