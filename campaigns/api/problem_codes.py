"""Problem codes that this layer adds to those of the layers below, as data for responses and for docs/integrate/problems.md."""

from __future__ import annotations

from campaigns.states import ImportState, OptOutState
from rvm.platform.api.problem_codes import ProblemCode, by_code

CAMPAIGN_BEGUN = ProblemCode(
    "campaign_begun",
    409,
    "The campaign has begun",
    "From then on only `name`, `pace_per_second` and `priority` change; while it is paused also `recording_id`, `ends_at`, "
    "`window_start`, `window_end`, `days`, `max_attempts`, `retry_minutes` and the settings of the canary.",
    operations=(
        "check_import",
        "update_campaign",
        "upload_import",
    ),
)
CAMPAIGN_HAS_RECIPIENTS = ProblemCode(
    "campaign_has_recipients",
    409,
    "The campaign has recipients already",
    "They were judged by its use case; make another campaign for another use case.",
    operations=("update_campaign",),
)
CAMPAIGN_STATE = ProblemCode(
    "campaign_state",
    409,
    "The campaign is not in a state for this",
    "`campaign_state` says which it is in; the detail says in which ones this can be done.",
    operations=(
        "cancel_campaign",
        "check_withdrawal",
        "copy_campaign",
        "launch_campaign",
        "pause_campaign",
        "resume_campaign",
        "retry_failed_of_campaign",
        "unschedule_campaign",
        "update_campaign",
        "upload_import",
    ),
)
CAMPAIGN_SCHEDULED = ProblemCode(
    "campaign_scheduled",
    409,
    "The campaign is scheduled",
    "It keeps what its launch needs; take the launch back with `POST /campaigns/{id}/unschedule` first.",
    operations=("update_campaign",),
)
NO_RECIPIENTS = ProblemCode(
    "no_recipients",
    409,
    "The campaign has no recipients",
    "Import a list with `POST /campaigns/{id}/imports` first.",
    operations=("launch_campaign",),
)
NOTHING_TO_SEND = ProblemCode(
    "nothing_to_send",
    409,
    "Nobody of the campaign could be reached",
    "`GET /campaigns/{id}/preview` says why; a later end or longer hours may help.",
    operations=("launch_campaign",),
)
RECORDING_MISSING = ProblemCode(
    "recording_missing",
    409,
    "The campaign has nothing to be heard",
    "Give it a recording or a script with `PATCH /campaigns/{id}`.",
    operations=("launch_campaign",),
)
RETRY_UNDER_WAY = ProblemCode(
    "retry_under_way",
    409,
    "The campaign's failed are being queued again already",
    "`GET /campaigns/{id}/stats` says how far that is; `DELETE /campaigns/{id}/retry-failed` stops it.",
    operations=("retry_failed_of_campaign",),
)
RETRY_NOT_UNDER_WAY = ProblemCode(
    "retry_not_under_way",
    409,
    "Nobody of the campaign is being queued again",
    "There is nothing to stop; who is queued already is canceled with the campaign or one by one.",
    operations=("stop_retry_of_campaign",),
)
APPROVAL_NEEDED = ProblemCode(
    "approval_needed",
    409,
    "Somebody else has to approve it first",
    "Nothing was sent. `GET /campaigns/{id}/approval` says what becomes of the request; who approves it lets it out at once.",
    operations=(
        "launch_campaign",
        "resume_campaign",
        "retry_failed_of_campaign",
    ),
)
APPROVAL_ENDED = ProblemCode(
    "approval_ended",
    409,
    "The request for approval has ended",
    "`GET /campaigns/{id}/approval` says how; launch or retry again to ask anew.",
    operations=("withdraw_approval_of_campaign",),
)
LEGAL_HOLD = ProblemCode(
    "legal_hold",
    409,
    "A legal hold covers this person",
    "An administrator lifts it, on the page of the workspace.",
    operations=("erase_person",),
)
IMPORT_FILE_REMOVED = ProblemCode(
    "import_file_removed",
    409,
    "The list is gone",
    "Uploaded files are kept for a day, or as long as the workspace says; upload it again.",
    operations=(
        "check_import",
        "check_opt_out_list",
        "get_import_errors",
        "get_import_recordings",
        "read_import_as",
        "read_opt_out_list_as",
    ),
)
IMPORT_TOO_LARGE = ProblemCode(
    "import_too_large",
    413,
    "The list is too large",
    "The detail says how much one import takes; split the list.",
    operations=(
        "check_withdrawal",
        "upload_import",
        "upload_opt_out_list",
    ),
)
IMPORT_WITHOUT_ACCEPTED_ROWS = ProblemCode(
    "import_without_accepted_rows",
    409,
    "No row of the list was accepted",
    "`GET /campaigns/{id}/imports/{import_id}/errors` has the rows with what is wrong; correct them and upload them again.",
    operations=("confirm_import",),
)
COLUMNS_UNCLEAR = ProblemCode(
    "columns_unclear",
    422,
    "Nobody has said what some columns are",
    "`columns` has them with their questions; say what each is with a `PATCH` of the list, `columns`.",
    operations=(
        "check_import",
        "check_opt_out_list",
    ),
)
_CHANGES_OF_IMPORTS = ("check_import", "confirm_import", "discard_import", "read_import_as")
IMPORT_STATES = [
    ProblemCode(f"import_{state}", 409, f"The import is {state}", advice, _CHANGES_OF_IMPORTS)
    for state, advice in (
        (ImportState.UPLOADED, "Have it checked first."),
        (ImportState.CHECKING, "Wait until it is `checked`, or discard it."),
        (ImportState.CHECKED, "The detail says what cannot be done with it now."),
        (ImportState.IMPORTING, "Wait until it is `completed`; its voicemails can be canceled with the campaign."),
        (ImportState.COMPLETED, "Upload another list."),
        (ImportState.FAILED, "`error` says why; read it in another way or upload a corrected list."),
        (ImportState.DISCARDED, "Upload it again."),
    )
]
IMPORT_UNDER_WAY = ProblemCode(
    "import_under_way",
    409,
    "An import is under way",
    "Wait until it is `checked` or `completed`, see `GET /campaigns/{id}/imports`, or discard it.",
    operations=("launch_campaign",),
)
_CHANGES_OF_OPT_OUTS = (
    "check_opt_out_list",
    "confirm_opt_out_list",
    "discard_opt_out_list",
    "lift_opt_out_list",
    "read_opt_out_list_as",
    "undo_opt_out_list",
)
OPT_OUT_LIST_STATES = [
    ProblemCode(f"opt_out_list_{state}", 409, f"The opt-out list is {state}", advice, _CHANGES_OF_OPT_OUTS)
    for state, advice in (
        (OptOutState.UPLOADED, "Have it checked first."),
        (OptOutState.CHECKING, "Wait until it is `checked`, or discard it."),
        (OptOutState.CHECKED, "The detail says what cannot be done with it now."),
        (OptOutState.IMPORTING, "Wait until it is `completed`; then it can be undone."),
        (OptOutState.COMPLETED, "Its numbers are on the suppression list; undo it where they should not be."),
        (OptOutState.UNDOING, "Wait until it is `undone`."),
        (OptOutState.UNDONE, "Upload the list again."),
        (OptOutState.FAILED, "`error` says why; read it in another way or upload a corrected list."),
        (OptOutState.DISCARDED, "Upload it again."),
    )
]
OPT_OUT_LIST_WITHOUT_NUMBERS = ProblemCode(
    "opt_out_list_without_numbers",
    409,
    "The opt-out list has no number that can be read",
    "`unreadable` says why; correct the list and upload it again.",
    operations=("confirm_opt_out_list",),
)
OPT_OUT_LIST_LOOKS_LIKE_PATIENTS = ProblemCode(
    "opt_out_list_looks_like_patients",
    409,
    "The opt-out list looks like a list of patients",
    "The detail says why. Confirm with `must_not_be_reached` true where these people must not be reached, or discard the list.",
    operations=("confirm_opt_out_list",),
)
WITHDRAWAL_CONFIRMED = ProblemCode(
    "withdrawal_confirmed",
    409,
    "The withdrawal was confirmed already",
    "`GET /campaigns/{id}/withdrawals/{withdrawal_id}` says how many it took out; to take out others, check a new list.",
    operations=("confirm_withdrawal",),
)

CAMPAIGN_PROBLEMS = by_code(
    CAMPAIGN_BEGUN,
    CAMPAIGN_HAS_RECIPIENTS,
    CAMPAIGN_STATE,
    CAMPAIGN_SCHEDULED,
    NO_RECIPIENTS,
    NOTHING_TO_SEND,
    RECORDING_MISSING,
    RETRY_UNDER_WAY,
    RETRY_NOT_UNDER_WAY,
    APPROVAL_NEEDED,
    APPROVAL_ENDED,
    LEGAL_HOLD,
    IMPORT_UNDER_WAY,
    IMPORT_FILE_REMOVED,
    IMPORT_TOO_LARGE,
    IMPORT_WITHOUT_ACCEPTED_ROWS,
    COLUMNS_UNCLEAR,
    WITHDRAWAL_CONFIRMED,
    *IMPORT_STATES,
    *OPT_OUT_LIST_STATES,
    OPT_OUT_LIST_WITHOUT_NUMBERS,
    OPT_OUT_LIST_LOOKS_LIKE_PATIENTS,
)
