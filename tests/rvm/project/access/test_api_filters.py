"""No list of the API is asked about a column that it does not offer as a filter, of its own table or of a related one.

An answer that differs by a guess at a hidden column tells it character by character.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from rvm.platform.models import Workspace
from tests.factories import make_api
from tests.rvm.platform.admin.test_lists import columns
from tests.rvm.project.access.world import OURS
from tests.rvm.project.test_worlds import QUESTIONS, READING, Rows, make_rows, no_question, text

pytestmark = pytest.mark.django_db

BATCH = 800  # fewer than Django takes in one query


@pytest.fixture
def rows(settings: Any, tmp_path: Path, workspace: Workspace) -> Rows:
    settings.MEDIA_ROOT = str(tmp_path)
    return make_rows(workspace, live=True)


def guesses() -> Iterator[str]:
    """Every column of every table, and of those one step away, as Django's filters call them."""
    named = {name for label in OURS for model in apps.get_app_config(label).get_models() for name in columns(model)}
    yield from sorted(named | {f"{name}__startswith" for name in named if "__" not in name} | {"pk", "pk__in", "or"})


def offered() -> dict[str, set[str]]:
    """The parameters and fields of each operation, from the OpenAPI document."""
    document = json.loads(b"".join(Client().get("/v1/openapi.json")))
    found = {}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            names = {parameter["name"] for parameter in told.get("parameters", []) if parameter["in"] == "query"}
            for content in told.get("requestBody", {}).get("content", {}).values():
                name = content["schema"].get("$ref", "").rpartition("/")[2]
                names |= document["components"]["schemas"].get(name, {}).get("properties", {}).keys()
            found[f"{method.upper()} {path.partition('{workspace_id}/')[2]}"] = names
    return found


def without_time(answer: Any) -> str:
    """The body, and for a page its rows: tokens, request ids and forecasts, which count from now, differ each time."""
    shown = re.sub(r"/player\.[^\"]+", "/player", text(answer))
    shown = re.sub(r'"(finishes_at)": ?"[^"]+"', r'"\1": "later"', shown)
    try:
        body = json.loads(shown)
    except ValueError:
        return shown
    return json.dumps(body.get("items", body))


def test_every_guess_at_a_column_is_refused_or_tells_nothing(workspace: Workspace, rows: Rows) -> None:
    api, known, taken = make_api(workspace), offered(), []
    names = list(guesses())
    assert len(names) > 1000
    refusing = 0
    for operation in READING:
        method, route = operation.split(" ")
        plain = QUESTIONS.get(operation, no_question)(rows)
        everything = [name for name in names if name not in known[operation]]
        for start in range(0, len(everything), BATCH):
            asked = dict.fromkeys(everything[start : start + BATCH], "1")
            if method == "GET":
                first, answer = (api.get(rows.address(route), **query) for query in ({}, asked))
            else:
                first, answer = (api.post(rows.address(route), {**plain, **more}) for more in ({}, asked))
            if answer.status_code == 422:
                refusing += 1
                told = {error["pointer"].lstrip("/").partition("/")[0] for error in answer.json()["errors"]}
                taken += [f"{operation} takes {name}" for name in asked if name not in told]
            elif without_time(answer) != without_time(first):
                taken.append(f"{operation} answers {answer.status_code} in place of {first.status_code}")
    assert taken == []
    assert refusing > 30


def sent(answer: Any) -> str:
    """What is sent; of a refusal its code, because it names what was asked."""
    return answer.json()["code"] if answer.status_code == 422 else without_time(answer)


def test_a_row_is_sent_alike_whatever_is_asked_beside_it(workspace: Workspace, rows: Rows) -> None:
    """Right and wrong guesses at a secret of the setup look alike."""
    api = make_api(workspace)
    for operation in READING:
        method, route = operation.split(" ")
        if method == "GET":
            answers = [
                api.get(rows.address(route), setup__callback_secrets__key__startswith=guess) for guess in ("", "a", "#")
            ]
            assert len({(answer.status_code, sent(answer)) for answer in answers}) == 1, operation
