"""Names of columns as software and clinics write them: which are understood, which describe something, and which have to be asked."""

from __future__ import annotations

import pytest

from rvm.spreadsheets.columns.reading import read_columns
from tests.campaigns.imports.grammar import several

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


ADMINISTRATION = several(
    """
    Ins Verified|Fall Risk|Auth Required|Referral on file|Letter Sent|HIPAA on file|Copay Collected|Portal Active|New Patient|Flu shot
    Interpreter Needed|Balance due|Labs done|Transportation|Insurance verified|Insurance Card Scanned|Copay Due|Eligibility Verified
    Referral Required|Referral Received|HIPAA Form Signed|HIPAA Signed|NPP on file|Paperwork Complete|Forms Received|Statement Sent
    Portal Activated|Prior Auth Needed|Pre-Auth Required|Lab Results Received|Records Requested|Records Received|Intake complete
    Demographics Verified|X-ray done|Balance Owed|Payment Due|Seguro verificado|Saldo pendiente|Carta enviada|Vacuna|Transporte
    Expediente recibido|Intérprete|HIPAA Notice Signed|HIPAA Ack|Photo on file|Fasting Required|High risk|Chart Prep Done
    Referral Needed
    COVID Vaccine|Oxygen|Walker|Advance Directive|DNR|Living will|Mammogram due|A1c due|Wellness visit due
    """
)
NO_ADMINISTRATION = several(
    """
    Auth on file|Authorization on file|Release on file|ROI on file|Release signed|Phone verified|Cell verified|Letter Sent re calls
    HIPAA
    Skip flu reminder|DNC letter sent|HIPAA restriction|HIPAA release|Consent letter sent|Permission form signed|Consent form on file
    Call list|Voicemail on file|HIPAA auth|Auth to call|Skip Fall|Exclude flu|Contact form received|No portal|Text sent|Call needed
    Hold
    Interpreter call needed|Reminder letter sent|Auth|Authorized|Autorización|Autorización firmada|Phone release|Message form signed
    HIPAA call|HIPAA contact on file|Lab results release|Interpreter release|Release referral
    """
)


@pytest.mark.parametrize("name", ADMINISTRATION)
def test_what_the_front_desk_has_done_about_papers_and_payers_is_not_asked_about(name: str) -> None:
    column = read_columns(["Phone", name], [[f"202555010{at}", cell] for at, cell in enumerate(YES_NO)])[1]
    assert (column.question, column.kind in ("consent", "opt_out", "deceased", "canceled")) == ("", False)


@pytest.mark.parametrize("name", NO_ADMINISTRATION)
def test_what_is_about_calls_permissions_and_releases_is_heard_or_asked_about(name: str) -> None:
    column = read_columns(["Phone", name], [[f"202555010{at}", cell] for at, cell in enumerate(YES_NO)])[1]
    assert column.question or column.kind in ("consent", "opt_out")


MAILING = [
    "Phone Number",
    "MEMBER_RATING",
    "OPTIN_TIME",
    "OPTIN_IP",
    "CONFIRM_TIME",
    "LAST_CHANGED",
    "LEID",
    "EUID",
    "NOTES",
]


def test_when_somebody_subscribed_to_a_newsletter_is_no_consent() -> None:
    rows = [[f"202555010{at}", "2", time, "", time, "2026-01-05 10:00:00", str(700 + at), f"e{at}", ""]
            for at, time in enumerate(["2026-01-02 09:30:00", "", "2026-01-03 09:30:00"])]  # fmt: skip
    columns = read_columns(MAILING, rows)
    assert [(column.kind, column.question) for column in columns[2:6]] == [
        ("optin_time", ""), ("optin_ip", ""), ("confirm_time", ""), ("last_changed", "")
    ]  # fmt: skip
    # Of a list that is none of a newsletter a blank is no yes.
    assert read_columns(MAILING[:1] + MAILING[2:3], [[row[0], row[2]] for row in rows])[1].kind == "consent_date"


def test_who_unsubscribed_is_out_in_a_list_of_a_newsletter_too() -> None:
    header = [*MAILING, "UNSUB_TIME", "UNSUB_CAMPAIGN_TITLE", "UNSUB_REASON"]
    rows = [["2025550101", "2", "", "", "", "", "", "", "", "2026-01-05 10:00:00", "News", "NORMAL"]] * 3
    assert [column.kind for column in read_columns(header, rows)[9:]] == ["opt_out", "unsub_campaign_title", "opt_out"]
