"""Errors of the client: one class for each kind of refusal, so that a program catches what it can do something about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class RvmError(Exception):
    """Any failure of a call. Its text is a sentence for people."""


class ConnectionFailed(RvmError):
    """No answer, after as many attempts as the client makes. It is not known whether the request was carried out."""


class UnexpectedAnswer(RvmError):
    """An answer that is not of RVM, such as a page of a proxy."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class NotVerified(RvmError):
    """A webhook whose signature, time or form is wrong; it must not be believed."""


@dataclass(frozen=True)
class FieldError:
    """One wrong field: `pointer` leads to it in the body (a JSON Pointer)."""

    pointer: str
    code: str
    detail: str


class Problem(RvmError):
    """A refusal by RVM (RFC 9457). Programs decide by the class or by `code`, which never changes its meaning."""

    def __init__(self, body: Mapping[str, Any], status: int, retry_after: float | None = None) -> None:
        self.body = dict(body)
        self.status = status
        self.code = str(body["code"])
        self.title = str(body.get("title", ""))
        self.detail = str(body.get("detail", ""))
        self.type = str(body.get("type", ""))
        self.request_id = str(body.get("request_id", ""))
        self.retry_at: str | None = body.get("retry_at")
        self.retry_after = retry_after
        self.fields = tuple(
            FieldError(str(field["pointer"]), str(field["code"]), str(field["detail"]))
            for field in body.get("errors", ())
        )
        super().__init__(self._sentences())

    def _sentences(self) -> str:
        told = [self.detail or self.title]
        told += [f"{field.pointer.lstrip('/')}: {field.detail}" for field in self.fields if field.detail not in told[0]]
        return " ".join(told)


class BadRequest(Problem):
    """The request cannot be read, or not at this address in this way (400, 405, 406, 408, 411, 415 and others)."""


class Unauthenticated(Problem):
    """The API key is missing, wrong, expired or revoked (401)."""


class Forbidden(Problem):
    """The API key may not do this (403)."""


class NotFound(Problem):
    """What the request names is not in the key's workspace (404)."""


class Conflict(Problem):
    """What exists does not allow it (409); `body` names the row that is in the way."""


class Gone(Problem):
    """What was asked for is kept no longer (410), such as events of more than 30 days ago."""


class PreconditionFailed(Problem):
    """The row was changed meanwhile (412)."""


class TooLarge(Problem):
    """The body is larger than RVM takes (413)."""


class Invalid(Problem):
    """The request is well formed but wrong (422); `fields` says where."""


class Blocked(Invalid):
    """A guard refused it: the person must not be reached, or not now; `retry_at` says when, where waiting helps."""


class RateLimited(Problem):
    """Too many requests (429), also after the client has waited as long as it may; `retry_after` in seconds."""


class ServerFault(Problem):
    """RVM failed (5xx), also when the request was repeated."""


class Unavailable(ServerFault):
    """RVM cannot do it at present (503)."""


_BY_STATUS: dict[int, type[Problem]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    412: PreconditionFailed,
    413: TooLarge,
    422: Invalid,
    429: RateLimited,
    503: Unavailable,
}


def problem_of(body: Mapping[str, Any], status: int, retry_after: float | None = None) -> Problem:
    """The error of a problem's body."""
    if status == 422 and str(body["code"]).startswith("blocked."):
        return Blocked(body, status, retry_after)
    kind = _BY_STATUS.get(status, ServerFault if status >= 500 else BadRequest)
    return kind(body, status, retry_after)
