"""Texts on the pages of people: times by the person's clock, when a voicemail goes, what is known in a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from campaigns.models import Campaign
from campaigns.people.opt_out import OptedOut
from campaigns.people.record import MAX_COUNTED
from campaigns.people.search import Known
from campaigns.states import CampaignState
from delivery.models import Voicemail
from rvm.phone_numbers.numbers import zones_of
from rvm.platform.times import moments
from rvm.platform.times.tz_database import zone as zone_named
from rvm.platform.times.zones import zone_name


@dataclass(frozen=True, slots=True)
class PersonClock:
    """The clock by which a page shows times: the person's, where the number tells one zone, else the reader's."""

    zone: str

    @classmethod
    def of(cls, number: str) -> PersonClock:
        zones = zones_of(number)
        return cls(zones[0] if len(zones) == 1 and zones[0] != "UTC" else "")

    @property
    def name(self) -> str:
        if not self.zone:
            return f"{zone_name(timezone.get_current_timezone_name())}, your clock"
        return f"{zone_name(self.zone)}, the clock of the person by the number"

    def text(self, moment: datetime | None) -> str:
        """The moment by this clock; empty for None."""
        return moments.moment(moment, zone_named(self.zone) if self.zone else None) if moment else ""


def when(voicemail: Voicemail, campaign: Campaign | None, now: datetime, shown: PersonClock) -> str:
    """The sentence that says when a waiting voicemail goes, or what it waits for."""
    if campaign is not None and campaign.state == CampaignState.DRAFT:
        return "Not launched: its campaign is a draft."
    if campaign is not None and campaign.state == CampaignState.SCHEDULED and campaign.starts_at:
        return f"From {shown.text(max(campaign.starts_at, voicemail.not_before))} on, when its campaign starts."
    if campaign is not None and campaign.state == CampaignState.PAUSED:
        return "Its campaign is paused."
    if voicemail.lane.held:
        return "It is held back by hand: its queue is stopped."
    if voicemail.not_before > now:
        return f"Not before {shown.text(voicemail.not_before)}."
    if voicemail.lane.canary_left == 0 and not voicemail.failover:
        return "The first people of its campaign are tried; it waits for the reports about these."
    return "It is due: it goes as soon as hours, pace and switches allow."


def what_is_known(known: Known) -> str:
    """What a workspace has about a number."""
    parts = [
        "voicemails" if known.voicemail_id else "",
        "must not be reached" if known.suppressed else "",
        "a lifted suppression" if known.lifted and not known.suppressed else "",
        "consents" if known.consented else "",
    ]
    return ", ".join(filter(None, parts)) or "nothing is known"


def counted(waiting: int) -> str:
    """A number of voicemails: no voicemail, 1 voicemail, 2 voicemails."""
    if waiting > MAX_COUNTED:
        return f"more than {MAX_COUNTED:,} voicemails"
    return f"{waiting or 'no'} voicemail{'s' if waiting > 1 else ''}"


def erased(counts: Mapping[str, int], *, finished: bool) -> str:
    """What an erasure has removed."""
    removed = ", ".join(f"{what}: {count:,}" for what, count in sorted(counts.items())) or "nothing was known"
    rest = (
        ""
        if finished
        else " It goes on by itself while a voicemail is at the carrier or a list is kept that may have the person."
    )
    return f"The person is erased ({removed}).{rest} Suppressions and consents stay."


def opted_out(done: OptedOut, organisation: str, unbound: str) -> str:
    """What an opt-out has stopped: how many voicemails waited before and wait after it. `organisation`: empty for one with a single
    workspace. `unbound`: workspaces of the reader in which it does not hold."""
    elsewhere = f" It does not hold for {unbound}." if unbound else ""
    if not done.created:
        return f"The suppression list said this already. Waiting for this number: {counted(done.waiting)}.{elsewhere}"
    where = f"in all workspaces of {organisation}" if organisation else f"of {done.suppression.workspace.name}"
    left = " What is left ends within seconds." if done.waiting else ""
    waited = f"Waiting for this number here before: {counted(done.waited)}; now: {counted(done.waiting)}."
    return f"On the suppression list {where} from now on. {waited}{left}{elsewhere}"
