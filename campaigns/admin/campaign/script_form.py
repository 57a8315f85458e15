"""A script as form fields: an opening clip, clips chosen by a column of the list, a clip for other values, and a closing clip.

A clip is chosen if its name equals the value of the column: the clip “Ana” for every Ana. Other scripts can be set through the API
only; the form shows and keeps them. The conversions are pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelect2MultipleWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from delivery.models import Clip

FIELDS = ("opening", "column", "chosen", "otherwise", "closing")
ONE, JOINED = "recording", "clips"


def clip_field(label: str, help_text: str) -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        Clip.objects.none(),
        required=False,
        label=label,
        help_text=help_text,
        empty_label="None",
        widget=UnfoldAdminSelectWidget(),
    )


class ScriptFields(forms.Form):
    """Mixin of the campaign's form."""

    heard = forms.ChoiceField(
        choices=[(ONE, "One recording for everybody"), (JOINED, "A message for each person, joined from clips")],
        label="People hear",
        widget=UnfoldAdminSelectWidget(),
    )
    opening = clip_field("First clip", "Heard by everybody, such as a greeting.")
    column = forms.CharField(
        required=False,
        max_length=40,
        widget=UnfoldAdminTextInputWidget(),
        label="Then by column",
        help_text="The column of your list that chooses the next clip, such as first_name.",
    )
    chosen = forms.ModelMultipleChoiceField(
        Clip.objects.none(),
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget(),
        label="Clips to choose from",
        help_text="Each is heard by those of whom the column says its name: the clip called “Ana” by every Ana.",
    )
    otherwise = clip_field(
        "For everybody else",
        "Heard where no clip has the name. None: such a person is left out of the list, with that reason.",
    )
    closing = clip_field("Last clip", "Heard by everybody. Together the clips take 10 to 60 seconds.")


def to_script(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The script in the fields, as the JSON of the service; empty if the fields are."""
    script: list[dict[str, Any]] = []
    if values.get("opening"):
        script.append({"clip": str(values["opening"].pk)})
    if values.get("column") or values.get("chosen"):
        clips = {clip.name: str(clip.pk) for clip in values.get("chosen") or ()}
        otherwise = values.get("otherwise")
        column = (values.get("column") or "").strip()
        script.append({"field": column, "clips": clips, "otherwise": str(otherwise.pk) if otherwise else None})
    if values.get("closing"):
        script.append({"clip": str(values["closing"].pk)})
    return script


def from_script(script: Sequence[Mapping[str, Any]] | None, names: Mapping[str, str]) -> dict[str, Any] | None:
    """The field values for this script, clips by id; None if the fields cannot express it. `names`: clip names by id."""
    parts = list(script or ())
    values: dict[str, Any] = dict.fromkeys(FIELDS)
    if parts and "clip" in parts[0]:
        values["opening"] = parts.pop(0)["clip"]
    if parts and "field" in parts[0]:
        part = parts.pop(0)
        if any(names.get(clip) != value for value, clip in part["clips"].items()):
            return None
        values.update(column=part["field"], chosen=list(part["clips"].values()), otherwise=part.get("otherwise"))
    if parts and "clip" in parts[0]:
        values["closing"] = parts.pop(0)["clip"]
    return None if parts else values
