"""Problems in the OpenAPI document: their schema, an example of each, and the responses that every operation has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from rvm.platform.api import problem_codes as codes
from rvm.platform.api.problem_codes import ProblemCode
from rvm.platform.api.problems import FieldError, summary, type_of

_UUID = {"type": "string", "format": "uuid"}
_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
# The facts of a problem beside the members of RFC 9457, which services add to a ServiceError.
FACTS: dict[str, dict[str, Any]] = {
    "retry_at": {**_TIME, "description": "When to try again, where waiting helps."},
    "kept_from": {**_TIME, "description": "How far back the feed of events goes."},
    "voicemail_id": {
        **_UUID,
        "description": "The voicemail that is in the way, such as the first one with the reference.",
    },
    "voicemail_status": {**_TEXT, "description": "The status of the voicemail that cannot be changed."},
    "campaign_state": {**_TEXT, "description": "The state of the campaign that does not allow this."},
    "import_state": {**_TEXT, "description": "The state of the list that does not allow this."},
    "use_case_id": {**_UUID, "description": "The use case that is in the way."},
    "setup_id": {**_UUID, "description": "The telephony setup that is in the way."},
    "recording_id": {**_UUID, "description": "The recording that is in the way."},
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. Decide by `code`; `type` leads to its page.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": _TEXT,
        "code": {**_TEXT, "description": "It never changes its meaning. Codes are added without notice."},
        "error_code": {
            **_TEXT,
            "description": "The same as `code`, under the name that other platforms' clients read.",
        },
        "request_id": {**_TEXT, "description": "Also in the header `X-Request-Id`."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON Pointer to the field that is wrong."},
                    "code": _TEXT,
                    "detail": _TEXT,
                },
            },
        },
        **FACTS,
    },
}
DESCRIPTIONS = {
    400: "The request cannot be read.",
    401: "No valid API key.",
    403: "The API key lacks a scope or is not accepted from this address, or it is a test key and the row is a live one.",
    404: "Not found in this workspace.",
    406: "Only JSON is served.",
    409: "The request conflicts with what exists, or the same request is being answered.",
    410: "Events of that time are kept no longer.",
    411: "The body has no Content-Length.",
    412: "The row was changed meanwhile.",
    413: "The body is too large.",
    415: "The body's type is not read.",
    416: "The sound has no such part.",
    422: "The request is well formed, but something in it is wrong.",
    429: "Too many requests.",
    500: "The platform failed. Repeat the request later, under the same Idempotency-Key.",
    503: "A part that the platform needs is away. Repeat the request after the time in `Retry-After`.",
}
_EVERY = (
    codes.BAD_REQUEST,
    codes.UNAUTHENTICATED,
    codes.FORBIDDEN,
    codes.MISSING_SCOPE,
    codes.ADDRESS_NOT_ALLOWED,
    codes.TEST_KEY,
    codes.NOT_FOUND,
    codes.NOT_ACCEPTABLE,
    codes.INVALID_REQUEST,
    codes.RATE_LIMITED,
    codes.INTERNAL_ERROR,
    codes.UNAVAILABLE,
)
_WITH_BODY = (
    codes.MALFORMED,
    codes.CONFLICT,
    codes.LENGTH_REQUIRED,
    codes.UPLOAD_TOO_LARGE,
    codes.UNSUPPORTED_MEDIA_TYPE,
)
# Statuses whose general problems depend on the kind of operation.
DIFFERING = (400, 409, 422)
_ONCE = (codes.IDEMPOTENCY_KEY_INVALID, codes.IDEMPOTENCY_KEY_IN_USE, codes.IDEMPOTENCY_KEY_REUSED)


def general_problems(method: str, *, once: bool, heavy: bool, depends: bool) -> Iterator[ProblemCode]:
    """The problems that follow from the kind of operation. `once`: it honours Idempotency-Key; `depends`: If-Match."""
    yield from _EVERY
    if method != "GET":
        yield from _WITH_BODY
    if once:
        yield from _ONCE
    if heavy:
        yield codes.TOO_MANY_AT_ONCE
    if depends:
        yield codes.PRECONDITION_FAILED


def example_of(problem: ProblemCode) -> dict[str, Any]:
    """The body of a response with this problem."""
    body = {
        "type": type_of(problem.code),
        "title": problem.title,
        "status": problem.status,
        "detail": problem.advice,
        "code": problem.code,
        "error_code": problem.code,
        "request_id": "be149e52-de15-4e59-84aa-f1f48e0bfb05",
    }
    if problem is codes.INVALID_REQUEST:
        error = FieldError("/recipient_phone_number", "required", "This field is required.")
        return {**body, "detail": summary([error]), "errors": [error._asdict()]}
    return body


def component_name(status: int) -> str:
    """The name of the common response with this status, such as `TooManyRequests`; the words are RFC 9110's."""
    phrase = {413: "Content Too Large", 422: "Unprocessable Content"}.get(status) or HTTPStatus(status).phrase
    return phrase.replace(" ", "")


def by_status(problems: Iterable[ProblemCode]) -> dict[int, list[ProblemCode]]:
    """The problems by status, in the order of status and code."""
    found: dict[int, list[ProblemCode]] = {}
    for problem in sorted(set(problems), key=lambda problem: (problem.status, problem.code)):
        found.setdefault(problem.status, []).append(problem)
    return found
