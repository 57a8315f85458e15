"""People on a list of opt-outs who may be reached again, or never opted out: asked about or told, and not listed in silence."""

from __future__ import annotations

import pytest

from campaigns.opt_outs.returns import comes_back, permits_below
from tests.campaigns.imports.grammar import several
from tests.campaigns.opt_outs.offline import Listed, list_out

ANN, BEN, CAL = "+12025550101", "+12025550102", "+12025550103"
BACK = several(
    """
    START|UNSTOP|Start|Opted back in|opted in 3/2/2026|Opt-in|Opted In again|Resubscribed|re-subscribed|Removed from DNC list
    removed from the do not call list|Taken off DNC|Off the opt-out list|OK to call|ok to call again|Okay to leave message|May call
    Can be contacted again|Call OK|Changed mind|changed her mind and wants calls|Reinstated|Reactivated 3/2|Unblocked|No longer on DNC
    Not on the do not call list|Pt has opted back in|Wants reminders again|Whitelisted
    Volver a llamar|Se puede llamar|Puede llamar|Sí llamar de nuevo|Acepta llamadas|Quiere recibir llamadas|Reactivado|Desbloqueada
    Quitado de la lista de no llamar|Eliminada de la lista de bajas|Cambio de opinión|Ya acepta llamadas
    """
)
STAYS = several(
    """
    STOP|asked us to stop|Opted out|Do not call|removed from call list|please remove from list|Removed from our list|Unsubscribed|DNC
    not ok to call|do not want calls|wrong number|changed number|moved|call back never|deceased|no longer a patient|upset about calls
    Quiere baja|no llamar|no acepta llamadas|no quiere llamadas|equivocado|Dado de baja|cambio de número|no volver a llamar
    stopped|called 3/2|message left|started complaining about calls|says it is ok to call but only her husband about this number
    """
)


def read(*lines: str) -> Listed:
    return list_out("\n".join(lines).encode())


@pytest.mark.parametrize("words", BACK)
def test_who_may_be_reached_again_is_told_and_not_listed(words: str) -> None:
    assert comes_back(words)
    for name in ("Note", "Reason", "Keyword", "Zork"):
        listed = read(f"Phone,{name}", "2025550101,STOP", f"2025550102,{words}", "2025550103,STOP ALL")
        assert listed.asked or (listed.numbers, listed.refused) == ({ANN, CAL}, {3: "came_back"}), (name, listed)


@pytest.mark.parametrize("words", STAYS)
def test_who_has_opted_out_is_no_such_person(words: str) -> None:
    assert not comes_back(words)
    listed = read("Phone,Note", "2025550101,STOP", f"2025550102,{words}", "2025550103,asked")
    assert (listed.asked, listed.numbers) == ([], {ANN, BEN, CAL}), listed


def test_who_subscribes_to_letters_has_opted_out_of_calls_all_the_same() -> None:
    listed = read("Phone,Email Status,DNC", *[f"202555010{at},Subscribed,Y" for at in range(1, 4)])
    assert listed.asked or listed.numbers == {ANN, BEN, CAL}


STATUSES = several(
    """
    Status/Active/Opted back in|Status/Opted out/Opted in|DNC Status/Blocked/Active|Call Result/Do Not Call/No Answer
    Disposition/DNC/Voicemail left|Outcome/Opt-out/Appointment confirmed|Result/Do not call/Busy|Response/STOP/YES
    Scrub Result/DNC/Clean|Type/DNC/Clean|Category/Do not contact/Callable|Tag/dnc/vip|Event/opt_out/opt_in|Keyword/STOP/START
    Resultado/No llamar/Contestó|Estatus/Baja/Activo|Respuesta/No llamar/Sí llamar|Subscription status/unsubscribed/subscribed
    Call Status/DNC/Completed|List/Do Not Call/Recall|Preference/no calls/any|Contact pref/text only/any
    """
)


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_by_which_some_have_not_opted_out_is_asked_about(status: str) -> None:
    name, out, other = status.split("/")
    listed = read(f"Phone,{name}", f"2025550101,{out}", f"2025550102,{other}", f"2025550103,{out}")
    assert listed.asked and not listed.numbers, listed


@pytest.mark.parametrize(
    "column",
    several(
        "Result/Answered/No answer|Disposition/Busy/Connected|Call Status/Completed/Failed|Resultado/Contestó/Ocupado"
    ),
)
def test_a_log_of_how_calls_ended_is_asked_about_though_nobody_has_opted_out_by_it(column: str) -> None:
    name, one, other = column.split("/")
    assert read(f"Phone,{name}", f"2025550101,{one}", f"2025550102,{other}").asked


@pytest.mark.parametrize(
    "column", several("Status/Opted out/Active|Call Result/DNC/Answered|Reply/STOP/Thanks|Preference/no calls/any")
)
def test_what_a_row_far_down_says_otherwise_is_told(column: str) -> None:
    name, out, other = column.split("/")
    rows = [f"20255{at:05},{out}" for at in range(50000, 50300)]
    listed = read(f"Phone,{name}", *rows, f"3035550101,{other}", f"3035550102,{out}", "3035550103,")
    assert (listed.asked, len(listed.numbers), listed.refused) == ([], 302, {302: "opt_out_unclear"})


@pytest.mark.parametrize("column", several("Key Pressed/9/1|Digits/9/2|DTMF/3/1|Option/A/B|Tecla/9/1|Selection/9/"))
def test_a_key_that_was_pressed_is_asked_about(column: str) -> None:
    name, one, other = column.split("/")
    listed = read(f"Phone,{name}", f"2025550101,{one}", f"2025550102,{other}", f"2025550103,{one}")
    assert listed.asked == (["unknown"] if other else []), listed


@pytest.mark.parametrize(
    "column", several("Reply/STOP/1|Message/Stop/YES|Response/stop/C|Respuesta/STOP/1|Body/STOP/Ok|Menu choice/9/1")
)
def test_a_yes_to_a_message_is_no_yes_to_being_listed(column: str) -> None:
    name, one, other = column.split("/")
    listed = read(f"Phone,{name}", f"2025550101,{one}", f"2025550102,{other}", f"2025550103,{one}")
    assert listed.asked == ["unknown"], listed


@pytest.mark.parametrize(
    "column",
    several(
        """
        Message/STOP/Thank you so much|Transcript/please stop calling me/please call me back to schedule
        Reply/Stop please/I will be there|Menu choice/Opt out/Speak to the office|Body/STOP/Running late|Mensaje/No llamar/Gracias
        """
    ),
)
def test_messages_of_which_some_say_nothing_of_opting_out_are_asked_about(column: str) -> None:
    name, one, other = column.split("/")
    listed = read(f"Phone,{name}", f"2025550101,{one}", f"2025550102,{other}", f"2025550103,{one}")
    assert listed.asked == ["status"], listed


@pytest.mark.parametrize("column", several("Action/Add/Remove|Change/Added/Deleted|Acción/Alta/Baja|Zork/add/remove"))
def test_what_was_put_on_a_list_and_taken_off_it_is_asked_about(column: str) -> None:
    name, one, other = column.split("/")
    assert read(f"Phone,{name}", f"2025550101,{one}", f"2025550102,{other}").asked


@pytest.mark.parametrize(
    "column",
    several(
        "Status/Opted out/DNC|Disposition/DNC/DNC|Type/STOP/Wrong number|Action/STOP/STOP|Source/IVR/Text|Agent/Jo/Al|Via/Phone/IVR"
    ),
)
def test_where_everybody_is_out_or_the_column_says_something_else_nothing_is_asked(column: str) -> None:
    name, one, other = column.split("/")
    listed = read(f"Phone,{name}", f"2025550101,{one}", f"2025550102,{other}")
    assert listed.asked in ([], ["preference"]) and (listed.asked or listed.numbers == {ANN, BEN}), listed


@pytest.mark.parametrize(
    "heading",
    several("OK to call|Opted back in|Removed from the do not call list:|Resubscribed (2)|Se puede llamar|Reactivado"),
)
def test_below_a_heading_that_permits_nobody_is_listed_until_another_forbids(heading: str) -> None:
    lines = [
        "Name,Phone",
        "Do not call,",
        "Ann,2025550101",
        "Ann,2025550101",
        f"{heading},",
        "Ben,2025550102",
        "Do not call,",
    ]
    listed = read(*lines, *["Cal,2025550103"] * 3)
    assert permits_below([heading, ""])
    assert listed.asked or (listed.numbers, listed.refused[6]) == ({ANN, CAL}, "under_permission"), listed
