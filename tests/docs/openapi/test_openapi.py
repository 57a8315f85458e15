"""The committed OpenAPI document is the served one, complete and valid."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import EndpointEnumerator
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate

from rvm.platform.api.schema.deprecation import MIN_NOTICE
from rvm.platform.api.views import ApiView
from rvm.project.docs import PROBLEMS, document, operations_with
from tests.docs.pages import DOCS

COMMITTED = DOCS / "integrate" / "openapi.json"
STALE = "docs/integrate/openapi.json is not the document of this code: run `make openapi`, and review what it changes."
_ANSWERED = re.compile(r"\b[45]\d\d `(\w+)`")
CONTENT: dict[str, Any] = document().content
OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: operation for methods in CONTENT["paths"].values() for operation in methods.values()
}


def test_the_committed_document_is_that_of_the_code() -> None:
    if json.loads(COMMITTED.read_text()) != json.loads(document().body):
        pytest.fail(STALE)


def test_the_document_is_made_without_a_warning() -> None:
    document.cache_clear()
    document()
    assert not GENERATOR_STATS


def test_the_served_document_is_valid_openapi_31() -> None:
    served = json.loads(Client().get("/v1/openapi.json").content)
    assert served["openapi"].startswith("3.1") and served["servers"] and served["info"]["license"]
    validate(served)


def test_the_document_is_kept_by_a_client_until_it_changes() -> None:
    first = Client().get("/v1/openapi.json", headers={"Accept": "text/html"})
    assert first.status_code == 200 and first["Cache-Control"] == "public, max-age=300"
    again = Client().get("/v1/openapi.json", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304 and not again.content


def test_an_operation_has_an_id_a_summary_a_described_tag_and_a_key() -> None:
    described = {tag["name"] for tag in CONTENT["tags"] if tag["description"]}
    assert len(OPERATIONS) == sum(len(methods) for methods in CONTENT["paths"].values())
    for name, operation in OPERATIONS.items():
        assert name.replace("_", "").islower() and operation["summary"], name
        assert operation["security"] == [{"ApiKey": []}], name
        assert set(operation["tags"]) <= described, f"SPECTACULAR_SETTINGS describes no tag {operation['tags']}"


def test_every_deprecated_operation_is_in_the_page_about_versions_and_gets_its_notice() -> None:
    page = (DOCS / "integrate" / "versions.md").read_text()
    for view in {callback.cls for callback in callbacks(get_resolver().url_patterns) if hasattr(callback, "cls")}:
        for deprecation in getattr(view, "deprecations", {}).values():
            assert deprecation.sunset - deprecation.since >= MIN_NOTICE, view
    for name, operation in OPERATIONS.items():
        assert not operation.get("deprecated") or f"`{name}`" in page, name


def callbacks(entries: Any) -> Iterator[Any]:
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from callbacks(entry.url_patterns)
        elif isinstance(entry, URLPattern):
            yield entry.callback


def test_the_operations_of_a_problem_exist_and_name_it() -> None:
    for problem in (problem for table in PROBLEMS for problem in table.values()):
        assert set(problem.operations) <= OPERATIONS.keys(), problem.code
        assert set(problem.operations) <= {operation.id for operation in operations_with(problem.code)}, problem.code


# Codes that no operation sends, each with the reason.
OF_NO_OPERATION = {
    "headers_too_large": "The web server answers before there is an operation.",
    "request_timeout": "The same.",
    "uri_too_long": "The same.",
    "method_not_allowed": "No operation has the method.",
    **dict.fromkeys(("link_ended", "link_expired", "link_unknown"), "Of links to sounds, which are for browsers."),
}


def test_every_problem_stands_at_an_operation() -> None:
    codes = {code for table in PROBLEMS for code in table}
    assert {code for code in codes if not operations_with(code)} == OF_NO_OPERATION.keys()


def test_a_problem_that_the_text_of_an_operation_names_stands_at_it() -> None:
    codes = {code for table in PROBLEMS for code in table}
    said = {
        (code, name)
        for name, each in OPERATIONS.items()
        for code in _ANSWERED.findall(each["description"])
        if code in codes
    }
    assert said and not {(code, name) for code, name in said if name not in {each.id for each in operations_with(code)}}


def test_who_takes_a_place_for_large_requests_says_that_there_may_be_none() -> None:
    for path, _, _, callback in EndpointEnumerator().get_api_endpoints():
        views = [view for view in callback.cls.__mro__ if issubclass(view, ApiView) and view is not ApiView]
        if any("take_place(" in inspect.getsource(view) for view in views):
            names = {operation["operationId"] for operation in CONTENT["paths"][path].values()}
            assert names & {operation.id for operation in operations_with("too_many_at_once")}, path


def bodies() -> Iterator[Any]:
    """Each body of a request and of a successful response, but sounds."""
    for name, operation in OPERATIONS.items():
        kinds = {"request": operation.get("requestBody", {})} | {
            status: response for status, response in operation["responses"].items() if status.startswith("2")
        }
        for kind, body in kinds.items():
            for media_type, content in body.get("content", {}).items():
                if media_type not in ("audio/mpeg", "text/event-stream"):  # bytes, and frames that are no JSON
                    yield pytest.param(content, id=f"{name}-{kind}-{media_type}")


@pytest.mark.parametrize("content", list(bodies()))
def test_every_body_has_an_example_that_is_right(content: dict[str, Any]) -> None:
    examples = content.get("examples", {})
    assert examples, "Give it one with `give_examples`, in examples.py of its layer."
    whole = {**content["schema"], "components": CONTENT["components"]}
    validator = Draft202012Validator(whole, format_checker=FormatChecker())
    for example in examples.values():
        assert [error.message for error in validator.iter_errors(example["value"])] == []
