"""The threat model and the table of HIPAA name tests; each of them exists."""

from __future__ import annotations

import re
from functools import cache

import pytest
from django.apps import apps
from django.db import models

from rvm.platform.encryption.fields import EncryptedTextField
from tests.docs.pages import DOCS, PROJECT, table

SECURITY = DOCS / "operate" / "security.md"
NAMED = sorted(set(re.findall(r"`(test_\w+)`", SECURITY.read_text())))
PARAGRAPHS = ("(a)(1)", "(a)(2)(i)", "(a)(2)(ii)", "(a)(2)(iii)", "(a)(2)(iv)", "(b)", "(c)(1)", "(c)(2)", "(d)")
OF_TRANSMISSION = ("(e)(1)", "(e)(2)(i)", "(e)(2)(ii)")


@cache
def known() -> frozenset[str]:
    return frozenset(
        name
        for module in (PROJECT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", module.read_text(), re.MULTILINE)
    )


@pytest.mark.parametrize("name", NAMED)
def test_each_test_that_the_page_names_exists(name: str) -> None:
    assert name in known()


def test_every_paragraph_of_the_technical_safeguards_is_answered_and_shown() -> None:
    rows = table(SECURITY, "paragraph")
    assert {row[0] for row in rows} == {*PARAGRAPHS, *OF_TRANSMISSION}
    assert [row[0] for row in rows if not row[2] or "`test_" not in row[3]] == []


# Texts that no person types about a patient and no vendor sends: statuses, digests, words of the program and of the law, accounts.
_OF_THE_PROGRAM = re.compile(
    r"(User|Organisation|Workspace|ApiKey|Session|Invitation|FailedWork|Heartbeat|Tally|StateRuleSet|KeyRotation|DatabaseIdentity|Canary)\.\w+"
    r"|\w+\.(status|sha256|bitrate_mode|encoder|converted_from|format|encoding|delimiter|counts|codes|answers|unreadable|lines|left_out|facts"
    r"|time_zone|sender|recordings|decision|stopped_because|number_indexes|carrier|code|action|subject_type)"
    r"|(Outbox|Event|WebhookDelivery)\.type"
    r"|(Voicemail|Drop|CarrierReport|LaneCount|UseCaseCount|LaneDelta|KeptDecision)\.reason|InboundSecret\.last4|TelephonySetup\.name"
)


def test_every_text_that_is_stored_in_clear_is_named_with_who_writes_it() -> None:
    named = {name for row in table(SECURITY, "text") for name in re.findall(r"`(\w+\.\w+)`", row[1])}
    stored = {
        f"{model.__name__}.{field.name}"
        for app in ("platform", "usecases", "delivery", "campaigns")
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField | models.JSONField)
        if not isinstance(field, EncryptedTextField) and not field.choices
    }
    assert named == {name for name in stored if not _OF_THE_PROGRAM.fullmatch(name)}
