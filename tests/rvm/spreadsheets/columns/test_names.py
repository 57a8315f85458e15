"""Names of columns as software and clinics write them: which are understood, which describe something, and which have to be asked."""

from __future__ import annotations

import pytest

from rvm.spreadsheets.columns.reading import read_columns

YES_NO, MARKS, DATES = ["Y", "N", "Y"], ["", "X", ""], ["", "3/2/2026", ""]


def kind_of(name: str, cells: list[str]) -> str:
    rows = [[f"202555010{at}", cell] for at, cell in enumerate(cells)]
    column = read_columns(["Phone", name], rows)[1]
    return str(column.question) or column.kind


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("HIPAA OK to leave VM", YES_NO, "consent"),
        ("OK to Leave Message with details?", YES_NO, "consent"),
        ("Contact by phone", YES_NO, "consent"),
        ("Contact via phone?", YES_NO, "consent"),
        ("¿Desea recibir llamadas automáticas?", YES_NO, "consent"),
        ("Firmó consentimiento", YES_NO, "consent"),
        ("Consentimiento firmado", YES_NO, "consent"),
        ("Does not wish to be contacted by phone", MARKS, "opt_out"),
        ("I do not wish to receive calls", MARKS, "opt_out"),
        ("Please do not contact me again", MARKS, "opt_out"),
        ("hs_do_not_call", ["false", "true", "false"], "opt_out"),
        ("Lista de no llamar", MARKS, "opt_out"),
        ("Não ligar", MARKS, "opt_out"),
        ("Exclude from campaigns", MARKS, "opt_out"),
        ("DNC Date Added", DATES, "opt_out"),
        ("On DNC since", DATES, "opt_out"),
        ("Dec'd", MARKS, "deceased"),
        ("DECEASED_CD", YES_NO, "deceased"),
        ("APPT_STATUS_C", ["Scheduled", "Canceled", "Scheduled"], "appointment_status"),
        ("Consent", ["Yes - 3/2/26", "No - 3/2/26", "Yes 1/1/2026"], "consent"),
        # Answers with days in them are no numbers of something.
        ("HIPAA", ["Yes - 3/2/26", "No - 3/2/26", "Yes 1/1/2026"], "restriction"),
        ("HIPAA consent", YES_NO, "restriction"),
        ("Group 7", ["Yes - 3/2/26", "No - 3/2/26", ""], "yes_or_no"),
    ],
)
def test_what_may_decide_is_understood_or_asked_about(name: str, cells: list[str], kind: str) -> None:
    assert kind_of(name, cells) == kind


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("1st Reminder", ["11/1/2026", "", "11/1/2026"]),
        ("2nd Reminder", ["11/15/2026", "", "11/15/2026"]),
        ("OPTIN_IP", ["192.0.2.1", "192.0.2.2", ""]),
        ("UNSUB_CAMPAIGN_TITLE", ["News", "", ""]),
        ("60", ["0", "33.00", "0"]),
        ("90", ["12.50", "0", "0"]),
        ("Stmt Sent", YES_NO),
        ("Forms Done", YES_NO),
        ("Eligible", YES_NO),
        ("Statin", YES_NO),
    ],
)
def test_what_decides_nothing_is_not_asked_about(name: str, cells: list[str]) -> None:
    column = read_columns(["Phone", name], [[f"202555010{at}", cell] for at, cell in enumerate(cells)])[1]
    assert (column.question, column.kind in ("consent", "opt_out", "deceased", "canceled")) == ("", False)
