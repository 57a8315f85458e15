"""Words in notes and behind names by which somebody must not be reached, and everyday ones that sound like them."""

from __future__ import annotations

import pytest

from rvm.spreadsheets.cells.objections import denies, objects
from tests.campaigns.imports.grammar import several

OBJECTIONS = several(
    """
    take me off|Take pt off the list|remove me|Remove pt|doesn't want to be bothered|does not want to hear from us|wrong party
    consent: no|Consent - N|call: no|VM: N|ok to call: no|Ok to call? NO|Okay to call - n|not this person's phone|blocked us
    blocked our number|filed FCC complaint|TCPA complaint|harassment complaint|will sue us|has passed on|Ben Fern †|† Cora Kapok
    Dev Pine (d. 3/2/26)|dod 3/2/26|DOD: 3/2/26|date of death 3/2/26|Estate of Ben Fern|estate|decease|Q.E.P.D.|q.e.p.d. 3/2
    descanse en paz|occiso|ya no es paciente|no interesada|pidió baja|pidió la baja|baja voluntaria|quitar de la lista
    sáquenme de la lista|bórrenme de su lista|eliminar de la lista|dejen de llamar|Deje de llamarme|parar de llamar
    solo mensajes de texto|No 3/2/2026
    """
)
DENIALS = ["se negó", "cancelar", "No 3/2/2026", "N - per wife"]
EVERYDAY = several(
    """
    take her off coumadin|take pt off oxygen|takes off work|remove pt's sutures|remove me last|knee doesn't bother him|call: no answer
    not bothered by noise|cannot hear from left ear|VM - no answer, lm|calls: no response|call - no one home|harassed by neighbor
    d/c 3/4|Vitamin D. 2000 units|presión baja|baja de peso|dejar de fumar|lista de medicamentos|complaint of pain|calls to us daily
    passed on the survey|real estate agent|dodge 3/2|no interest charge|will see us Monday|party wrong time|our patient
    """
)


@pytest.mark.parametrize("text", OBJECTIONS)
def test_an_objection_is_heard_wherever_it_stands(text: str) -> None:
    assert objects(text) or denies(text)


@pytest.mark.parametrize("text", DENIALS)
def test_a_note_that_is_a_no_denies(text: str) -> None:
    assert denies(text)


@pytest.mark.parametrize("text", EVERYDAY)
def test_what_only_sounds_like_an_objection_is_none(text: str) -> None:
    assert not objects(text)


def test_an_appointment_that_was_booked_again_stands() -> None:
    assert not denies("cancelled 2/1 - rebooked")
