"""Problem codes that this layer adds to those of the layers below, as data for responses and for docs/integrate/problems.md."""

from __future__ import annotations

from delivery.audio import REJECTIONS
from delivery.audio.clip_rejections import CLIP_REJECTIONS
from delivery.audio.conversion.rejections import CONVERSION_REJECTIONS
from rvm.platform.api.problem_codes import ProblemCode, by_code

SUPPRESSED = ProblemCode(
    "blocked.suppressed",
    422,
    "The person must not be reached",
    "The number is on the workspace's suppression list; take it out of yours.",
    operations=(
        "retry_voicemail",
        "send_voicemail",
    ),
)
RECORDING_NOT_ATTESTED = ProblemCode(
    "recording_not_attested",
    422,
    "Nobody has stated what the recording says",
    "State it with `PUT /recordings/{id}/attestation`, with the upload, or on its page in the admin.",
    operations=(
        "launch_campaign",
        "send_voicemail",
        "send_voicemail_batch",
    ),
)
ATTESTATION_BY_UPLOADER = ProblemCode(
    "attestation_by_uploader",
    409,
    "Somebody else has to state what the recording says",
    "The workspace asks for a statement by another person or key than the one that uploaded the sound.",
    operations=(
        "attest_clip",
        "attest_recording",
        "send_voicemail",
        "upload_clip",
        "upload_recording",
    ),
)
REFERENCE_USED = ProblemCode(
    "reference_used",
    409,
    "The reference belongs to an earlier voicemail",
    "`voicemail_id` is the first voicemail's. Use a new reference for a new voicemail.",
    operations=("send_voicemail",),
)
RECORDING_REMOVED = ProblemCode(
    "recording_removed",
    409,
    "The sound of the recording was removed",
    "Nothing had used it for as long as the workspace keeps recordings; upload it again, it gets the same id.",
    operations=(
        "create_campaign",
        "launch_campaign",
        "play_clip",
        "play_recording",
        "send_voicemail",
        "send_voicemail_batch",
        "update_campaign",
    ),
)
RECORDING_ARCHIVED = ProblemCode(
    "recording_archived",
    409,
    "The recording or clip is archived",
    "Name another, or bring it back with `POST /recordings/{id}/unarchive` or `POST /clips/{id}/unarchive`.",
    operations=(
        "create_campaign",
        "send_voicemail",
        "send_voicemail_batch",
        "update_campaign",
    ),
)
RECORDING_HELD = ProblemCode(
    "recording_held",
    409,
    "A legal hold keeps the recording or clip",
    "Have the hold lifted first, or archive it.",
    operations=(
        "delete_clip",
        "delete_recording",
    ),
)
RECORDING_IN_USE = ProblemCode(
    "recording_in_use",
    409,
    "Something needs the recording or clip",
    "The detail says what; archive it meanwhile, and delete it when these have ended.",
    operations=(
        "delete_clip",
        "delete_recording",
    ),
)
RECORDING_JOINED = ProblemCode(
    "recording_joined",
    409,
    "A campaign joined the recording from clips",
    "It goes with what used it; change its clips.",
    operations=(
        "archive_recording",
        "attest_recording",
        "delete_recording",
        "rename_recording",
    ),
)
NOT_CANCELABLE = ProblemCode(
    "not_cancelable",
    409,
    "The voicemail has left the queue",
    "Only a queued voicemail can be canceled: what has reached the carrier cannot be taken back.",
    operations=("cancel_voicemail",),
)
NOT_RETRYABLE = ProblemCode(
    "not_retryable",
    409,
    "A retry is not possible",
    "Only a failed voicemail whose reason may pass by itself can be retried.",
    operations=("retry_voicemail",),
)
DUPLICATE_RISK = ProblemCode(
    "duplicate_risk",
    409,
    "The person may have been reached",
    'Send `{"accept_duplicate_risk": true}` with a key that has the scope for it, or leave it.',
    operations=(
        "retry_failed_of_campaign",
        "retry_voicemail",
    ),
)
ATTEMPTS_USED_UP = ProblemCode(
    "attempts_used_up",
    409,
    "No attempt is left",
    "Nobody is tried more than ten times; reach the person through another channel.",
    operations=("retry_voicemail",),
)
CHECK_NOT_SUPPORTED = ProblemCode(
    "check_not_supported",
    422,
    "The carrier has nothing to test an account with",
    "Send a voicemail to a phone of yours through it.",
    operations=("test_setup",),
)
BREAKER_CLOSED = ProblemCode(
    "breaker_closed",
    409,
    "Nothing of the setup is held back",
    "Its breaker is closed already; `GET /setups/{id}` says how it stands.",
    operations=("close_breaker",),
)
STORAGE_UNAVAILABLE = ProblemCode(
    "storage_unavailable",
    503,
    "The upload could not be stored",
    "Nothing was kept; repeat the upload later.",
    operations=(
        "send_voicemail",
        "upload_clip",
        "upload_import",
        "upload_opt_out_list",
        "upload_recording",
    ),
)
RECORDING_CHECK_UNAVAILABLE = ProblemCode(
    "recording_check_unavailable",
    503,
    "The recording could not be checked",
    "Nothing was kept; repeat the upload.",
    operations=(
        "send_voicemail",
        "upload_clip",
        "upload_recording",
    ),
)
URL_REFUSED = ProblemCode(
    "url_refused",
    422,
    "No file is fetched from such an address",
    "Name an `https://` address with a host's full name at port 443 or 8443; `detail` says what is different in yours.",
    operations=(
        "upload_clip",
        "upload_recording",
    ),
)
URL_NOT_FETCHED = ProblemCode(
    "url_not_fetched",
    422,
    "The file at the address could not be fetched",
    "`detail` says why: see that the address gives the file to anybody who has it, then repeat the request.",
    operations=(
        "upload_clip",
        "upload_recording",
    ),
)
LINK_EXPIRED = ProblemCode("link_expired", 403, "The link has expired", "Ask for a new link where you got this one.")
LINK_ENDED = ProblemCode(
    "link_ended", 410, "The link has ended", "A carrier's link ends with its voicemail; no later one is made."
)
LINK_UNKNOWN = ProblemCode("link_unknown", 404, "No recording is here", "Check that the link was copied whole.")
RANGE_NOT_SATISFIABLE = ProblemCode(
    "range_not_satisfiable",
    416,
    "The recording has no such part",
    "`Content-Range` says how many bytes it has.",
    operations=(
        "play_clip",
        "play_recording",
    ),
)


_UPLOADS = ("send_voicemail", "upload_clip", "upload_recording")


def _rejection(code: str) -> ProblemCode:
    status = 413 if code == "too_large" else 422
    advice = "`detail` says what was measured, what is allowed and what to do; show it to whoever recorded the message."
    operations = ("upload_clip",) if code in CLIP_REJECTIONS and code not in REJECTIONS else _UPLOADS
    return ProblemCode(code, status, "The recording was refused", advice, operations)


# One per code of `delivery.audio.rejections`, `clip_rejections` and `conversion.rejections`.
AUDIO_PROBLEMS = {code: _rejection(code) for code in (*REJECTIONS, *CLIP_REJECTIONS, *CONVERSION_REJECTIONS)}

DELIVERY_PROBLEMS = by_code(
    SUPPRESSED,
    RECORDING_NOT_ATTESTED,
    ATTESTATION_BY_UPLOADER,
    REFERENCE_USED,
    RECORDING_REMOVED,
    RECORDING_ARCHIVED,
    RECORDING_HELD,
    RECORDING_IN_USE,
    RECORDING_JOINED,
    NOT_CANCELABLE,
    NOT_RETRYABLE,
    DUPLICATE_RISK,
    ATTEMPTS_USED_UP,
    CHECK_NOT_SUPPORTED,
    BREAKER_CLOSED,
    STORAGE_UNAVAILABLE,
    RECORDING_CHECK_UNAVAILABLE,
    URL_REFUSED,
    URL_NOT_FETCHED,
    LINK_EXPIRED,
    LINK_ENDED,
    LINK_UNKNOWN,
    RANGE_NOT_SATISFIABLE,
    *AUDIO_PROBLEMS.values(),
)
