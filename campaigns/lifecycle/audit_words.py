"""Audit events of this layer in words."""

from __future__ import annotations

from rvm.platform.audit.vocabulary import Subject

MESSAGES = {
    "campaign.created": "{who} created the campaign {it}",
    "campaign.copied": "{who} made the campaign {it} as a copy",
    "campaign.people_copied": "{who} added people who were not reached to the campaign {it}",
    "campaign.updated": "{who} changed the campaign {it}",
    "campaign.scheduled": "{who} scheduled the campaign {it}",
    "campaign.unscheduled": "{who} took back the launch of the campaign {it}",
    "campaign.launched": "{who} launched the campaign {it}",
    "campaign.paused": "{who} paused the campaign {it}",
    "campaign.resumed": "{who} resumed the campaign {it}",
    "campaign.canary_passed": "{who} let the campaign {it} go on after its first people",
    "campaign.canary_stalled": "{who} paused the campaign {it}, because its first people could not be sent to",
    "campaign.canary_stopped": "{who} stopped the campaign {it} after its first people",
    "campaign.canceled": "{who} canceled the campaign {it}",
    "campaign.expired": "{who} ended the draft {it}, which nobody had changed for long",
    "campaign.completed": "{who} completed the campaign {it}",
    "campaign.reopened": "{who} reopened the campaign {it}",
    "campaign.approval_asked": "{who} asked for approval to send the campaign {it}",
    "campaign.approval_approved": "{who} approved the sending of the campaign {it}",
    "campaign.approval_declined": "{who} declined the sending of the campaign {it}",
    "campaign.approval_fallen": "The request for approval of the campaign {it} fell",
    "campaign.approval_withdrawn": "{who} took back the request for approval of the campaign {it}",
    "campaign.retry_began": "{who} began to retry people of the campaign {it}",
    "campaign.retried": "{who} retried people of the campaign {it}",
    "campaign.retry_stopped": "{who} stopped the retry of people of the campaign {it}",
    "campaign.tried": "{who} sent the message of the campaign {it} to their own phone",
    "campaign.withdrawal_checked": "{who} checked a list of people to take out of the campaign {it}",
    "campaign.people_withdrawn": "{who} took people out of the campaign {it}",
    "import.uploaded": "{who} uploaded the list {it}",
    "import.read_as": "{who} changed how the list {it} is read",
    "import.check_began": "{who} had the list {it} checked",
    "import.checked": "{who} checked the list {it}",
    "import.confirmed": "{who} confirmed the list {it}",
    "import.completed": "{who} imported the list {it}",
    "import.failed": "{who} could not finish the list {it}",
    "import.discarded": "{who} discarded the list {it}",
    "import.expired": "{who} discarded the list {it}, which nobody had confirmed in time",
    "opt_outs.uploaded": "{who} uploaded the opt-out list {it}",
    "opt_outs.read_as": "{who} changed how the opt-out list {it} is read",
    "opt_outs.check_began": "{who} had the opt-out list {it} checked",
    "opt_outs.checked": "{who} checked the opt-out list {it}",
    "opt_outs.confirmed": "{who} confirmed the opt-out list {it}",
    "opt_outs.completed": "{who} suppressed the people of the opt-out list {it}",
    "opt_outs.failed": "{who} could not finish the opt-out list {it}",
    "opt_outs.undo_began": "{who} had the opt-out list {it} undone",
    "opt_outs.lift_began": "{who} had the suppressions of the opt-out list {it} lifted",
    "opt_outs.undone": "{who} undid the opt-out list {it}",
    "opt_outs.discarded": "{who} discarded the opt-out list {it}",
    "opt_outs.expired": "{who} discarded the opt-out list {it}, which nobody had confirmed in time",
}

DISCLOSURES = {
    "campaign.listened": "{who} listened to messages of people of the campaign {it}",
    "import.read": "{who} looked at rows of the list {it}",
    "import.listened": "{who} listened to messages of people of the list {it}",
    "import.errors_exported": "{who} exported the rows left out of the list {it}",
    "opt_outs.read": "{who} looked at rows of the opt-out list {it}",
    "person.read": "{who} looked at the person of the {noun} {it}",
    "person.searched": "{who} searched for people in {it}",
}

SUBJECTS = {
    "campaigns.campaign": Subject("campaign", "name"),
    "campaigns.optoutimport": Subject("opt-out list", "file_name"),
    "campaigns.recipientimport": Subject("list", "file_name"),
    "campaigns.withdrawal": Subject("people taken out", "campaign__name"),
}
