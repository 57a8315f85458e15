"""Every audit event that the code records has a sentence for people, and every table that it is about a name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin

from rvm.platform.admin.list_export import ListExport
from rvm.platform.admin.scoping import ScopedModelAdmin
from rvm.platform.audit.reading import Told, all_rows, names_in
from rvm.platform.audit.vocabulary import DISCLOSURES, MESSAGES, SUBJECTS
from rvm.platform.models import AuditEvent
from tests.docs.pages import modules, name_of

ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
# The functions that record an event of the action that they are called with.
RECORDERS = {"audit.record": 0, "_record": 0, "_audit": 0, "change_campaign": 2, "_end": 2, "remove_files_of": 2}
# Class attributes that name the action of an event.
NAMED = {"read_event", "audit_name"}
# What the parts that are decided at run time may be.
PARTS = {
    "row._meta.model_name": ("recording", "clip"),
    "sound._meta.model_name": ("recording", "clip"),
    "verb": ("linked", "played", "renamed", "archived", "unarchived", "deleted"),
    "name": ("created", "lifted"),
    "action": ("undo", "lift"),
    "to.value": ("approved", "declined", "fallen", "withdrawn"),
    "canary.state": ("passed", "stalled", "stopped"),
    "self.noun": (),  # of the tables of the admin: see below
}


def actions_of(node: ast.expr) -> Iterator[str]:
    """The actions that an argument may be; none for a name, which another call has given."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from actions_of(node.body)
        yield from actions_of(node.orelse)
    elif isinstance(node, ast.JoinedStr):
        texts = [""]
        for part in node.values:
            if isinstance(part, ast.Constant):
                texts = [text + str(part.value) for text in texts]
            elif isinstance(part, ast.FormattedValue):
                texts = [text + each for text in texts for each in PARTS[ast.unparse(part.value)]]
        yield from texts


def recorded_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            position = RECORDERS.get(ast.unparse(node.func))
            if position is not None and len(node.args) > position:
                yield from actions_of(node.args[position])
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.IfExp | ast.JoinedStr):
            named = {ast.unparse(target) for target in node.targets}
            if named & (NAMED | {"action"}):
                yield from actions_of(node.value)


def recorded() -> set[tuple[str, str]]:
    """Each action that the code records, and the module that does."""
    return {(action, name_of(path)) for path in modules() for action in recorded_in(path) if ACTION.fullmatch(action)}


def test_every_event_that_the_code_records_has_a_sentence() -> None:
    found = recorded()
    assert len({action for action, _ in found}) > 75
    lacking = sorted((action, module) for action, module in found if action not in MESSAGES)
    assert lacking == [], "Say it in rvm/platform/audit/vocabulary.py, or in the audit_words.py of its layer."


def test_every_event_of_a_table_that_the_admin_writes_has_a_sentence() -> None:
    lacking = []
    for pages in admin.site._registry.values():
        assert isinstance(pages, ScopedModelAdmin)
        plain = type(pages).save_model is ScopedModelAdmin.save_model
        rights = {
            "created": plain and pages.right_to_add,
            "updated": plain and pages.right_to_change,
            "exported": isinstance(pages, ListExport),
            "deleted": type(pages).delete_model is ScopedModelAdmin.delete_model and pages.right_to_delete,
        }
        names = [f"{pages.noun}.{verb}" for verb, may in rights.items() if may]
        lacking += [name for name in names if name not in MESSAGES]
    assert lacking == []


@pytest.mark.parametrize("action", sorted(MESSAGES))
def test_a_sentence_has_places_for_names_only(action: str) -> None:
    told = Told(AuditEvent(action=action, subject_type="platform.user"), who="Maria Lopez", it="Flu shots", found=True)
    assert ACTION.fullmatch(action)
    assert "{" not in told.message
    assert not told.message.endswith(".")


def test_disclosures_have_sentences() -> None:
    assert sorted(DISCLOSURES - MESSAGES.keys()) == []
    assert "voicemail.read" in DISCLOSURES and "campaign.launched" not in DISCLOSURES


@pytest.mark.django_db
@pytest.mark.parametrize("label", sorted(SUBJECTS))
def test_the_name_of_a_table_can_be_looked_up(label: str) -> None:
    assert list(names_in(label, set(), all_rows)) == []
