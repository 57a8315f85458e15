"""The `webhooks` of the OpenAPI document: each type of events, with an example that its schema allows."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from rvm.platform.events.types import TYPES
from rvm.project.docs import document


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    return document().content


def test_every_type_of_events_is_in_the_document(content: dict[str, Any]) -> None:
    assert content["webhooks"].keys() == TYPES.keys()


def test_every_example_of_a_webhook_is_right_and_says_its_own_type(content: dict[str, Any]) -> None:
    for name, methods in content["webhooks"].items():
        body = methods["post"]["requestBody"]["content"]["application/json"]
        whole = {**body["schema"], "components": content["components"]}
        validator = Draft202012Validator(whole, format_checker=FormatChecker())
        [example] = body["examples"].values()
        assert [error.message for error in validator.iter_errors(example["value"])] == [], name
        assert example["value"]["type"] == name and {*example["value"]} == {"id", "type", "timestamp", "data"}
        assert [*validator.iter_errors({**example["value"], "type": "another"})]


def test_every_webhook_has_the_headers_of_standard_webhooks(content: dict[str, Any]) -> None:
    for methods in content["webhooks"].values():
        named = [parameter["$ref"].rpartition("/")[2] for parameter in methods["post"]["parameters"]]
        assert named == ["webhook-id", "webhook-timestamp", "webhook-signature"]
        assert {content["components"]["parameters"][name]["in"] for name in named} == {"header"}
