"""Every operation does what the OpenAPI document says: schemathesis calls it with right and wrong requests on real rows.

Each request is made on the same rows and undone. What the document cannot say is in `reviewed.py`, by operation and check.
`make contract` runs the long form: all cases, drawn ones too, and sequences of requests.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, transaction
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.schemas import APIOperation

from delivery.carriers.abilities import Check
from delivery.recordings import removal
from delivery.setups import api as setups
from rvm.platform.api import rate_limit
from rvm.project.docs import document
from tests.factories import Api, make_suppression
from tests.rvm.project.contract.fitting import fit, fit_together, fitting_values
from tests.rvm.project.contract.reviewed import FOUND_BY_DRAWING, REVIEWED
from tests.rvm.project.test_worlds import ACTIONS, Rows, make_rows

# Responses with a file are closed when their objects go.
pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]
SEED = int(os.environ.get("RVM_CONTRACT_SEED", "1"))
EXAMPLES = int(os.environ.get("RVM_CONTRACT_EXAMPLES", "100"))
# Of the cases of an operation beyond so many, the short form calls every fourth.
MANY = 40
Found = dict[tuple[str, str], str]


@pytest.fixture
def one_connection(db: None) -> Iterator[None]:
    """Requests keep the test's transaction, as with Django's own test client; drawing them takes longer than a request."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    yield
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


@pytest.fixture
def rows(one_connection: None, api: Api, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rows:
    settings.MEDIA_ROOT = str(tmp_path)
    monkeypatch.setattr(rate_limit, "count", lambda *_: None)  # tested elsewhere
    monkeypatch.setattr(setups, "check_setup", lambda setup: Check(True, "asked"))
    # Rows that are deleted come back for the next request, which their files would not.
    monkeypatch.setattr(removal.default_storage, "delete", lambda name: None)
    make_suppression(api.key.workspace, "+12025550199")
    return make_rows(api.key.workspace, live=True)


def loaded(api: Api) -> Any:
    """The served document for one workspace, asked of this process."""
    content = json.loads(document().body)
    content["paths"] = {
        path.replace("{workspace_id}", str(api.workspace_id)): {
            method: {**operation, "parameters": [each for each in operation.get("parameters", []) if each["name"] != "workspace_id"]}
            for method, operation in methods.items()
        }
        for path, methods in content["paths"].items()
    }  # fmt: skip
    config = schemathesis.Config.from_dict({"generation": {"allow-x00": False, "database": "none"}})
    schema = schemathesis.openapi.from_dict(content, config=config)
    schema.app = WSGIHandler()
    return schema


def id_of(operation: APIOperation) -> str:
    return str(operation.definition.raw["operationId"])


def note(found: Found, group: FailureGroup, case: Case) -> None:
    """Keep the first failure of each operation and check, which is named after the failure's class."""
    for failure in group.exceptions:
        if isinstance(failure, Failure):
            found.setdefault((id_of(case.operation), type(failure).__name__), f"{failure}\n{case.as_curl_command()}")


def checked(values: Mapping[str, Any], found: Found, every: int) -> Callable[[Case], None]:
    calls = 0

    def request(case: Case) -> None:
        nonlocal calls
        calls += 1
        if calls > MANY and calls % every:
            return
        fit(case, values)
        fit_together(case, id_of(case.operation))
        with transaction.atomic():
            try:
                case.call_and_validate()
            except FailureGroup as group:
                note(found, group, case)
            finally:
                transaction.set_rollback(True)

    return request


def failures(api: Api, rows: Rows, *, drawn: int = 0, every: int = 4) -> Found:
    """What fails, of the cases that follow from the document, and of so many drawn ones of each operation."""
    found: Found = {}
    schema = loaded(api)
    modes = [HypothesisTestMode.EXAMPLES, HypothesisTestMode.COVERAGE] + [HypothesisTestMode.FUZZING] * bool(drawn)
    once = settings(
        max_examples=drawn or 1,
        phases=[Phase.explicit, Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    for result in schema.get_all_operations():
        operation = result.ok()
        route = operation.path.removeprefix(f"/v1/{api.workspace_id}/")
        action = ACTIONS.get(f"{operation.method.upper()} {route}")
        values = fitting_values(api, {**rows.ids, **(action.rows(rows) if action else {})})
        create_test(
            operation=operation,
            test_func=checked(values, found, every),
            config=HypothesisTestConfig(project=schema.config, modes=modes, seed=SEED, settings=once),
        )()
    return found


def judge(found: Found, *, known: Mapping[tuple[str, str], str]) -> None:
    new = [f"{name}: {check}\n{text}" for (name, check), text in sorted(found.items()) if (name, check) not in known]
    assert not new, f"{len(new)} breaks of the contract that nobody has reviewed:\n\n" + "\n\n".join(new)


@pytest.mark.timeout(600)
def test_every_operation_keeps_the_contract(api: Api, rows: Rows) -> None:
    found = failures(api, rows)
    judge(found, known=REVIEWED)
    gone = sorted(REVIEWED.keys() - found.keys())
    assert not gone, f"These no longer fail; take them out of reviewed.py: {gone}"


@pytest.mark.contract
def test_every_operation_keeps_the_contract_with_drawn_requests(api: Api, rows: Rows) -> None:
    judge(failures(api, rows, drawn=EXAMPLES, every=1), known=REVIEWED | FOUND_BY_DRAWING)


@pytest.mark.contract
def test_sequences_of_requests_keep_the_contract(api: Api, rows: Rows) -> None:
    found: Found = {}
    values = fitting_values(api, rows.ids)

    class Sequence(loaded(api).as_state_machine()):  # type: ignore[misc]  # made from the document
        def setup(self) -> None:
            self.saved = transaction.savepoint()

        def teardown(self) -> None:
            transaction.savepoint_rollback(self.saved)

        def before_call(self, case: Case) -> None:
            fit(case, values)
            fit_together(case, id_of(case.operation))

        def validate_response(self, response: Any, case: Case, **options: Any) -> None:
            try:
                case.validate_response(response)
            except FailureGroup as group:
                note(found, group, case)

    Sequence.run(
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=10,
            phases=[Phase.generate],
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
    )
    judge(found, known=REVIEWED | FOUND_BY_DRAWING)
