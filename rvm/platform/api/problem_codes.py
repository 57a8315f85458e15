"""All problems that this layer can respond with, as data.

Each layer above has a table of the same form; the documentation page joins them.
"""

from __future__ import annotations

from typing import NamedTuple


class ProblemCode(NamedTuple):
    """One kind of problem: a stable `code` for programs, and `title` and `advice` for readers of the documentation.

    `operations` are the ids of the operations that send it, for a problem that does not follow from an operation's kind
    (`rvm/platform/api/schema/responses.py`).
    """

    code: str
    status: int
    title: str
    advice: str
    operations: tuple[str, ...] = ()

    @property
    def repeats(self) -> str:
        """Whether the same request may succeed later, as a sentence."""
        return _REPEATS.get(self.code) or _REPEATS_OF_STATUS.get(self.status, _CHANGE_IT)


_AFTER = "Yes: send the same request again after the time in `Retry-After`, under the same Idempotency-Key."
_CHANGE_IT = "No: the same request gets the same response. Change it, or what it is about, first."
_REPEATS_OF_STATUS = {
    409: "Not at once: it may succeed when what is in the way has changed.",
    429: _AFTER,
    500: "Yes: send the same request again later, under the same Idempotency-Key, and wait longer each time.",
    503: _AFTER,
}
_REPEATS = {
    "idempotency_key_in_use": _AFTER,
    "number_questions_used_up": "Yes: after the time in `retry_at`.",
    "reference_used": "No: the voicemail with this reference exists. Use a new reference for another one.",
}


MALFORMED = ProblemCode(
    "malformed_request", 400, "The request cannot be read", "Repair the body; the detail says where reading stopped."
)
BAD_REQUEST = ProblemCode(
    "bad_request", 400, "The request was refused as malformed", "Compare the request with the documentation."
)
IDEMPOTENCY_KEY_INVALID = ProblemCode(
    "idempotency_key_invalid",
    400,
    "The Idempotency-Key cannot be used",
    "Send 1 to 255 printable ASCII characters, best a random UUID.",
)
UNAUTHENTICATED = ProblemCode(
    "unauthenticated",
    401,
    "No valid API key",
    "Send `Authorization: Bearer <key>`. Create or rotate a key where this one is expired or revoked.",
)
FORBIDDEN = ProblemCode("forbidden", 403, "Not allowed", "Ask an administrator of the workspace.")
MISSING_SCOPE = ProblemCode(
    "missing_scope", 403, "The API key lacks a scope", "Use a key that has the scope named in the detail."
)
ADDRESS_NOT_ALLOWED = ProblemCode(
    "address_not_allowed",
    403,
    "The API key is not accepted from this address",
    "Send the request from one of the key's networks, or have an administrator make a key for this one.",
)
KEY_BEYOND_CALLER = ProblemCode(
    "key_beyond_caller",
    403,
    "The API key would reach further than the one that asks",
    "Ask for scopes, an end and networks within those of the asking key. An administrator makes any key, in the admin.",
    operations=("create_api_key", "rotate_api_key"),
)
TEST_KEY = ProblemCode(
    "test_key",
    403,
    "A test key reads and changes test rows only",
    "Use a live key. What a test key makes is a test row and goes to the sandbox carrier; of the rest it changes sandbox setups and "
    "their use cases.",
)
NOT_FOUND = ProblemCode(
    "not_found",
    404,
    "Nothing is here",
    "Check the address and the ids. A key sees its own workspace only; everything else answers 404.",
)
METHOD_NOT_ALLOWED = ProblemCode(
    "method_not_allowed", 405, "The method is not allowed here", "Use a method of the `Allow` header."
)
NOT_ACCEPTABLE = ProblemCode("not_acceptable", 406, "Only JSON is served", "Send `Accept: application/json`.")
CONFLICT = ProblemCode("conflict", 409, "The request conflicts with what exists", "The detail names the other row.")
QUOTA_USED_UP = ProblemCode(
    "quota_used_up",
    409,
    "The workspace's quota is used up",
    "The detail says how much is kept, of how much, and what makes room.",
    operations=(
        "create_webhook_destination",
        "send_voicemail",
        "upload_clip",
        "upload_import",
        "upload_opt_out_list",
        "upload_recording",
    ),
)
IDEMPOTENCY_KEY_IN_USE = ProblemCode(
    "idempotency_key_in_use",
    409,
    "A request with this Idempotency-Key is being answered",
    "Repeat the same request after the time in `Retry-After`; it gets the first one's answer.",
)
KEY_ENDED = ProblemCode(
    "key_ended",
    409,
    "The API key has ended",
    "What is revoked or expired is not rotated; make a new key.",
    operations=("create_api_key", "rotate_api_key"),
)
EVENTS_GONE = ProblemCode(
    "events_gone",
    410,
    "Events of that time are kept no longer",
    "The feed goes back to `kept_from`. List what changed meanwhile, such as voicemails with `updated_after`, and begin again "
    "without `after`.",
    operations=("list_events", "stream_events"),
)
WEBHOOK_DESTINATION_DISABLED = ProblemCode(
    "webhook_destination_disabled",
    409,
    "The webhook destination is disabled",
    "A disabled destination is sent nothing. Enable it, then ask again.",
    operations=("test_webhook_destination", "replay_webhooks", "replay_webhook_delivery"),
)
REQUEST_TIMEOUT = ProblemCode(
    "request_timeout",
    408,
    "The request did not arrive in time",
    "Nothing was done. Send the whole request at once, under the same Idempotency-Key.",
)
LENGTH_REQUIRED = ProblemCode(
    "length_required", 411, "The body's length is missing", "Send `Content-Length`; chunked bodies are not read."
)
PRECONDITION_FAILED = ProblemCode(
    "precondition_failed",
    412,
    "The row was changed meanwhile",
    "Nothing was changed: the row is no longer as it was with the `If-Match` of this request. Read it again, and send what is still "
    "wanted with its present `ETag`.",
)
UPLOAD_TOO_LARGE = ProblemCode(
    "upload_too_large", 413, "The body is too large", "Send less; the detail says how much is allowed."
)
URI_TOO_LONG = ProblemCode(
    "uri_too_long",
    414,
    "The address is too long",
    "The request's first line has at most 4,094 bytes. Searches and exports take their filters in a body too.",
)
UNSUPPORTED_MEDIA_TYPE = ProblemCode(
    "unsupported_media_type", 415, "The body's type is not read here", "Send one of the types the detail names."
)
INVALID_REQUEST = ProblemCode(
    "invalid_request",
    422,
    "The request is well formed but wrong",
    "`errors` names each wrong field by a JSON pointer and says what is expected.",
)
IDEMPOTENCY_KEY_REUSED = ProblemCode(
    "idempotency_key_reused",
    422,
    "The Idempotency-Key belongs to another request",
    "Use a new key for a new request; repeat a request unchanged under its own key.",
)
RATE_LIMITED = ProblemCode("rate_limited", 429, "Too many requests", "Wait for the time in `Retry-After`.")
HEADERS_TOO_LARGE = ProblemCode(
    "headers_too_large",
    431,
    "The headers are too large",
    "A header has at most 8,190 bytes, and a request at most 100 headers and 64 KiB of them.",
)
NUMBER_QUESTIONS_USED_UP = ProblemCode(
    "number_questions_used_up",
    429,
    "The day's questions by number are used up",
    "Go on at `retry_at`, use a key with `numbers:read`, or ask by id or reference.",
    operations=(
        "check_import",
        "check_opt_out_list",
        "check_withdrawal",
        "export_campaign",
        "export_searched_voicemails",
        "export_voicemails",
        "list_consents",
        "list_suppressions",
        "list_voicemails",
        "search_voicemails",
    ),
)
TOO_MANY_AT_ONCE = ProblemCode(
    "too_many_at_once",
    429,
    "Too many large requests at once",
    "Exports, previews, lists and streams of events are answered a few at a time. Repeat the request after the time in "
    "`Retry-After`.",
    operations=("get_import", "get_opt_out_list", "stream_events", "upload_clip", "upload_recording"),
)
INTERNAL_ERROR = ProblemCode(
    "internal_error",
    500,
    "We failed",
    "Repeat the request later under the same Idempotency-Key; tell us the request_id if it stays.",
)
UNAVAILABLE = ProblemCode(
    "unavailable", 503, "A part we need is unavailable", "Repeat the request after the time in `Retry-After`."
)


def by_code(*problems: ProblemCode) -> dict[str, ProblemCode]:
    """The table of a layer, by code. Raises ValueError for a duplicate code."""
    table = {problem.code: problem for problem in problems}
    if len(table) != len(problems):
        raise ValueError("a problem code is listed twice")
    return table


PLATFORM_PROBLEMS = by_code(
    MALFORMED,
    BAD_REQUEST,
    IDEMPOTENCY_KEY_INVALID,
    UNAUTHENTICATED,
    FORBIDDEN,
    MISSING_SCOPE,
    ADDRESS_NOT_ALLOWED,
    KEY_BEYOND_CALLER,
    TEST_KEY,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    CONFLICT,
    QUOTA_USED_UP,
    IDEMPOTENCY_KEY_IN_USE,
    KEY_ENDED,
    WEBHOOK_DESTINATION_DISABLED,
    REQUEST_TIMEOUT,
    EVENTS_GONE,
    LENGTH_REQUIRED,
    PRECONDITION_FAILED,
    UPLOAD_TOO_LARGE,
    URI_TOO_LONG,
    UNSUPPORTED_MEDIA_TYPE,
    INVALID_REQUEST,
    IDEMPOTENCY_KEY_REUSED,
    RATE_LIMITED,
    NUMBER_QUESTIONS_USED_UP,
    TOO_MANY_AT_ONCE,
    HEADERS_TOO_LARGE,
    INTERNAL_ERROR,
    UNAVAILABLE,
)
