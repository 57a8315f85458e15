"""Example requests and responses of this layer in the OpenAPI document. Names are fictional."""

from __future__ import annotations

from typing import Any

from campaigns.api.serializers.imports import (
    ImportUpload,
    MessagePreviewSerializer,
    RecipientImportDetailSerializer,
    RecipientImportSerializer,
)
from campaigns.api.serializers.opt_outs import (
    OptOutLift,
    OptOutListDetailSerializer,
    OptOutListSerializer,
    OptOutReading,
    OptOutUpload,
)
from campaigns.api.serializers.withdrawals import WithdrawalSerializer, WithdrawalUpload
from campaigns.imports.row_errors import message_of
from campaigns.lifecycle.service import STOPPED_ON_REQUEST
from delivery.api.examples import RECORDING_ID as _RECORDING
from delivery.api.examples import SETUP_ID as _SETUP
from delivery.api.examples import USE_CASE_ID as _USE_CASE
from rvm.platform.api.schema import csv_response, give_examples, request_example, response_example

_CAMPAIGN = "01920f3b-1c00-7000-8000-0000000000f1"
_IMPORT = "01920f3b-3d00-7000-8000-0000000000f2"

_DRAFT: dict[str, Any] = {
    "id": _CAMPAIGN,
    "campaign_id": _CAMPAIGN,
    "name": "Flu shots, north side",
    "state": "draft",
    "live": True,
    "use_case_id": _USE_CASE,
    "setup_id": _SETUP,
    "recording_id": _RECORDING,
    "script": None,
    "time_zone": "America/Chicago",
    "starts_at": "2026-03-02T15:00:00Z",
    "ends_at": "2026-03-06T23:00:00Z",
    "window_start": "10:00:00",
    "window_end": "18:00:00",
    "days": [1, 2, 3, 4, 5],
    "pace_per_second": 20.0,
    "priority": 0,
    "max_attempts": None,
    "retry_minutes": None,
    "canary_size": None,
    "canary_max_failed_percent": 10,
    "canary_wait_minutes": 60,
    "canary": None,
    "copied_from_id": None,
    "copying": False,
    "voicemails": {},
    "created_at": "2026-02-27T15:00:00Z",
    "updated_at": "2026-02-27T15:00:00Z",
    "launched_at": None,
    "ended_at": None,
}
_CANARY = {
    "state": "passed",
    "people": 100,
    "tried": 100,
    "enough": 90,
    "reported": 91,
    "delivered": 86,
    "failed": {"mailbox_full": 4, "refused": 1},
    "failed_of_sending": 1,
    "began_at": "2026-03-02T15:00:01Z",
    "tried_at": "2026-03-02T15:00:07Z",
    "ended_at": "2026-03-02T15:03:40Z",
    "message": "Of the first 100 people 91 have a final report: 86 were delivered, and 1 failed for reasons that tell of the "
    "carrier, the account or the recording, 1.1 %; at most 10 % may.",
}
_RUNNING = {
    **_DRAFT,
    "state": "running",
    "canary": _CANARY,
    "voicemails": {"accepted": 120, "delivered": 8_412, "failed": 310, "queued": 1_158},
    "updated_at": "2026-03-02T15:00:01Z",
    "launched_at": "2026-03-02T15:00:01Z",
}


NEW_CAMPAIGN = request_example(
    "Weekdays between ten and six, from Monday nine o'clock in Chicago",
    {
        "name": "Flu shots, north side",
        "use_case_id": _USE_CASE,
        "recording_id": _RECORDING,
        "time_zone": "America/Chicago",
        "starts_at": "2026-03-02T09:00:00",
        "ends_at": "2026-03-06T17:00:00",
        "window_start": "10:00",
        "window_end": "18:00",
        "days": [1, 2, 3, 4, 5],
        "pace_per_second": 20,
    },
)
NEW_CAMPAIGN_BY_NAMES = request_example(
    "A message of one's own for each, with the clip that is called what the list says",
    {
        "name": "Flu shots, by name",
        "use_case_id": _USE_CASE,
        "script": [
            {"clip": "01920f3a-6f00-7000-8000-0000000000f0"},
            {"field": "first_name", "clips": "by_name", "otherwise": "01920f3a-6f00-7000-8000-0000000000f2"},
            {"clip": "01920f3a-6f00-7000-8000-0000000000f3"},
        ],
    },
)
DRAFT = response_example("A draft", _DRAFT, 201)
DRAFT_AGAIN = response_example("A draft again", _DRAFT)
RUNNING = response_example("Running", _RUNNING)
PAUSED = response_example("Paused", {**_RUNNING, "state": "paused"})
CANCELED = response_example("Canceled", {**_RUNNING, "state": "canceled", "ended_at": "2026-03-02T15:20:00Z"})
SLOWER = request_example("Slower", {"pace_per_second": 5})
CAMPAIGNS = response_example("The last page", {"items": [_RUNNING], "continuation_token": None, "has_more": False})
RETRY_FAILED = request_example("Who was busy or did not answer", {"reasons": ["busy", "no_answer"]})
COPY = request_example("With who was busy or out of time", {"reasons": ["busy", "expired"]})
COPIED = response_example(
    "A draft to which they are added",
    {
        **_DRAFT,
        "name": "Copy of Flu shots, north side",
        "starts_at": None,
        "ends_at": None,
        "copied_from_id": _CAMPAIGN,
        "copying": True,
    },
    201,
)
_RETRY: dict[str, Any] = {
    "id": "01920f4c-2a00-7000-8000-0000000000f3",
    "retry_id": "01920f4c-2a00-7000-8000-0000000000f3",
    "state": "completed",
    "reasons": ["busy", "no_answer"],
    "accept_duplicate_risk": False,
    "matching": 216,
    "queued": 214,
    "left_out": {"suppressed": 2},
    "asked_at": "2026-03-03T09:00:00Z",
    "ended_at": "2026-03-03T09:00:00Z",
    "stopped_because": None,
}
_LARGE_RETRY = {
    **_RETRY,
    "state": "running",
    "matching": 158_596,
    "queued": 1_988,
    "left_out": {"attempts_used_up": 1, "suppressed": 11},
    "ended_at": None,
}
RETRIED = response_example("Queued again", _RETRY)
RETRYING = response_example("The first of many are", _LARGE_RETRY, 202)
RETRY_STOPPED = response_example(
    "Stopped",
    {
        **_LARGE_RETRY,
        "state": "stopped",
        "ended_at": "2026-03-03T09:00:02Z",
        "stopped_because": STOPPED_ON_REQUEST,
    },
)

_APPROVAL: dict[str, Any] = {
    "id": "01920f4c-2a00-7000-8000-0000000000f4",
    "approval_id": "01920f4c-2a00-7000-8000-0000000000f4",
    "kind": "launch",
    "state": "waiting",
    "people": 10_000,
    "approval_above": 5_000,
    "reasons": [],
    "accept_duplicate_risk": False,
    "asked_at": "2026-03-02T15:00:00Z",
    "decided_at": None,
    "remark": None,
}
APPROVAL = response_example("It waits", _APPROVAL)
APPROVAL_WITHDRAWN = response_example(
    "Withdrawn", {**_APPROVAL, "state": "withdrawn", "decided_at": "2026-03-02T15:10:00Z"}
)

PREVIEW = response_example(
    "Most at once, some in their morning",
    {
        "starts_at": "2026-03-02T15:00:00Z",
        "ends_at": "2026-03-06T23:00:00Z",
        "total": 10_000,
        "now": 7_160,
        "later": [{"at": "2026-03-02T16:00:00Z", "count": 1_900}, {"at": "2026-03-02T17:00:00Z", "count": 780}],
        "skipped": {"suppressed": 120},
        "expiring": 40,
        "finishes_at": "2026-03-02T17:02:00Z",
        "pace_per_second": 20.0,
        "stopped": None,
        "simulated": False,
        "rehearsal": False,
        "capped": 310,
        "capped_is_estimated": False,
        "held_back": [
            {
                "reason": "suppressed",
                "count": 120,
                "facts": {"suppressed": True, "zones": ["America/New_York"], "states": ["NY"]},
            }
        ],
        "closed": {
            "count": 40,
            "groups": [
                {
                    "count": 40,
                    "zones": ["Pacific/Honolulu"],
                    "states": ["HI"],
                    "opens_at": "2026-03-07T19:00:00Z",
                    "parts": ["campaign_end", "campaign_days"],
                    "explanation": "The campaign's days (Saturday) leave them no allowed time before the campaign's end.",
                }
            ],
            "proposals": [
                {
                    "name": "campaign_days",
                    "target": "campaign",
                    "text": "Send on all days of the use case (Monday to Saturday).",
                    "count": 40,
                    "changes": {"days": None},
                }
            ],
        },
    },
)
STATS = response_example(
    "Under way",
    {
        "total": 10_000,
        "by_status": {"accepted": 120, "delivered": 8_412, "failed": 310, "queued": 1_158},
        "by_reason": {"busy": 190, "no_answer": 120},
        "rate_per_second": 19.8,
        "finishes_at": "2026-03-02T17:02:00Z",
        "waiting_by_zone": {"America/Denver": 378, "America/Los_Angeles": 780},
        "open_imports": [],
        "retry": None,
    },
)

_UPLOADED: dict[str, Any] = {
    "id": _IMPORT,
    "import_id": _IMPORT,
    "campaign_id": _CAMPAIGN,
    "file_name": "patients.csv",
    "size_bytes": 81,
    "sha256": "1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014",
    "state": "uploaded",
    "error": None,
    "format": "csv",
    "encoding": "utf-8",
    "delimiter": ",",
    "header_row": 1,
    "sheet": None,
    "hidden_rows": False,
    "sheets": [],
    "columns": ["phone", "first_name", "consent"],
    "rows_read": 0,
    "rows_imported": 0,
    "counts": {},
    "codes": {},
    "answers": {},
    "consent_statement": None,
    "consent_stated_at": None,
    "consent_stated_by": None,
    "created_at": "2026-02-27T15:01:00Z",
    "updated_at": "2026-02-27T15:01:00Z",
    "file_removed_at": None,
}
_DETAIL: dict[str, Any] = {
    "reading": [
        {"position": 0, "kind": "phone", "sure": "sure", "why": "name_and_cells", "question": None},
        {"position": 1, "kind": "first_name", "sure": "sure", "why": "name_and_cells", "question": None},
        {"position": 2, "kind": "consent", "sure": "sure", "why": "name_and_cells", "question": None},
    ],
    "warnings": [],
    "first_errors": [],
    "sample": {
        "titles": [],
        "header": ["Mobile", "First", "OK to call"],
        "rows": [["•••", "•••", "•••"], ["•••", "•••", None]],
    },
}
_CHECKED = {
    **_UPLOADED,
    "state": "checked",
    "rows_read": 2,
    "counts": {
        "accepted": 1,
        "duplicate_in_file": 0,
        "same_phone": 0,
        "duplicate_in_campaign": 0,
        "invalid": 0,
        "suppressed": 0,
        "not_reachable": 1,
    },
    "codes": {"consent_blank": 1},
    "answers": {"yes": 1, "no": 0, "nothing": 1, "unclear": 0},
    "updated_at": "2026-02-27T15:01:09Z",
}
UPLOADED = response_example("How it is read", {**_UPLOADED, **_DETAIL}, 201)
READ_AS = request_example(
    "The row that names the columns, and what each of them is",
    {"header_row": 1, "columns": ["phone", "first_name", "consent"]},
)
CHECKING = response_example("Being checked", {**_UPLOADED, "state": "checking"})
CHECKED = response_example(
    "One of two can be reached",
    {
        **_CHECKED,
        **_DETAIL,
        "first_errors": [
            {
                "row_number": 3,
                "outcome": "not_reachable",
                "code": "consent_blank",
                "detail": message_of("consent_blank"),
                "earlier_row": None,
                "differs": [],
            }
        ],
    },
)
_STATEMENT = "Each of them signed our form PH-12, which names voicemail messages."
CONFIRM = request_example("Consent", {"consent_statement": _STATEMENT})
IMPORTING = response_example(
    "Being imported",
    {
        **_CHECKED,
        "state": "importing",
        "consent_statement": _STATEMENT,
        "consent_stated_at": "2026-02-27T15:02:00Z",
        "consent_stated_by": "01950c3e-7a40-7cc2-8d1e-52a9b8d1f001",
        "updated_at": "2026-02-27T15:02:00Z",
    },
)

_OPT_OUTS: dict[str, Any] = {
    "id": "01950c3e-7a40-7cc2-8d1e-52a9b8d1f0aa",
    "opt_out_list_id": "01950c3e-7a40-7cc2-8d1e-52a9b8d1f0aa",
    "scope": "organisation",
    "live": True,
    "file_name": "stop.csv",
    "size_bytes": 64,
    "sha256": "5d41402abc4b2a76b9719d911017c592ae3f0e6b9c1d2f4a7b8c9d0e1f2a3b4c",
    "state": "uploaded",
    "error": None,
    "format": "csv",
    "encoding": "utf-8",
    "delimiter": ",",
    "header_row": 1,
    "sheet": None,
    "hidden_rows": False,
    "sheets": [],
    "columns": ["phone", "reason"],
    "rows_read": 0,
    "rows_imported": 0,
    "counts": {},
    "unreadable": [],
    "added": 0,
    "taken_back": 0,
    "ended_meanwhile": 0,
    "lift_reason": None,
    "created_at": "2026-02-27T15:01:00Z",
    "updated_at": "2026-02-27T15:01:00Z",
    "file_removed_at": None,
}
_OPT_OUTS_DETAIL: dict[str, Any] = {
    "reading": [
        {"position": 0, "kind": "phone", "sure": "sure", "why": "name_and_cells", "question": None},
        {"position": 1, "kind": "reason", "sure": "sure", "why": "name", "question": None},
    ],
    "warnings": [],
    "sample": {"titles": [], "header": ["Phone", "Reason"], "rows": [["•••", "•••"], ["•••", None]]},
}
_OPT_OUTS_CHECKED = {
    **_OPT_OUTS,
    "state": "checked",
    "rows_read": 3,
    "counts": {
        "rows": 3,
        "to_add": 1,
        "already_listed": 1,
        "repeated": 0,
        "unreadable": 1,
        "not_opted_out": 0,
        "waiting": 0,
        "permitted": 0,
    },
    "unreadable": [
        {
            "code": "phone_missing",
            "detail": message_of("phone_missing"),
            "count": 1,
            "rows": [4],
        }
    ],
    "updated_at": "2026-02-27T15:01:02Z",
}
OPT_OUTS_UPLOADED = response_example("How it is read", {**_OPT_OUTS, **_OPT_OUTS_DETAIL}, 201)
OPT_OUTS_CHECKED = response_example("What is in it", {**_OPT_OUTS_CHECKED, **_OPT_OUTS_DETAIL})
OPT_OUTS_CONFIRM = request_example("Where it looks like a list of patients", {"must_not_be_reached": True})
OPT_OUTS_IMPORTING = response_example("Being listed", {**_OPT_OUTS_CHECKED, "state": "importing"})
OPT_OUTS_UNDOING = response_example(
    "Being undone", {**_OPT_OUTS_CHECKED, "state": "undoing", "rows_imported": 3, "added": 1}
)
_WITHDRAWAL = {
    "id": "01920f3b-5d00-7000-8000-0000000000f3",
    "withdrawal_id": "01920f3b-5d00-7000-8000-0000000000f3",
    "campaign_id": _CAMPAIGN,
    "state": "checked",
    "counts": {
        "waiting": 1,
        "sent": 1,
        "ended": 0,
        "not_found": 1,
        "ambiguous": 0,
        "repeated": 0,
        "stands": 0,
        "unreadable": 0,
    },
    "lines": {"sent": [2], "not_found": [3]},
    "withdrawn": None,
    "created_at": "2026-03-02T15:10:00Z",
    "confirmed_at": None,
}
WITHDRAW = request_example("Three canceled appointments", {"items": ["0010482", "0010483", "(202) 555-0142"]})
WITHDRAWAL = response_example("One of three waits", _WITHDRAWAL, 201)
WITHDRAWN = response_example(
    "Taken out", {**_WITHDRAWAL, "state": "confirmed", "withdrawn": 1, "confirmed_at": "2026-03-02T15:10:30Z"}
)


FIND_PERSON = request_example("By number", {"recipient_phone_number": "+12025550142"})
FIND_NAME = request_example("By name in one list", {"name": "alder", "campaign_id": _CAMPAIGN})
PEOPLE = response_example(
    "One person",
    {
        "items": [
            {
                "voicemail_id": None,
                "recipient_phone_number": "+12025550142",
                "names": ["Ana Alder"],
                "record_numbers": ["MRN-10482"],
                "other_phone_numbers": [],
                "eligibility": [
                    {
                        "use_case_id": _USE_CASE,
                        "use_case_name": "Appointment reminders",
                        "decision": "defer",
                        "reason": "off_day",
                        "until": "2026-03-02T14:00:00Z",
                        "objections": ["days"],
                        "detail": None,
                    }
                ],
                "waiting": [
                    {
                        "id": "01920f3b-5f00-7000-8000-0000000000f3",
                        "voicemail_id": "01920f3b-5f00-7000-8000-0000000000f3",
                        "campaign_id": _CAMPAIGN,
                        "campaign_name": "Flu shots, north side",
                        "use_case_id": _USE_CASE,
                        "use_case_name": "Appointment reminders",
                        "live": True,
                        "reference": None,
                        "status": "queued",
                        "reason": None,
                        "reason_detail": None,
                        "not_before": "2026-02-27T15:00:00Z",
                        "starts_at": "2026-03-02T15:00:00Z",
                        "expires_at": None,
                        "created_at": "2026-02-27T15:00:00Z",
                        "sending_at": None,
                        "accepted_at": None,
                        "ended_at": None,
                    }
                ],
                "waiting_has_more": False,
                "received": [],
                "received_has_more": False,
                "suppressions": [],
                "suppressions_has_more": False,
                "consents": [],
                "consents_has_more": False,
            }
        ],
        "continuation_token": None,
        "has_more": False,
        "scanned": 0,
    },
)

ERASE_PERSON = request_example(
    "By number", {"recipient_phone_number": "+12025550142", "reason": "Request by letter of 3 March"}
)
ERASURE = response_example(
    "Finished",
    {
        "id": "01920f3b-8f00-7000-8000-0000000000d7",
        "erasure_id": "01920f3b-8f00-7000-8000-0000000000d7",
        "counts": {"canceled": 1, "reports": 3, "voicemails": 4},
        "asked_at": "2026-03-04T09:00:00Z",
        "finished_at": "2026-03-04T09:00:00Z",
    },
)

_FILE = "(the bytes of the file)"
ROW_ERRORS = csv_response(
    "Mobile,First,OK to call,row_number,code,message", f"•••,•••,•••,3,consent_blank,{message_of('consent_blank')}"
)
give_examples(
    {
        ImportUpload: {"file": _FILE},
        RecipientImportSerializer: _CHECKED,
        RecipientImportDetailSerializer: {**_CHECKED, **_DETAIL},
        MessagePreviewSerializer: {
            "items": [
                {
                    "recording_id": "01920f3a-6f00-7000-8000-0000000000c1",
                    "duration_ms": 21_420,
                    "audio_url": "https://rvm.example.com/recordings/player.01920f3a6f0070008000000000000000c1.1772464500~aGVsbG8.mp3",
                    "code": None,
                    "detail": None,
                }
            ]
        },
        WithdrawalSerializer: _WITHDRAWAL,
        WithdrawalUpload: {"file": _FILE},
        OptOutUpload: {"file": _FILE},
        OptOutReading: {"header_row": 1, "columns": ["phone", "reason"]},
        OptOutListSerializer: _OPT_OUTS_CHECKED,
        OptOutListDetailSerializer: {**_OPT_OUTS_CHECKED, **_OPT_OUTS_DETAIL},
        OptOutLift: {"reason": "The list was of another clinic."},
    }
)
