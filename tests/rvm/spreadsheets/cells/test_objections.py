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
    solo mensajes de texto|No 3/2/2026|calls: none|Calls - none|voicemail: off|VM = N|call: never|Contact: none|contact = no
    phone contact: no|Reminders: none|llamadas: no|Llamadas: ninguna|mensajes: no|will sue|is suing us|going to sue|suing the clinic
    attorney involved|retained a lawyer|represented by attorney|lawsuit pending|threatened legal action|cease and desist
    C&D letter received|abogado involucrado|amenazó con demandar|acción legal|demanda judicial
    wife called, pt deceased|per wife deceased|per wife, passed away|spoke w/ husband, deceased|husband says she passed
    wife says pt died|wife passed away; no calls please|deceased per spouse|deceased. husband called|según esposa fallecido
    informa la esposa que falleció|falleció, su esposa informa|wife died and pt deceased 3/2|son deceased|baby died|dog deceased
    unsubscribed|unsub from calls|unsub from emails and calls|opted out of texts and emails|email opt out request received
    unsubscribed from everything|opted out of all|upset w/ calls|says we have the wrong guy|wrong patient
    pls mail letter instead of calling
    prefers email rather than calls|phone is shut off|# is a business|number no good|phone not accepting calls|not correct number
    landline disconnected|no longer follows here|doesn't come here anymore|obit in paper 3/2|pt coded and expired
    said no|says no thank you|pt said no|dijo que no|not wanting calls|does not need reminders|no reminder needed|contact by mail
    contact pt via portal|text instead|email instead|TTY only|number belongs to ex|number is her daughter's|ex husband's phone
    wife's cell
    c/x by pt|won't be coming|can't make it|no contesta, no insistir|cambió número|tel no existe|número es de otra persona|no vendrá
    pidió que la quitáramos|molesta con las llamadas|🚫|Ben Fern 📵|No. Said no.|XXXX no calls
    pt. passed over weekend|known litigator|do_not_call|flu;do_not_call|{"consent": false}|{"do_not_call": true}|funeral 3/2|NIS
    """
)
DENIALS = ["se negó", "cancelar", "No 3/2/2026", "N - per wife"]
EVERYDAY = several(
    """
    take her off coumadin|take pt off oxygen|takes off work|remove pt's sutures|remove me last|knee doesn't bother him|call: no answer
    not bothered by noise|cannot hear from left ear|VM - no answer, lm|calls: no response|call - no one home|harassed by neighbor
    d/c 3/4|Vitamin D. 2000 units|presión baja|baja de peso|dejar de fumar|lista de medicamentos|complaint of pain|calls to us daily
    missed calls: none|Prior calls: none|emergency contact: none|falls: none|spoke to Sue|referred to Sue|Sue will call back
    spouse deceased|wife passed away|mother expired|husband died 3/2|Husband recently deceased|pt's wife deceased|her father passed
    Mother passed last week|both parents deceased|parents are deceased|recently deceased husband|esposo fallecido|su madre falleció
    falleció su esposo|murió su madre|unsub from emails|unsubscribed from newsletter|email opt out|Email unsubscribed|e-mail opt-out
    not deceased|did not opt out|DNC=N|dnc: no|deceased: no|{"do_not_call": false}|correct number verified|call instead of text
    said no pain|says no changes|said no one home|no reminder sent yet|no reminder left|contact lens by mail|can't make a fist
    wife's birthday|daughter's school|friend of Dr Oak|coming with wife|needs reminder|mailed letter|sent portal message
    is her daughter
    goes here for PT|comes here often|obit writer|phone is fine|number is correct|not seen since May|number is for cell
    opted out of emails|unsubscribed from marketing emails|baja del boletín|has attorney|attorney by profession
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
    assert not objects(text) and not denies(text)


def test_an_appointment_that_was_booked_again_stands() -> None:
    assert not denies("cancelled 2/1 - rebooked")
