"""The checklist by which a person states what a recording or a clip says."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanWidget

from delivery.recordings.attestations import incomplete
from usecases.attestations.recordings import CHECKLIST, NO_DETAILS, VOICE, Said, Statement, Voice, missing_fields

_VOICES = [("", "Choose one"), (Voice.HUMAN.value, "A human voice"), (Voice.SYNTHETIC.value, "A synthetic voice")]


def _point(text: str) -> forms.BooleanField:
    return forms.BooleanField(label=text, required=False, widget=UnfoldBooleanWidget())


class AttestationForm(forms.Form):
    """`clip`: what the sound does not say, other clips of a script may."""

    voice = forms.ChoiceField(
        label="Whose voice is it?",
        choices=_VOICES,
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text=VOICE[1],
    )
    no_health_details = _point(NO_DETAILS[1])
    says_caller = _point(CHECKLIST[Said.CALLER][1])
    says_callback_number = _point(CHECKLIST[Said.CALLBACK_NUMBER][1])
    says_opt_out_number = _point(CHECKLIST[Said.OPT_OUT_NUMBER][1])
    says_synthetic_voice = _point(CHECKLIST[Said.SYNTHETIC_VOICE][1])

    def __init__(self, *args: Any, clip: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clip = clip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in missing_fields(self.statement(), clip=self._clip):
            self.add_error(name, incomplete(name).message)
        return cleaned

    def statement(self) -> Statement:
        voice = self.cleaned_data.get("voice")
        return Statement(
            voice=Voice(voice) if voice else None,
            says=frozenset(said for said, (name, _) in CHECKLIST.items() if self.cleaned_data.get(name)),
            no_health_details=bool(self.cleaned_data.get("no_health_details")),
        )
