"""Problem responses: every failure under /v1/ becomes `application/problem+json` (RFC 9457).

This includes errors of views, errors of Django, and unknown addresses.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from django.conf import settings
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.exceptions import ValidationError as ModelValidationError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from rvm.platform.api import problem_codes as codes
from rvm.platform.api.problem_codes import ProblemCode
from rvm.platform.observability import outages
from rvm.platform.observability.masking import mask_numbers
from rvm.platform.observability.representation import hides
from rvm.platform.observability.request_id import current_request_id

CONTENT_TYPE = "application/problem+json"
# A detail names so many wrong fields.
_MOST_NAMED = 5
# DRF's own words for these are Python's, such as dictionary.
_SAID = {"not_a_list": "This must be a list.", "not_a_dict": "This must be a JSON object."}
# What is meant for the API, also where it is written amiss.
_API = re.compile(r"/+v1(?:/|$)")


@hides("pointer", "detail")
class FieldError(NamedTuple):
    """One wrong field: `pointer` is a JSON pointer (RFC 6901) into the body, `/name` for a query parameter, empty for the body."""

    pointer: str
    code: str
    detail: str


class Problem(exceptions.APIException):
    """A problem response as an exception. `extra` adds members such as `retry_at` or `voicemail_id`; `headers` adds headers."""

    def __init__(
        self,
        problem: ProblemCode,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.problem = problem
        self.status_code = problem.status
        super().__init__(detail or problem.advice, problem.code)
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    @property
    def code(self) -> str:
        return self.problem.code

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            **self.extra,
            "type": type_of(self.code),
            "title": self.problem.title,
            "status": self.problem.status,
            "detail": mask_numbers(str(self.detail)),
            "code": self.code,
            "error_code": self.code,  # the name by which other platforms' clients look for it
            "request_id": current_request_id(),
        }
        if self.errors:
            body["errors"] = [
                {"pointer": error.pointer, "code": error.code, "detail": mask_numbers(error.detail)}
                for error in self.errors
            ]
        return body


def type_of(code: str) -> str:
    """The `type` of a problem: the address of its page."""
    return f"{settings.RVM_PUBLIC_URL}/docs/problems/{code}"


def invalid(pointer: str, detail: str, code: str = "invalid") -> Problem:
    """The problem for one wrong field (422)."""
    return _invalid([FieldError(pointer, code, detail)])


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler. It returns None for unexpected errors, so that Django logs them and calls `server_error`."""
    problem = problem_of(error)
    if problem is None:
        return None
    if isinstance(error, exceptions.UnsupportedMediaType):
        accepted = " or ".join(parser.media_type for parser in context["view"].get_parsers())
        problem = Problem(codes.UNSUPPORTED_MEDIA_TYPE, f"{error.detail} Send {accepted}.")
    return Response(problem.body(), status=problem.status_code, headers=problem.headers, content_type=CONTENT_TYPE)


def problem_of(error: Exception) -> Problem | None:
    """The problem for an exception of DRF or Django; None for an unexpected exception."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, exceptions.ValidationError):
        return _invalid(list(_flatten(error.get_full_details(), "")))
    if isinstance(error, ModelValidationError):
        details = exceptions.ValidationError(_model_messages(error)).get_full_details()
        return _invalid(list(_flatten(details, "")))
    if isinstance(error, exceptions.APIException):
        return _of_api_exception(error)
    return _of_django_exception(error)


def _invalid(errors: list[FieldError]) -> Problem:
    return Problem(codes.INVALID_REQUEST, summary(errors), errors=errors)


def summary(errors: Sequence[FieldError]) -> str:
    """What is wrong with the one wrong field, for clients that show `detail` alone, or the names of the wrong ones."""
    fields = list(dict.fromkeys(name_of(error.pointer) for error in errors))
    if len(fields) == 1:
        said = " ".join(dict.fromkeys(error.detail for error in errors))
        return f"{fields[0]}: {said}" if fields[0] else said
    named = [field or "the body" for field in fields]
    listed = ", ".join(named[:_MOST_NAMED]) + (", …" if len(named) > _MOST_NAMED else "")
    return f"{len(fields)} fields are wrong ({listed}); see errors."


def name_of(pointer: str) -> str:
    """A JSON pointer in words: `recipients.2.phone` for /recipients/2/phone."""
    return pointer[1:].replace("/", ".").replace("~1", "/").replace("~0", "~")


def _model_messages(error: ModelValidationError) -> dict[str, list[exceptions.ErrorDetail]]:
    """The errors by field, with the codes that the model gave them."""
    by_field = error.error_dict if hasattr(error, "error_dict") else {"non_field_errors": error.error_list}
    return {
        name: [exceptions.ErrorDetail(message, each.code or "invalid") for each in errors for message in each.messages]
        for name, errors in by_field.items()
    }


def _flatten(details: Any, pointer: str) -> Iterator[FieldError]:
    """The field errors of DRF's details, which are nested like the body and have leaves of the form `{message, code}`."""
    if isinstance(details, Mapping):
        if set(details) == {"message", "code"} and not isinstance(details["code"], list | Mapping):
            code = str(details["code"])
            yield FieldError(pointer, code, _SAID.get(code) or str(details["message"]))
            return
        for name, inner in details.items():
            own = name in ("non_field_errors", "__all__")
            yield from _flatten(inner, pointer if own else f"{pointer}/{_escape(str(name))}")
    else:
        rows = bool(details) and all(not _is_leaf(inner) for inner in details)
        for index, inner in enumerate(details):
            yield from _flatten(inner, f"{pointer}/{index}" if rows else pointer)


def _is_leaf(details: Any) -> bool:
    return isinstance(details, Mapping) and set(details) == {"message", "code"}


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


_OF_STATUS = {
    problem.status: problem
    for problem in (
        codes.MALFORMED,
        codes.UNAUTHENTICATED,
        codes.FORBIDDEN,
        codes.NOT_FOUND,
        codes.METHOD_NOT_ALLOWED,
        codes.NOT_ACCEPTABLE,
        codes.UNSUPPORTED_MEDIA_TYPE,
        codes.RATE_LIMITED,
        codes.INTERNAL_ERROR,
        codes.UNAVAILABLE,
    )
}


def _of_api_exception(error: exceptions.APIException) -> Problem:
    headers: dict[str, str] = {}
    if auth_header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    problem = _OF_STATUS.get(error.status_code, codes.BAD_REQUEST)
    if isinstance(error, exceptions.NotAuthenticated):
        return Problem(problem, headers=headers)
    return Problem(problem, str(error.detail), headers=headers)


def _of_django_exception(error: Exception) -> Problem | None:
    match error:
        case Http404():
            return Problem(codes.NOT_FOUND)
        case PermissionDenied():
            return Problem(codes.FORBIDDEN)
        case RequestDataTooBig():
            return Problem(codes.UPLOAD_TOO_LARGE, str(error))
        case TooManyFieldsSent() | TooManyFilesSent():
            return Problem(codes.MALFORMED, "The form has too many fields or files.")
        case UnreadablePostError():
            return Problem(codes.MALFORMED, "The body ended before all of it arrived.")
        case SuspiciousOperation():
            return Problem(codes.BAD_REQUEST)
        case _:
            return None


def _response(problem: Problem) -> HttpResponse:
    body = orjson.dumps(problem.body())
    return HttpResponse(body, status=problem.status_code, headers=problem.headers, content_type=CONTENT_TYPE)


def _is_api(request: HttpRequest) -> bool:
    return _API.match(request.path) is not None


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400, which also responds to too large uploads outside the API, and to sessions that cannot be saved."""
    if outages.is_outage(exception):
        return unavailable(request)
    problem = _of_django_exception(exception) or Problem(codes.BAD_REQUEST)
    if _is_api(request):
        return _response(problem)
    page = defaults.bad_request(request, exception)
    page.status_code = problem.status_code
    return page


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _response(Problem(codes.FORBIDDEN)) if _is_api(request) else defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _response(Problem(codes.NOT_FOUND)) if _is_api(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500, called while the error is handled that nothing else has answered."""
    if outages.is_outage(sys.exception()):
        return unavailable(request)
    return _response(Problem(codes.INTERNAL_ERROR)) if _is_api(request) else defaults.server_error(request)


def unavailable(request: HttpRequest) -> HttpResponse:
    if not _is_api(request):
        return outages.unavailable(request)
    return _response(Problem(codes.UNAVAILABLE, headers={"Retry-After": str(outages.RETRY_SECONDS)}))
