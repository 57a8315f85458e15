"""The documentation says what the code does: tables of pages are equal to those of the code, and every link leads somewhere."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.db import connection

from campaigns.imports.row_errors import CODES
from campaigns.states import OPT_OUT_TRANSITIONS
from campaigns.states import TRANSITIONS as CAMPAIGN_MOVES
from delivery.api.problem_codes import AUDIO_PROBLEMS
from delivery.audio import REJECTIONS, WARNINGS
from delivery.audio.clip_rejections import CLIP_REJECTIONS, CLIP_WARNINGS
from delivery.audio.conversion.rejections import CONVERSION_REJECTIONS
from delivery.lifecycle.reasons import REASONS
from delivery.lifecycle.status import TRANSITIONS, DropStatus, VoicemailStatus
from rvm.platform.api.problem_codes import ADDRESS_NOT_ALLOWED, MISSING_SCOPE, UNAUTHENTICATED
from rvm.platform.database import session
from rvm.platform.events import streams
from rvm.platform.events.types import TYPES
from rvm.platform.health.checks import CHECKS
from rvm.platform.roles import ROLES, Right, Role
from rvm.platform.scopes import Scope
from rvm.project import settings
from rvm.project.docs import PROBLEMS
from rvm.project.navigation import UNFOLD
from rvm.simulators.sandbox.options import KEY_VARIABLE, SECRET_VARIABLE
from rvm.simulators.sandbox.outcomes import NUMBERS, SANDBOX_PREFIX
from tests.docs.pages import CODE, DOCS, PAGES, PROJECT, WORD, modules, name_of, table, tracked_files, words
from tests.rvm.project.answers.test_ambiguity import read_fields
from usecases.failover import FailoverReason

INTEGRATE, OPERATE = DOCS / "integrate", DOCS / "operate"

LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
# Codes that Django REST framework makes out of a field's type.
OF_TYPES = {
    "required", "invalid", "blank", "null", "empty", "max_length", "min_length", "min_value", "max_value", "invalid_choice",
    "not_a_list", "not_a_dict",
}  # fmt: skip


def variables_in(environment_example: str) -> set[str]:
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", environment_example, re.MULTILINE))


# environment


def variables() -> set[str]:
    return {*settings.env.dump(), KEY_VARIABLE, SECRET_VARIABLE}


def test_the_example_of_the_environment_names_exactly_what_is_read() -> None:
    assert variables_in((PROJECT / ".env.example").read_text()) == variables()


def test_the_page_on_the_environment_names_exactly_what_is_read() -> None:
    assert set(words(table(OPERATE / "environment.md", "variable"))) == variables()


def test_no_process_but_the_settings_and_the_sandbox_reads_a_variable_of_ours() -> None:
    read = {word for path in modules() for word in re.findall(r'environ\S*\(?\[?"(RVM_\w+)"', path.read_text())}
    assert read <= variables()


# PostgreSQL


def test_what_a_connection_is_set_to_is_documented() -> None:
    rows = table(OPERATE / "postgresql.md", "setting")
    assert dict(zip(words(rows), words(rows, 1), strict=True)) == session.SETTINGS


@pytest.mark.django_db
def test_the_storage_parameters_of_tables_are_documented() -> None:
    rows = table(OPERATE / "postgresql.md", "table")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reloptions FROM pg_class WHERE relkind = 'r' AND reloptions IS NOT NULL"
            " AND relnamespace = 'public'::regnamespace ORDER BY relname"
        )
        assert sorted((WORD.findall(row[0])[0], WORD.findall(row[1])) for row in rows) == cursor.fetchall()


# statuses, reasons, moves


def test_the_statuses_of_voicemails_and_drops_are_documented() -> None:
    text = (INTEGRATE / "statuses.md").read_text()
    of_voicemail, of_drop = text.split("## Of a drop")
    assert re.findall(r"^\| `(\w+)` \| .* \|$", of_voicemail, re.MULTILINE) == [
        status.value for status in VoicemailStatus
    ]
    assert re.findall(r"^\| `(\w+)` \| \w", of_drop, re.MULTILINE) == [status.value for status in DropStatus]


def test_a_final_status_is_called_final() -> None:
    final = {row[0].strip("`") for row in table(INTEGRATE / "statuses.md", "status") if row[-1].startswith("yes")}
    assert final == {
        status.value for status in VoicemailStatus if not TRANSITIONS[status] or status is VoicemailStatus.FAILED
    }


@pytest.mark.parametrize("page", [INTEGRATE / "statuses.md", DOCS / "architecture.md"], ids=name_of)
def test_the_moves_between_statuses_are_documented(page: Path) -> None:
    drawn = {row[0].strip("`"): set(WORD.findall(row[1])) for row in table(page, "from")}
    assert drawn == {old.value: {new.value for new in moves} for old, moves in TRANSITIONS.items() if moves}


def test_the_reasons_are_documented_with_their_sentences_and_consequences() -> None:
    def yes(holds: bool) -> str:
        return "yes" if holds else ""

    assert table(INTEGRATE / "reasons.md", "reason") == [
        [
            f"`{reason.value}`",
            facts.detail,
            yes(facts.retryable),
            yes(facts.may_have_reached),
            yes(facts.suppresses),
        ]
        for reason, facts in REASONS.items()
    ]


def test_the_reasons_that_a_use_case_may_name_for_failover_are_documented() -> None:
    told = (INTEGRATE / "reasons.md").read_text().split("`failover_reasons`")[1]
    assert set(WORD.findall(told)) - {"max_attempts"} == {reason.value for reason in FailoverReason}


# problems


def test_the_problems_are_documented_with_their_statuses_and_advice() -> None:
    known = sorted((problem.status, problem) for layer in PROBLEMS for problem in layer.values())
    assert table(INTEGRATE / "problems.md", "code") == [
        [f"`{problem.code}`", str(status), problem.title, problem.advice]
        for status, problem in known
        if problem.code not in AUDIO_PROBLEMS
    ]


def test_the_problems_of_recordings_are_documented_with_their_statuses() -> None:
    told = (INTEGRATE / "problems.md").read_text().split("A refused recording")[1].split("## ")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| (\d+) \|$", told, re.MULTILINE)) == {
        code: str(problem.status) for code, problem in AUDIO_PROBLEMS.items()
    }


def test_the_rejections_and_warnings_of_recordings_are_documented() -> None:
    assert words(table(INTEGRATE / "recordings.md", "code")) == list(REJECTIONS)
    assert words(table(INTEGRATE / "recordings.md", "warning")) == list(WARNINGS)
    assert words(table(INTEGRATE / "recordings.md", "clip code")) == list(CLIP_REJECTIONS)
    assert words(table(INTEGRATE / "recordings.md", "clip warning")) == list(CLIP_WARNINGS)
    assert words(table(INTEGRATE / "recordings.md", "conversion code")) == list(CONVERSION_REJECTIONS)


def test_the_moves_of_campaigns_are_documented() -> None:
    drawn = {row[0].strip("`"): set(WORD.findall(row[1])) for row in table(INTEGRATE / "campaigns.md", "from")}
    assert drawn == {old.value: {new.value for new in moves} for old, moves in CAMPAIGN_MOVES.items() if moves}


def test_the_moves_of_opt_out_lists_are_documented() -> None:
    drawn = {row[0].strip("`"): set(WORD.findall(row[1])) for row in table(INTEGRATE / "opt-out-lists.md", "from")}
    assert drawn == {old.value: {new.value for new in moves} for old, moves in OPT_OUT_TRANSITIONS.items() if moves}


def test_the_codes_of_rows_of_lists_are_documented_with_their_sentences() -> None:
    assert table(INTEGRATE / "campaigns.md", "code") == [
        [f"`{code}`", f"`{entry.outcome}`", entry.message] for code, entry in CODES.items()
    ]


def refused_codes() -> set[str]:
    """The codes with which services, validators and views refuse: literals given to what raises a refusal of the API."""
    codes: set[str] = set()
    for path in modules():
        if "admin" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and (place := PLACE_OF_CODE.get(called(node))) is not None:
                code = node.args[place] if len(node.args) > place else None
                if isinstance(code, ast.Constant) and isinstance(code.value, str):
                    codes.add(code.value)
    return codes


def called(call: ast.Call) -> str:
    """The name of what is called, without the module or object before it."""
    return (
        call.func.id
        if isinstance(call.func, ast.Name)
        else call.func.attr
        if isinstance(call.func, ast.Attribute)
        else ""
    )


# Which argument is the code.
PLACE_OF_CODE = {
    "ServiceError": 0, "NumberInvalid": 0, "invalid": 2, "ErrorDetail": 1, "RegexValidator": 2, "ValidationError": 1, "fail": 0,
}  # fmt: skip


def codes_of_fields() -> set[str]:
    """The codes with which the fields and validators of everything that is read can refuse."""
    codes: set[str] = set()
    for _, field in read_fields():
        codes |= field.error_messages.keys() | {getattr(validator, "code", "invalid") for validator in field.validators}
    return codes - NEVER_SENT


# Those of DRF's own for what the strict fields refuse before.
NEVER_SENT = {
    "date",
    "datetime",
    "make_aware",
    "max_string_length",
    "no_name",
    "null_characters_not_allowed",
    "surrogate_characters_not_allowed",
}


def test_the_codes_of_single_fields_are_documented_and_exist() -> None:
    told = (INTEGRATE / "problems.md").read_text().split("## Codes of single fields")[1]
    rows = [code for line in told.splitlines() if line.startswith("| `") for code in WORD.findall(line.split(" | ")[0])]
    assert [code for code, times in Counter(rows).items() if times > 1] == []
    documented = set(rows)
    of_their_own = {code for layer in PROBLEMS for code in layer}
    of_the_admin = {
        "forbidden",
        "suppressed",
        "breaker_closed",
        "upload_not_needed",
        "day_not_understood",
        "time_not_understood",
        "freeze_empty",
    }
    assert (refused_codes() | codes_of_fields()) - of_their_own - of_the_admin - OF_TYPES - documented == set()
    source = "\n".join(path.read_text() for path in modules())
    assert {code for code in documented if f'"{code}"' not in source} == set()
    assert set(WORD.findall(told.split("usual names:")[1])) == OF_TYPES


# keys, sandbox, commands, admin


def test_the_types_of_events_are_documented_with_their_data() -> None:
    told = {row[0].strip("`"): (row[1], WORD.findall(row[2])) for row in table(INTEGRATE / "events.md", "type")}
    assert told == {name: (each.description, list(each.data().fields)) for name, each in TYPES.items()}


def test_the_ends_of_a_stream_are_documented() -> None:
    told = set(words(table(INTEGRATE / "events.md", "code")))
    said = {json.loads(end.partition(b"data: ")[2])["code"] for end in (streams.TIME_OVER, streams.SERVER_STOPS)}
    assert told == said | {code.code for code in (UNAUTHENTICATED, MISSING_SCOPE, ADDRESS_NOT_ALLOWED)}


def test_the_scopes_are_documented() -> None:
    told = {row[0].strip("`"): row[1] for row in table(INTEGRATE / "README.md", "scope")}
    assert told == dict(Scope.choices)


def test_the_operations_of_the_api_are_documented_with_their_scopes() -> None:
    told = set()
    for row in table(INTEGRATE / "README.md", "address"):
        told |= {(operation, row[2].strip("`")) for operation in WORD.findall(row[0])}
    assert told == set(operations())


def operations() -> Iterator[tuple[str, str]]:
    """Each method of each address under /v1/{workspace_id}, and the scope that it needs."""
    from campaigns.api.urls import urlpatterns as of_campaigns
    from delivery.api.urls import urlpatterns as of_delivery
    from delivery.setups.urls import urlpatterns as of_setups
    from rvm.platform.access.urls import urlpatterns as of_access
    from rvm.platform.audit_api.urls import urlpatterns as of_audit
    from rvm.platform.events.api.urls import urlpatterns as of_events
    from rvm.platform.webhooks.api.urls import urlpatterns as of_webhooks
    from usecases.api.urls import urlpatterns as of_use_cases

    ours = (*of_access, *of_audit, *of_events, *of_webhooks, *of_delivery, *of_setups, *of_use_cases, *of_campaigns)
    for pattern in ours:
        address = re.sub(r"<uuid:(\w+)>", r"{\1}", str(pattern.pattern))
        address = re.sub(r"\{\w+\}", "{id}", address, count=1)
        for method, scope in pattern.callback.view_class.required_scopes.items():
            yield f"{method} /{address}", scope.value


def test_the_sandbox_numbers_are_documented_with_what_is_reported() -> None:
    told = {row[0].strip("`"): row[2].strip("`") for row in table(INTEGRATE / "sandbox.md", "number")}
    assert told == {SANDBOX_PREFIX + last4: plan.code or "" for last4, plan in NUMBERS.items()}


def test_the_commands_are_documented() -> None:
    commands = {
        path.stem
        for layer in CODE
        for path in (PROJECT / layer).rglob("management/commands/*.py")
        if path.stem != "__init__"
    }
    assert set(words(table(OPERATE / "README.md", "command"))) == commands


def test_the_targets_of_make_that_are_documented_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    told = {
        target
        for page in PAGES
        for target in re.findall(r"(?:`|^ {4}(?:\$ )?)make ([a-z0-9-]+)", page.read_text(), re.MULTILINE)
    }
    assert told <= targets
    assert {"demo", "up", "test"} <= told


def test_the_checks_of_readyz_are_documented() -> None:
    assert words(table(OPERATE / "health.md", "check")) == list(CHECKS)


def test_the_gauges_are_documented() -> None:
    source = (PROJECT / "delivery" / "web" / "gauges.py").read_text()
    assert set(words(table(OPERATE / "health.md", "gauge"))) - {
        "status",
        "reason",
        "queue",
        'status="uncertain"',
    } == set(re.findall(r'"(rvm_\w+)"', source))


def test_the_log_events_that_are_documented_exist() -> None:
    source = "\n".join(path.read_text() for path in modules())
    events = words(table(OPERATE / "health.md", "`event`"))
    assert {event for event in events if event != "why" and f'"{event}"' not in source} == set()


def test_the_pages_and_roles_of_the_admin_are_documented() -> None:
    text = (DOCS / "administer" / "README.md").read_text()
    titles = [item["title"] for group in UNFOLD["SIDEBAR"]["navigation"] for item in group["items"]]
    assert [title for title in titles if title not in text] == []
    assert all(label in text for label in Role.labels)


def test_the_roles_are_documented_with_their_rights() -> None:
    page = DOCS / "administer" / "roles.md"
    assert [row[0] for row in table(page, "role")] == Role.labels
    assert f"| right | {' | '.join(Role.values)} |" in page.read_text()
    told = {row[0].strip("`"): row[1 : 1 + len(Role)] for row in table(page, "right")}
    assert told == {right.value: ["yes" * (right in ROLES[role]) for role in Role] for right in Right}


# links and addresses


def anchors(path: Path) -> set[str]:
    """Of its headings, as a forge makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text()):
        target, _, anchor = unquote(link).partition("#")
        if "://" in target:
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            broken.append(link)
    assert broken == []


# A path of ours: it begins with one of the folders at the top.
PATH = re.compile(
    r"(?:{})/[\w./-]+".format("|".join((*CODE, "tests", "bench", "deploy", "docs", "fixtures", "requirements")))
)
OF_THE_READER = {"deploy/rvm.env", "deploy/secrets"}  # files that the page asks its reader to make


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    written = {word.replace("<vendor>", "drop_cowboy") for word in WORD.findall(page.read_text())}
    named = {word for word in written if PATH.fullmatch(word)} - OF_THE_READER
    assert {path for path in named if not (PROJECT / path).exists()} == set()


OF_CONTRIBUTORS = [
    page
    for page in PAGES
    if page.relative_to(PROJECT).parts[:2]
    in {("docs", "contribute"), ("docs", "architecture"), ("docs", "architecture.md")}
]


@pytest.mark.parametrize("page", OF_CONTRIBUTORS, ids=name_of)
def test_pages_for_contributors_keep_to_the_columns_of_the_code(page: Path) -> None:
    assert [line for line in page.read_text().splitlines() if len(line) > 120 and not line.startswith("|")] == []


def test_the_index_has_every_page() -> None:
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in LINK.findall((DOCS / "README.md").read_text())}
    records = (DOCS / "architecture" / "decisions").glob("0*.md")  # these have an index of their own
    assert {*DOCS.rglob("*.md")} - {DOCS / "README.md", *records} - linked == set()


def test_no_file_names_the_address_of_a_package_registry() -> None:
    names = [
        ".".join(parts) for parts in (("pypi", "org"), ("files", "pythonhosted", "org"), ("registry", "npmjs", "org"))
    ]
    names += ["--index" + "-url", "--extra-index" + "-url"]
    found = []
    for path in tracked_files():
        content = path.read_bytes()
        found += [f"{name_of(path)}: {name}" for name in names if name.encode() in content]
    assert found == []
