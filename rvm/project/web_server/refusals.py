"""The server's own responses, to what no view gets: problems as the API's are, with an id that the log repeats.

Problems need Django, which only the processes of the server have, once they serve.
"""

from __future__ import annotations

from http import HTTPStatus
from uuid import uuid4

import orjson
import structlog
from gunicorn.http.errors import (
    InvalidHeader,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)

from rvm.platform.api import problem_codes as codes
from rvm.platform.api.problem_codes import ProblemCode

RETRY_SECONDS = 5
_UNREADABLE = (
    "The request line or a header cannot be read, contradicts another one, or comes twice where only one can be meant."
)
# gunicorn joins the values of a header that comes twice, and takes the last Content-Type. Of these only one can be meant.
_SINGLE = frozenset({"AUTHORIZATION", "CONTENT-TYPE", "HOST", "IDEMPOTENCY-KEY"})


def require_single_headers(headers: list[tuple[str, str]]) -> None:
    """Raise InvalidHeader for a header that may come once only and comes twice. Names are in capitals, as gunicorn gives them."""
    found = [name for name, _ in headers if name in _SINGLE]
    if len(found) != len(set(found)):
        raise InvalidHeader(next(name for name in found if found.count(name) > 1))


def problem_of(error: Exception) -> ProblemCode:
    """The problem for what gunicorn raises about a request."""
    if isinstance(error, LimitRequestLine):
        return codes.URI_TOO_LONG
    if isinstance(error, LimitRequestHeaders):
        return codes.HEADERS_TOO_LARGE
    # Headers of a response are ours.
    ours = isinstance(error, InvalidResponseHeader | InvalidResponseHeaderName) or not isinstance(error, ParseException)
    return codes.INTERNAL_ERROR if ours else codes.BAD_REQUEST


def begin() -> None:
    """Give what is refused an id of its own: the thread may still have that of the request before."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=str(uuid4()))


def response(problem: ProblemCode) -> bytes:
    """The whole response, after which the connection is closed."""
    from rvm.platform.api.problems import CONTENT_TYPE, Problem

    told = Problem(problem, _UNREADABLE if problem is codes.BAD_REQUEST else "").body()
    body = orjson.dumps(told)
    lines = [
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}",
        "Connection: close",
        f"Content-Type: {CONTENT_TYPE}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        f"X-Request-Id: {told['request_id']}",
    ]
    if problem.status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.SERVICE_UNAVAILABLE):
        lines.append(f"Retry-After: {RETRY_SECONDS}")
    return "\r\n".join([*lines, "", ""]).encode() + body
