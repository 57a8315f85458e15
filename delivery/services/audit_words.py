"""Audit events of this layer in words."""

from __future__ import annotations

from rvm.platform.audit.vocabulary import Subject

MESSAGES = {
    "carrier_media.upload_asked": "{who} asked for another upload of the recording {it} to its carrier",
    "clip.uploaded": "{who} uploaded the clip {it}",
    "clip.fetched": "{who} had the clip {it} fetched from an address",
    "clip.renamed": "{who} renamed the clip {it}",
    "clip.archived": "{who} archived the clip {it}",
    "clip.unarchived": "{who} brought the clip {it} back from the archive",
    "clip.deleted": "{who} deleted the clip {it}",
    "clip.attested": "{who} stated what the clip {it} says",
    "clip.attestation_withdrawn": "{who} withdrew the statement about what the clip {it} says",
    "lane.updated": "{who} changed the queue {it}",
    "recording.uploaded": "{who} uploaded the recording {it}",
    "recording.fetched": "{who} had the recording {it} fetched from an address",
    "recording.renamed": "{who} renamed the recording {it}",
    "recording.archived": "{who} archived the recording {it}",
    "recording.unarchived": "{who} brought the recording {it} back from the archive",
    "recording.deleted": "{who} deleted the recording {it}",
    "recording.attested": "{who} stated what the recording {it} says",
    "recording.attestation_withdrawn": "{who} withdrew the statement about what the recording {it} says",
    "voicemail.canceled": "{who} canceled the voicemail {it}",
    "voicemail.retried": "{who} retried the voicemail {it}",
}

DISCLOSURES = {
    "clip.linked": "{who} got a link to the clip {it}",
    "clip.played": "{who} played the clip {it}",
    "recording.linked": "{who} got a link to the recording {it}",
    "recording.played": "{who} played the recording {it}",
    "voicemail.exported": "{who} exported voicemails of {it}",
    "voicemail.read": "{who} looked at the voicemail {it}",
}

# What is joined for one person is named after the clips, of which one may say their name.
SUBJECTS = {
    "delivery.carriermedia": Subject("recording at a carrier", "recording__name", {"recording__assembled": False}),
    "delivery.clip": Subject("clip", "name"),
    "delivery.lane": Subject("queue", "use_case__name"),
    "delivery.recording": Subject("recording", "name", {"assembled": False}),
    "delivery.voicemail": Subject("voicemail"),
}
