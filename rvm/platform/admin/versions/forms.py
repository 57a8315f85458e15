"""The form that carries what it showed, and refuses to put older values in the place of what was changed meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField

from rvm.platform.admin.versions.meanwhile import Meanwhile
from rvm.platform.admin.versions.shown_values import carried, differs, in_words
from rvm.platform.database.clock import database_now

VERSION = "version"
AGAIN = (
    "What you had not touched shows the new values now, and what you typed is still here. Look at it, and save again to save what "
    "stands here."
)
UNREADABLE = "It cannot be read which version of this page was changed; open the page again."


@dataclass(frozen=True, repr=False)
class _Had:
    """The version that a form brings back: the values that its page showed, and when it was made."""

    at: datetime
    shown: Mapping[str, Any]
    unseen: Mapping[str, Any]


def _had_in(data: Mapping[str, Any]) -> _Had | None:
    """The version among the data; None if there is none, or it cannot be read."""
    try:
        had = json.loads(data[VERSION])
        read = _Had(datetime.fromisoformat(had["at"]), had["shown"], had["unseen"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    whole = isinstance(read.shown, dict) and isinstance(read.unseen, dict) and read.at.tzinfo is not None
    return read if whole else None


class FieldNow(BoundField):
    """A field that shows the value of now in the place of an older one that the user had not touched."""

    def value(self) -> Any:
        form = cast(VersionedForm, self.form)
        return self.field.prepare_value(self.initial) if self.name in form.outdated else super().value()


class VersionedForm(forms.BaseForm):
    """Mixin of a form whose initial values others may change while it is open.

    The page carries `version`, and the form brings it back; where a value of now is another, and the form would replace it, nothing
    is saved. A form without a version, such as one that a program fills, is taken as it is.
    """

    bound_field_class = FieldNow
    meanwhile: ClassVar[Meanwhile]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outdated: set[str] = set()
        self._had = _had_in(self.data)
        if self._had:
            # A browser posts nothing of a field that its page did not offer, and nothing is not what was meant.
            for name in set(self._changeable()) - self._had.shown.keys():
                self.fields[name].disabled = True

    @property
    def version(self) -> str:
        """What the form shows now, as the page carries it."""
        shown = {name: self._now(name) for name in self._changeable()}
        return json.dumps({"at": database_now().isoformat(), "shown": shown, "unseen": self.meanwhile.unseen})

    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] | None = super().clean()
        if VERSION in self.data:
            told = self._changed(self._had) if self._had else [UNREADABLE]
            if told:
                self.add_error(None, ValidationError(told, code="changed_meanwhile"))
        return cleaned

    def _changeable(self) -> list[str]:
        """The fields that this form can change and shows; a password is written and never shown."""
        return [
            name
            for name, field in self.fields.items()
            if not (field.disabled or isinstance(field.widget, forms.PasswordInput | forms.FileInput))
        ]

    def _now(self, name: str) -> Any:
        return carried(self.fields[name], self[name].initial)

    def _changed(self, had: _Had) -> list[str]:
        """What was changed since the page was made and would be replaced, in sentences; none if nothing was."""
        told = [*self._changed_fields(had.shown, had.at), *self._changed_unseen(had.unseen, had.at)]
        if not told:
            return []
        return [f"This {self.meanwhile.noun} was changed while you had it open, so nothing is saved yet.", *told, AGAIN]

    def _changed_fields(self, shown: Mapping[str, Any], since: datetime) -> Iterator[str]:
        changeable = self._changeable()
        for name, value in shown.items():
            if name not in self.fields:
                continue
            field, written = self.fields[name], self[name].data
            label = self[name].label
            typed = differs(field, value, written)
            if name not in changeable:
                if typed and written is not None:
                    yield f"{label} can no longer be changed, so what you chose there is not kept."
                continue
            now = self._now(name)
            if now == value or not differs(field, now, written):
                continue
            yield f"{label}: from {in_words(field, value)} to {in_words(field, now)}{self._by(name, since)}."
            if typed:
                self.add_error(
                    name, f"Meanwhile it became {in_words(field, now)}. Saving again puts yours in its place."
                )
            else:
                self.outdated.add(name)

    def _changed_unseen(self, unseen: Mapping[str, Any], since: datetime) -> Iterator[str]:
        """Sentences about fields that show nothing, if something is written that may be put in place of what they hold."""
        writes = any(self[name].data and not self[name].initial for name in self.fields)
        for name, value in self.meanwhile.unseen.items():
            if writes and unseen.get(name) != value:
                label = name.replace("_", " ").capitalize()
                yield f"{label}: changed, from and to what is not shown{self._by(name, since)}."

    def _by(self, name: str, since: datetime) -> str:
        who = self.meanwhile.who_changed(name, since)
        return f", by {who}" if who else ""


def versioned(form: type[forms.BaseForm], meanwhile: Meanwhile) -> type[Any]:
    """The form, carrying its version."""
    return type(form.__name__, (VersionedForm, form), {"meanwhile": meanwhile})
