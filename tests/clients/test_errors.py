"""Each problem is an error of its kind, and says all that it says in a sentence."""

from __future__ import annotations

import pytest
from rvm_client import Blocked, FieldError, Invalid, Problem, ServerFault
from rvm_client.errors import problem_of

from rvm.project.docs import PROBLEMS

KINDS = {
    400: "BadRequest", 401: "Unauthenticated", 403: "Forbidden", 404: "NotFound", 405: "BadRequest", 409: "Conflict",
    412: "PreconditionFailed", 413: "TooLarge", 415: "BadRequest", 422: "Invalid", 429: "RateLimited", 500: "ServerFault",
    503: "Unavailable",
}  # fmt: skip


@pytest.mark.parametrize(("status", "kind"), KINDS.items())
def test_the_kind_follows_from_the_status(status: int, kind: str) -> None:
    error = problem_of({"code": "x", "detail": "It is so."}, status)
    assert type(error).__name__ == kind and error.status == status and isinstance(error, Problem)


def test_every_problem_of_the_platform_has_a_kind_of_its_own_half() -> None:
    known = [problem for layer in PROBLEMS for problem in layer.values()]
    assert len(known) > 50
    for problem in known:
        error = problem_of({"code": problem.code}, problem.status)
        assert type(error) is not Problem
        assert isinstance(error, ServerFault) == (problem.status >= 500)
        assert isinstance(error, Blocked) == problem.code.startswith("blocked.")


def test_its_text_has_what_is_wrong_with_each_field_once() -> None:
    field = {"pointer": "/use_case_id", "code": "invalid", "detail": "Must be a UUID."}
    error = problem_of({"code": "x", "detail": "1 field is wrong.", "request_id": "r", "errors": [field]}, 422)
    assert isinstance(error, Invalid) and error.fields == (FieldError("/use_case_id", "invalid", "Must be a UUID."),)
    assert str(error) == "1 field is wrong. use_case_id: Must be a UUID." and error.request_id == "r"
    assert str(problem_of({"code": "x", "detail": "Must be a UUID.", "errors": [field]}, 422)) == "Must be a UUID."
