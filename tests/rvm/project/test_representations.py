"""No value says in its `repr` what a person or a secret is; whatever reports an error may write it.

Every dataclass and NamedTuple of the packages is made with a marker in each of its fields that may hold text. A field whose marker
shows must be named here, with the fields of that name in all classes in mind: nothing of a patient, no secret, no row of a list.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.db import models

from rvm.platform.encryption.fields import EncryptedTextField
from tests.rvm.project.access.world import OURS

PACKAGES = ("rvm", "usecases", "delivery", "campaigns")
MARKER = "marker-of-a-patient"
_MAY_HOLD_TEXT = re.compile(r"\b(str|bytes|bytearray|Any|object|memoryview)\b")

# Statuses, codes, sentences of the program, words of the law, and names that an administrator gives to what is no patient.
SHOWN = set(
    """
    advice basis because bitrate_mode by_reason by_status carrier carrier_reference chain changes check choices choose chosen
    code codes coloured colours columns comments commit consent_required consents content_type continuation_token
    converted_from country
    covers crossed_out days decided delimiter demuxer detail differs dispatch_worker due encoder encoding end error errors event_id
    explanation facts failed_for field file_name fingerprint formats formulas freezes from_reason generated_at help hidden_columns
    holidays honoured hours iana id ids kind label labels last left left_out loaded_rules lost media_id message method missed
    months named note noun number_plan oddities of_log over page pairs part percent places process purpose purposes put_off
    question question_texts reason refused regions repeat reported rules saw says sender senders sha256 share sheet skipped
    source sources sql start state states status statuses stopped suppressions sure target then title unreadable username
    version voice waiting_by_zone what why words workspace zone zones
    """.split()  # noqa: SIM905  # a hundred words
)
# Names that elsewhere are a patient's or a secret.
SHOWN_THERE = {
    "AreaCode.code",
    "Call.hung_up_by",
    "CampaignPlan.time_zone",
    "Check.name",
    "Credential.form",
    "Credential.name",
    "Credential.pattern",
    "Document.body",
    "Document.content",
    "Document.etag",
    "Drop.key",
    "DropChange.text",
    "DropState.played_call",
    "Effect.name",
    "EntityTag.beside",
    "EntityTag.version",
    "Entry.name",
    "Event.text",
    "EventType.data",
    "EventType.description",
    "EventType.name",
    "Format.name",
    "Format.word",
    "Found.name",
    "Found.subject",
    "Gauge.name",
    "ImportProgress.file_name",
    "Kind.name",
    "Ledger.ends",
    "Ledger.fetches",
    "Ledger.reports",
    "Ledger.requests",
    "Ledger.violations",
    "Operation.path",
    "Operation.summary",
    "Outcomes.failed",
    "Part.colour",
    "Policy.name",
    "PolicyEffect.name",
    "ProblemCode.operations",
    "Proposal.name",
    "Proposal.text",
    "Purge.rows",
    "Quota.name",
    "Remainder.text",
    "Report.text",
    "Request.operation",
    "Request.path",
    "Rights.time_zones",
    "Server.name",
    "Sheet.name",
    "Shown.number",
    "Shown.text",
    "Sql.text",
    "Stream.types",
    "Style.colour",
    "Style.number",
    "Style.text",
    "Submission.text",
    "Summary.name",
    "Token.text",
    "Transition.text",
    "VoicemailFilter.failed_for",
    "_Groups.by",
    "_Groups.partial",
    "_Groups.rows",
}
# Each key of a ring hides itself, which the marker in its place cannot.
_OF_KEYS = {"KeyRing"}


def values() -> list[type[Any]]:
    found = []
    for package in PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if ".migrations" not in module.name and not module.name.endswith(".__main__"):
                for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                    is_row = issubclass(each, tuple) and hasattr(each, "_fields")
                    if each.__module__ == module.name and (dataclasses.is_dataclass(each) or is_row):
                        found.append(each)
    return found


def fields_of(value: type[Any]) -> dict[str, bool]:
    """Whether each field may hold text."""
    if dataclasses.is_dataclass(value):
        types = {each.name: str(each.type) for each in dataclasses.fields(value)}
    else:
        types = {name: str(value.__annotations__.get(name, "Any")) for name in value._fields}
    return {name: _MAY_HOLD_TEXT.search(text) is not None for name, text in types.items()}


def marked(value: type[Any]) -> Any:
    """An instance whose fields of text hold their name with the marker."""
    filled = {name: f"{MARKER}:{name};" if text else None for name, text in fields_of(value).items()}
    if not dataclasses.is_dataclass(value):
        return value._make(filled.values())
    made = object.__new__(value)
    for name, content in filled.items():
        object.__setattr__(made, name, content)
    return made


def shown_by(value: type[Any]) -> Iterator[str]:
    for name in re.findall(rf"{MARKER}:(\w+);", repr(marked(value))):
        yield f"{value.__name__}.{name}"


def test_no_value_shows_a_patient_or_a_secret() -> None:
    found = values()
    assert len(found) > 150
    shown = {each for value in found if value.__name__ not in _OF_KEYS for each in shown_by(value)}
    open_ = {each for each in shown if each.partition(".")[2] not in SHOWN and each not in SHOWN_THERE}
    assert open_ == set()


def test_the_reviewed_names_are_those_of_fields_that_show() -> None:
    shown = {each for value in values() for each in shown_by(value)}
    assert " ".join(sorted(SHOWN - {each.partition(".")[2] for each in shown})) == ""
    assert " ".join(sorted(SHOWN_THERE - shown)) == ""


@pytest.mark.parametrize(
    "model",
    [model for label in OURS for model in apps.get_app_config(label).get_models()],
    ids=lambda model: model.__name__,
)
def test_no_row_shows_a_column_that_is_encrypted_or_finds_a_person(model: type[models.Model]) -> None:
    """Messages, logs and the admin's own log write the `str` of rows."""
    row = model()
    hidden = [
        field.attname
        for field in model._meta.concrete_fields
        if not field.primary_key  # Django writes that of every row, and of what is a hash of a person nothing can be read
        if isinstance(field, EncryptedTextField | models.BinaryField)
        or re.search("digest|sha256|token|secret|password|_index|answer", field.attname)
    ]
    for name in hidden:
        row.__dict__[name] = f"{MARKER}:{name};"
    try:
        said = f"{row!r} {row}"
    except ObjectDoesNotExist:  # what it says is of a row that it refers to
        return
    assert MARKER not in said
