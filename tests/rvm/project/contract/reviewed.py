"""What the OpenAPI document cannot say, and schemathesis therefore finds: operation and failure, each with its reason.

A reviewer must believe each reason. An entry that no longer fails is a failure of the test.
"""

from __future__ import annotations

_POLICY = "The fields of a policy bound each other: hours, caps, purpose and basis."
_RECIPIENTS = "A wrong recipient has an error of its own in the response, and the rest is sent."
_FILE = "The text in the place of the file, or a header that is not in the document, is what was wrong; a right file is sent for it."
_POSITION = "A position is of one mode; with `live` of the other one it is refused."
_ADDRESS = "No file is at a drawn address."
REVIEWED: dict[tuple[str, str], str] = {
    ("create_use_case", "RejectedPositiveData"): _POLICY,
    ("send_voicemail_batch", "AcceptedNegativeData"): _RECIPIENTS,
    ("check_withdrawal", "AcceptedNegativeData"): _FILE,
    ("upload_clip", "AcceptedNegativeData"): _FILE,
    ("upload_import", "AcceptedNegativeData"): _FILE,
    ("upload_opt_out_list", "AcceptedNegativeData"): _FILE,
    ("upload_recording", "AcceptedNegativeData"): _FILE,
    ("upload_recording", "RejectedPositiveData"): _ADDRESS,
    ("upload_clip", "RejectedPositiveData"): _ADDRESS,
}
# The same, of what only drawn requests and sequences find.
FOUND_BY_DRAWING: dict[tuple[str, str], str] = {
    ("list_events", "RejectedPositiveData"): _POSITION,
    ("stream_events", "RejectedPositiveData"): _POSITION,
}
