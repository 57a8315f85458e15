"""Problem codes that this layer adds to the platform's, as data for responses and for docs/integrate/problems.md."""

from __future__ import annotations

from rvm.platform.api.problem_codes import ProblemCode, by_code

SETUP_NOT_FOUND = ProblemCode(
    "setup_not_found",
    404,
    "No such telephony setup",
    "Check the id against `GET /setups` of the same workspace.",
    operations=(
        "add_phone_number",
        "create_use_case",
        "delete_setup",
        "end_earlier_callback_addresses",
        "get_setup",
        "make_callback_address",
        "test_setup",
        "update_setup",
        "update_use_case",
    ),
)
USE_CASE_NOT_FOUND = ProblemCode(
    "use_case_not_found",
    404,
    "No such use case",
    "Check the id against `GET /use-cases` of the same workspace.",
    operations=(
        "ask_eligibility",
        "assign_phone_number",
        "create_campaign",
        "delete_use_case",
        "get_use_case",
        "send_voicemail",
        "send_voicemail_batch",
        "unassign_phone_number",
        "update_campaign",
        "update_use_case",
    ),
)
NO_NUMBER_ASSIGNED = ProblemCode(
    "no_number_assigned",
    404,
    "The use case has no active sender number",
    "Assign a phone number of its setup with `PUT /phone-numbers/{id}/use-cases/{use_case_id}`, or make its own active with "
    "`PATCH /phone-numbers/{id}`, `status`.",
    operations=(
        "send_voicemail",
        "send_voicemail_batch",
    ),
)
NAME_EXISTS = ProblemCode(
    "name_exists",
    409,
    "The name is taken",
    "Names are compared without regard to case; choose another.",
    operations=(
        "create_setup",
        "create_use_case",
        "update_setup",
        "update_use_case",
    ),
)
SETUP_NOT_USABLE = ProblemCode(
    "setup_not_usable",
    409,
    "The telephony setup cannot be used",
    "Enable it with `PATCH /setups/{id}`, or use another.",
    operations=(
        "create_use_case",
        "update_use_case",
    ),
)
FAILOVER_NOT_USABLE = ProblemCode(
    "failover_not_usable",
    409,
    "The failover setup does not fit",
    "Choose another setup than the first, of the same kind: both the sandbox, or both real carriers.",
    operations=(
        "create_use_case",
        "update_use_case",
    ),
)
SETUP_KIND_DIFFERS = ProblemCode(
    "setup_kind_differs",
    409,
    "The use case cannot move between the sandbox and a real carrier",
    "Create another use case for the other kind.",
    operations=("update_use_case",),
)
SETUP_IN_USE = ProblemCode(
    "setup_in_use",
    409,
    "A use case sends through this setup",
    "Delete the use case named in the detail, or give it another setup.",
    operations=("delete_setup",),
)
NUMBERS_ASSIGNED = ProblemCode(
    "numbers_assigned",
    409,
    "Phone numbers are assigned to the use case",
    "Unassign them with `DELETE /phone-numbers/{id}/use-cases/{use_case_id}`.",
    operations=("delete_use_case",),
)
NUMBER_ASSIGNED = ProblemCode(
    "number_assigned",
    409,
    "The phone number is assigned to a use case",
    "Unassign it with `DELETE /phone-numbers/{id}/use-cases/{use_case_id}`.",
    operations=("remove_phone_number",),
)
NUMBER_EXISTS = ProblemCode(
    "number_exists",
    409,
    "The setup has this phone number already",
    "Use the one that `GET /phone-numbers` shows.",
    operations=("add_phone_number",),
)
NUMBER_OF_OTHER_SETUP = ProblemCode(
    "number_of_other_setup",
    409,
    "The phone number belongs to another setup",
    "Assign numbers of the use case's setup or of its failover setup only.",
    operations=("assign_phone_number",),
)
SETUP_DISABLED = ProblemCode(
    "setup_disabled",
    422,
    "The telephony setup is disabled",
    "Enable it with `PATCH /setups/{id}`.",
    operations=(
        "launch_campaign",
        "send_voicemail",
        "send_voicemail_batch",
    ),
)
SETUP_DELETED = ProblemCode(
    "setup_deleted",
    422,
    "The use case's telephony setup was deleted",
    "Give the use case another setup with `PATCH /use-cases/{id}`.",
    operations=(
        "launch_campaign",
        "send_voicemail",
        "send_voicemail_batch",
    ),
)
NO_SANDBOX_SETUP = ProblemCode(
    "no_sandbox_setup",
    422,
    "The workspace has no sandbox setup",
    "Test keys send through the sandbox carrier only; create a setup with `carrier: sandbox`.",
    operations=(
        "ask_eligibility",
        "create_campaign",
        "send_voicemail",
        "send_voicemail_batch",
    ),
)
AGREEMENT_MISSING = ProblemCode(
    "agreement_missing",
    422,
    "The agreement with the carrier is not signed",
    "State when it was signed with `PATCH /setups/{setup_id}`, `baa_signed_on`, or in `baa_exception_reason` why none is needed.",
    operations=(
        "launch_campaign",
        "send_voicemail",
        "send_voicemail_batch",
    ),
)
NUMBER_NOT_OWNED = ProblemCode(
    "number_not_owned",
    422,
    "Nobody has stated that the sender numbers are yours",
    "State it with `PATCH /phone-numbers/{id}`, `owned`, for the numbers of the use case.",
    operations=(
        "launch_campaign",
        "send_voicemail",
        "send_voicemail_batch",
    ),
)
SUPPRESSION_LIFTED = ProblemCode(
    "suppression_lifted",
    409,
    "The suppression was lifted already",
    "`GET /suppressions/{id}` says when and why; `others` there still suppress the number.",
    operations=("lift_suppression",),
)
CONSENT_REVOKED = ProblemCode(
    "consent_revoked",
    409,
    "The consent was revoked already",
    "`GET /consents/{id}` says when and how; a new consent is a new `POST /consents`.",
    operations=("revoke_consent",),
)
CONSENT_OF_LIST = ProblemCode(
    "consent_of_list",
    409,
    "The consent covers the people of a list",
    "Withdraw them from the campaign, or cancel it; one person's consent is a row of its own.",
    operations=("revoke_consent",),
)
CONSENT_NEEDED = ProblemCode(
    "consent_needed",
    422,
    "The lift needs a new consent",
    "What the person or a carrier said is lifted with `consent`: its `source`, `at` and `evidence`.",
    operations=("lift_suppression",),
)

USE_CASE_PROBLEMS = by_code(
    SETUP_NOT_FOUND,
    USE_CASE_NOT_FOUND,
    NO_NUMBER_ASSIGNED,
    NAME_EXISTS,
    SETUP_NOT_USABLE,
    FAILOVER_NOT_USABLE,
    SETUP_KIND_DIFFERS,
    SETUP_IN_USE,
    NUMBERS_ASSIGNED,
    NUMBER_ASSIGNED,
    NUMBER_EXISTS,
    NUMBER_OF_OTHER_SETUP,
    SETUP_DISABLED,
    SETUP_DELETED,
    NO_SANDBOX_SETUP,
    AGREEMENT_MISSING,
    NUMBER_NOT_OWNED,
    SUPPRESSION_LIFTED,
    CONSENT_REVOKED,
    CONSENT_OF_LIST,
    CONSENT_NEEDED,
)
