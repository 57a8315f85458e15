"""The vendor's published schema of each of its requests, and the check of a request against it.

`fixtures/carriers/<vendor>/requests.json` has, by operation, JSON Schemas of the headers (names in lower case), the query and the
body: the JSON value, or an object of the fields of a form, where a repeated field is an array and a file
`{"filename", "content_type", "size"}`. A part without a schema is not checked. Number of schemas: one for every operation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
from jsonschema import Draft202012Validator

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "carriers"
PARTS = ("headers", "query", "body")


class Schemas:
    def __init__(self, vendor: str, directory: Path = FIXTURES) -> None:
        document = orjson.loads((directory / vendor / "requests.json").read_bytes())
        self._validators: dict[str, dict[str, Draft202012Validator]] = {}
        for operation, parts in document["operations"].items():
            self._validators[operation] = {}
            for part in PARTS:
                if part in parts:
                    schema = {"$defs": document.get("$defs", {})} | parts[part]
                    Draft202012Validator.check_schema(schema)
                    self._validators[operation][part] = Draft202012Validator(schema)

    @property
    def operations(self) -> set[str]:
        return set(self._validators)

    def violations(self, operation: str, request: Mapping[str, Any]) -> list[str]:
        """The places that do not fit, such as "body.To: pattern", without their values."""
        return [
            place
            for part, validator in self._validators[operation].items()
            for error in validator.iter_errors(request[part])
            for place in _places(part, error)
        ]


def _places(part: str, error: Any) -> Iterable[str]:
    where = ".".join([part, *map(str, error.absolute_path)])
    if error.validator == "additionalProperties":
        properties = error.schema.get("properties", {})
        return [f"{where}.{name}: unknown" for name in sorted(error.instance) if name not in properties]
    if error.validator == "required":
        return [f"{where}.{name}: missing" for name in error.validator_value if name not in error.instance]
    return [f"{where}: {error.validator}"]


def fields(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The fields of a form or query; a repeated one is a list."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), value]
        else:
            found[name] = value
    return found


def template(path: str) -> re.Pattern[str]:
    """The expression of an operation's path; `{part}` is anything up to the next slash, a dot included."""
    return re.compile(
        "".join(
            f"(?P<{part[1:-1]}>[^/]+?)" if part[0] == "{" else re.escape(part)
            for part in re.split(r"(\{\w+\})", path)
            if part
        )
    )
