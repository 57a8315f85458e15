"""Lists as people have them, each with a no in it: who must not be reached is not, by default, or a person is asked before the check.

The people are 0101 to 0106. Numbers 0150 to 0199 are somebody else's.
"""

from __future__ import annotations

from typing import Any

import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill

from tests.campaigns.imports.grammar import several
from tests.campaigns.imports.offline import Read, read_list
from tests.rvm.spreadsheets.books import book

NAMES = ["Ana Lopez", "Ben Fern", "Cora Kapok", "Dev Pine", "Eva Oak", "Fay Elm"]
EVERYBODY = "123456"
# In each list of six 2 and 4 have said no, or not said yes.
OTHERS = "1356"


def six(*columns: tuple[str, str], name: str = "Name") -> bytes:
    """Name and answers of each column, these divided by strokes, beside the six people's phones in the column Cell."""
    rows = [[name, "Cell", *(column for column, _ in columns)]]
    answers = [cells.split("|") for _, cells in columns]
    rows += [[NAMES[at], f"(415) 555-010{at + 1}", *(cells[at] for cells in answers)] for at in range(6)]
    return as_text(rows)


def as_text(rows: list[list[str]]) -> bytes:
    quoted = [[f'"{cell}"' if "," in cell else cell for cell in row] for row in rows]
    return "".join(",".join(row) + "\r\n" for row in quoted).encode()


def reached(read: Read) -> str:
    """The last digits of the six, in order; of anybody else the number."""
    return "".join(sorted(number[-1] if number.startswith("+1415555010") else f" {number} " for number in read.reached))


# Opt-out columns: a mark keeps out.
OPT_OUTS = several(
    """
    Do not call|Do Not Call?|DO_NOT_CALL|doNotCall|donotcall|Opt-out?|Opt Out|OptedOut|OPT_OUT_FLAG|DNC|DNC?|D.N.C.|On DNC List|is_dnc
    National DNC|DNC Registry|No VM|NoVM|No VMs|No voicemails|No Msg|No messages|No calls|No robocalls|No auto calls|No phone calls
    Do Not Contact|Do not LVM|Do not leave VM|Do not leave message|Don't leave voicemail|Dont call|DON'T CALL|Never call|Cannot call
    Can't call|May not call|Should not call|Not OK to call|Not allowed to call|Do not disturb|Unsubscribed|Unsub|Suppressed
    Exclude from calls|Excluded|Blocked|Blacklist|Blocklisted|Remove from list|Removed?|Stop calling|STOP|Declined|Declines calls
    Refused|Refuses contact|Call refused|Consent revoked|Withdrew consent|Consent denied|No consent|Without consent|w/o consent
    Objects to calls|No llamar|NO LLAMAR|No llame|No contactar|No molestar|No dejar mensaje|No dejar recado|No quiere llamadas
    No acepta llamadas|No autoriza|Sin consentimiento|Rechaza llamadas|Rehúsa|Excluido|Bloqueado|Dado de baja|Revocado
    Deceased|Deceased?|Is Deceased|PT_DECEASED_YN|Dead|Died|Fallecido|Difunto
    """
)
OUT_MARKS = ["No|Yes|No|Yes|No|No", "|X||x||", "0|1|0|1|0|0", "|2026-01-05||1/5/2026||", "false|true|false|TRUE||"]


@pytest.mark.parametrize("name", OPT_OUTS)
def test_a_mark_in_a_column_of_those_who_said_no_keeps_them_out(name: str) -> None:
    for marks in OUT_MARKS:
        for content in (six((name, marks)), six(("OK to call", "Y|Y|Y|Y|Y|Y"), (name, marks))):
            read = read_list(content)
            assert (read.asked, reached(read)) == ({}, OTHERS), marks


# Consent columns: only a yes is a yes.
CONSENTS = several(
    """
    OK to call|Okay to call?|OK2Call|Ok to contact|OK to leave VM|OK to LVM|Leave VM OK|VM OK|VM ok?|Voicemail OK|Voice mail okay
    Msg OK|Can leave message|May we call|Can we leave a voicemail?|Permission to call|Perm. to call|Call permission|Phone Consent
    Consent - phone|Voice consent|Consent to Call|Consent to be contacted|Consent (Y/N)|consent_yn|CONSENT_FLAG|hasConsented|Consent?
    TCPA consent|TCPA Opt-In|Consent on file|Consent obtained|Consent rec'd|Signed consent|Opt in|OptedIn|Voice Opt-In|Call opt-in
    Allow calls|Allow Voicemail|Calls allowed?|Accepts calls|Agreed to calls|Agrees to reminders|Wants reminders|Reminder calls OK
    Contact OK|Contact allowed|Contactable|Phone ok|Cell OK?|Authorized to call|Authorization to leave message|Approved to call
    Subscribed|Leave Message|Leave msg?|Call?|Call (Y/N)|Verbal consent|Consent for automated calls|Robocall consent|RVM consent
    Ringless ok|OK for automated message|Consentimiento|Consentimiento (S/N)|Autoriza llamadas|Autorización|Permiso para llamar
    Permite llamadas|Acepta mensajes|Puede llamar|Se puede dejar mensaje|Quiere recordatorios|Desea recibir llamadas
    """
)
YES_MARKS = [
    "Y|N|Y|N|Y|Y",
    "X||X||x|X",
    "2026-01-01||1/2/2026||Jan 3, 2026|2026-01-04",
    "Sí|no|si|No|SI|sí",
    "Yes|maybe|yes|?|Y|y",
]


@pytest.mark.parametrize("name", CONSENTS)
def test_in_a_column_of_consent_only_a_yes_or_a_date_is_a_yes(name: str) -> None:
    for marks in YES_MARKS:
        for content in (six((name, marks)), six(("OK to call", "Y|Y|Y|Y|Y|Y"), (name, marks))):
            read = read_list(content)
            assert (read.asked, reached(read)) == ({}, OTHERS), marks


# What could mean either, or is not known.
ASKED = several(
    """
    Opt in/out|Opt-In/Opt-Out|Not opted out|Do not call = N|Contact preference|Preferred contact method|Comm Pref|Call restrictions
    Restricted|HIPAA restriction|Confidential|Consent to treat|Consent for surgery|Photo consent|Email opt-out|No texts|OK to text
    Spouse OK to call|OK to call spouse|Guardian consent|Alive|Alive?|Quiet|Skip|Skip?|Include|LVM|Zork|Flag 7|Ind2|Code B|Marca|Y/N
    Hospice Enrollment Date|Term Date|Disenrolled|Terminated on|Alternate communication request|Alternate communications
    Status|Pt status|Call result|Alert|Hold|Not interested|Wrong number|Bad phone|Disconnected|Inactive|Q4|Response|Do not mail
    """
)


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("marks", ["Y|N|Y|N|Y|Y", "|X||X||", "No|Yes|No|Yes|No|No"])
def test_a_column_that_could_decide_and_is_not_understood_is_asked_about(name: str, marks: str) -> None:
    read = read_list(six((name, marks)))
    assert list(read.asked) == [2]
    assert read.reached == []


@pytest.mark.parametrize("kind", ["consent", "opt_out", ""])
def test_an_answer_to_the_question_is_taken_at_its_word(kind: str) -> None:
    content = six(("Zork", "Y|N|Y|N|Y|Y"))
    assert reached(read_list(content, {2: kind})) == {"consent": OTHERS, "opt_out": "24", "": EVERYBODY}[kind]


HARMLESS = several(
    """
    Insured?|New Patient?|Smoker|Interpreter Needed?|Medicare|Wheelchair|Student|Veteran|Deposit paid|Flu Shot|Gender
    """
)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_column_that_is_known_to_decide_nothing_is_not_asked_about(name: str) -> None:
    read = read_list(six((name, "Y|N|Y|N|Y|Y")))
    assert (read.asked, reached(read)) == ({}, EVERYBODY)


# What people write into notes.
NOTED = several(
    """
    Pt refused|refused|Declined 3/2|pt declined|declines|Pt declines reminder|refuse calls|declines calls|Revoked 3/2/26|withdrew
    wrong #|Wrong no.|WN|no v/m|no v.m.|no phone|does not want automated calls|requested removal|unsub|STOP ALL|STOP 3/2/26
    requested to be removed from reminders|removed from call list|replied STOP|texted STOP 3/2|hates robocalls|angry about calls
    threatened to sue if called again|belongs to someone else|do not use this number|dont use|old number do not use|not interested
    not interested in calls|no longer a patient|EXPIRED|Expired 2/3/26|pt exp 2/3|dcsd|dec'sd 3/2|husband says she passed|QEPD|finado
    Passed 2/3/26|cancelled|appt cancelled|canceled per pt|cx appt|canceló la cita|cita cancelada|no lo llames|no hablar|no dejar msj
    número incorrecto|tel. equivocado|solo correo|solo por correo|solo texto|se dio de baja|rechazó|rechazó llamadas|Disagree|🚫|👎
    Email only|mail only|no thanks|Ya no quiere que le llamemos|no tiene interés
    moved|Moved away|pt moved out of state|moved out of the area 3/2|disconnected|phone disconnected|number disc.|ns 3/2|NS
    no show 3/2|No-show|pt no showed 3/2|in hospice|on hospice|pt entered hospice care|hospice|not a patient anymore
    not our patient|not a pt here|no longer our pt|transferred care|transferring care to UCLA|transferred to another clinic
    number not in service|not in service|phone # no longer in service|out of service|se mudó|se mudo a Texas|ya no es paciente
    ya no vive aquí|no vive aquí|does not live here|doesn't live here anymore|no longer lives here|left practice
    left the practice|dismissed from practice|discharged from practice|changed doctors|switched providers
    seeing another provider|goes to another clinic|has new PCP elsewhere|bad number|bad phone number|invalid number
    number changed|changed number|non-working number|fuera de servicio|número desconectado|cambió de número|cambió de clínica
    incarcerated|in jail|deported|former patient|inactive patient|inactive|pt deceased per wife|passed last week|comfort care
    do not schedule|do not book|fired|fired from practice|terminated|moving care to VA|relocated|moved to Florida
    left message w/ wife who said moved away|spoke w/ son, pt is in hospice|number belongs to a business|fax line|fax number
    not his phone|no es su número|no es el número|LEP - DNC|HOLD|on hold|do not contact until 6/1|attorney involved|legal hold
    followed by VA now|now followed by another clinic|seen at the VA instead|send letters|please send letter
    litigation|pt upset, do not bother|wants letters instead|mailed letter - no phone|no llamen|prohibido llamar
    """
)


@pytest.mark.parametrize("note", NOTED)
@pytest.mark.parametrize("name", ["Notes", "Zettel"])
def test_a_note_that_is_a_no_keeps_its_person_out_or_is_asked_about(name: str, note: str) -> None:
    read = read_list(six((name, f"likes mornings|{note}||{note}|bring forms|new glasses")))
    if not read.asked or name == "Notes":
        assert (read.asked, reached(read)) == ({}, OTHERS)


GOOD_NOTES = several(
    """
    no answer 3/1|no vm set up|declined flu shot|pt declined transportation|refuses to see Dr. Oak|no charge visit|No-charge recheck
    no longer smokes|not interested in a trial|stop aspirin 7 days before|told to stop smoking|take list of medications with you
    passed hearing test|expired insurance card|referral expired 2/1|card exp 2/28|wrong address|remove stitches|does not use cell
    cancelled 2/1, rescheduled|canceled last appt|moved from Texas|solo habla español|no habla inglés|no puede caminar|hates needles
    angry about the wait|use side door|v tach history|cx: neck pain|belongs to Blue Cross|said stop date of meds 3/1|opt for generic
    moved appt to 3/9|moved up from 3/9|ns 0.9% 500 ml|no show fee waived|hospice volunteer|works at hospice|wife in hospice
    husband in hospice|transferred from Dr Oak|transfer from UCLA|needs new PCP referral|new phone number
    disconnected during call - retry|car out of service|service dog|lives in nursing home|moved to room 3|moved to 3pm
    moved to Tuesday|patient is active|not a new patient|not an established patient|inactive MyChart|bad knee|bad hearing
    invalid insurance|changed meds|changed insurance|changed PCP to Dr Oak|switched to telehealth|left knee pain|left eye
    passed stress test|terminal cleaning|has attorney|hold coumadin|hold metformin 48h|hold aspirin|fax records to PCP
    fax results|former smoker|call in the morning|seen by another doctor in May|needs transfer assistance|transfers with walker
    transportation arranged|patient transferred to wheelchair|in hospital 1/2|discharged from hospital 3/1|discharged 3/1
    followed by cardiology|now followed by Dr Oak|seen at VA in May|send letter from school
    sends letters to board|followed by VA eye clinic too
    not a good historian|not a candidate for surgery|no longer on insulin|no longer takes aspirin|moving slowly|moves slowly
    se mudó el dentista|cita movida al lunes|paciente nuevo|vive con su hija|no vive solo|lives alone|does not live alone
    doesn't live with spouse|bad phone connection|number of falls: 2|confirmed|left vm|lm 3/2|lvm|no answer|busy|voicemail full
    """
)


@pytest.mark.parametrize("name", ["Notes", "Reason for Visit"])
def test_a_note_about_something_else_keeps_nobody_out(name: str) -> None:
    rows = [[f"Ana {at}", f"({202 + at // 100 * 10}) 555-01{at % 100:02}", note] for at, note in enumerate(GOOD_NOTES)]
    read = read_list(as_text([["Name", "Phone", name], *rows]))
    assert (read.asked, {GOOD_NOTES[at - 2]: code for at, code in read.codes.items()}) == ({}, {})


def test_the_state_of_a_referral_says_nothing_about_its_person() -> None:
    read = read_list(six(("Referral Status", "Approved|Expired|Pending|Active|Approved|Inactive")))
    assert (read.asked, reached(read)) == ({}, EVERYBODY)


ANSWERED = {
    "Voice Reminders": "Active|Inactive|Active|Inactive|Active|Active",
    "Automated Reminders": "Enabled|Disabled|Enabled|Disabled|Enabled|Enabled",
    "Consent Status": "On file|Not on file|Verbal|Expired|Active|Obtained",
    "Opt-in Status": "In|Out|In|Out|In|In",
    "I would like to receive reminders": "Yes please|No thanks|Yes, thanks|No, thank you|yes|Yes",
    "Do you agree to automated calls?": "I agree|I do not agree|I agree|Disagree|Yes, I agree|Accept",
    "OK to call": "✔️|✖|👍|👎|✅|🗸",
    "Discharge Disposition": "Home or Self Care|Expired|Home Health Care Svc|20 Expired|SNF|01 Home",
    "Disch Disp": "HOME|EXPIRED|SNF|Expired in medical facility|Rehab|Discharged to home",
    "TCPA Status": "Consented|Revoked|Opted in|Opted out|Granted|Given",
    "TCPA": "Y|N|Y||Y|Y",
    "Ref'd calls": "|X||3/2/2026||",
    "D.O.D.": "|1/2/2026||2/3/2026||",
    "Appt": "Kept|Cancelled|Scheduled|Cancelled by patient|Confirmed|Pending",
    "Visit Status": "Confirmed via text|Cancelled - weather|Scheduled|Canceled 3/2|Confirmed 3/1|Scheduled by phone",
}


@pytest.mark.parametrize(("name", "cells"), ANSWERED.items(), ids=ANSWERED)
def test_an_answer_in_the_words_of_its_column_is_one(name: str, cells: str) -> None:
    read = read_list(six((name, cells)))
    assert (read.asked, reached(read)) == ({}, OTHERS)


@pytest.mark.parametrize(
    "cells", ["Discharged|Expired|Discharged|LWBS|Home|SNF", "Discharged|Discharged|Discharged|Discharged|Discharged|"]
)
def test_a_disposition_that_could_be_a_cancellation_is_asked_about(cells: str) -> None:
    assert read_list(six(("ED Disposition", cells))).asked == {2: "status"}


NAMED = [
    "Fern, Ben (Estate)|PINE DEV - DECEASED",
    "Ben Fern (expired 3/2)|Pine, Dev *DNC*",
    "Ben Fern (do not call)|Dev Pine (d. 2024)",
    "Ben Fern (fallecido)|Dev Pine [inactive]",
    "ZZFern, Ben|Dev Pine (1940-2024)",
]


@pytest.mark.parametrize("names", NAMED)
@pytest.mark.parametrize("column", ["Patient Name", "Last Name", "First Name", "Nombre"])
def test_a_remark_beside_a_name_keeps_its_person_out(names: str, column: str) -> None:
    ben, dev = names.split("|")
    people = ["Ana Lopez", ben, "Eva (Evie) Oak", dev, "Fay Elm, Jr.", "Elm, Fay (Mrs.)"]
    read = read_list(as_text([[column, "Cell"], *([name, f"(415) 555-010{at}"] for at, name in enumerate(people, 1))]))
    assert (read.asked, reached(read), set(read.codes.values())) == ({}, OTHERS, {"says_no"})


def test_a_remark_beside_a_name_is_heard_whoever_says_that_it_is_the_name() -> None:
    content = as_text([["Zork", "Cell"], ["Fern, Ben (Estate)", "(415) 555-0102"], ["Ana Lopez", "(415) 555-0101"]])
    assert reached(read_list(content, {0: "name"})) == "1"
    assert reached(read_list(content, {0: ""})) == "12"


SOURCES = several(
    """
    Consent given by|Opted in via|Opt-in source|Consent source|Consent method|Opt In Method|Source of consent|OPTIN_SOURCE
    Fuente del consentimiento
    """
)
NO_SOURCES = [
    "None|None",
    "N/A|-",
    "|",
    "no consent|No",
    "none|declined",
    "Not given|unknown",
    "Refused|Revoked 3/2",
    "pending|?",
]


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("nothing", NO_SOURCES)
def test_a_consent_without_a_source_is_none_where_nothing_else_says_yes(name: str, nothing: str) -> None:
    ben, dev = nothing.split("|")
    cells = f"Web form|{ben}|Paper|{dev}|Verbal|Portal"
    read = read_list(six((name, cells)))
    assert (read.asked, reached(read)) == ({}, OTHERS)
    # Beside a yes nothing is nothing, and a no contradicts it.
    beside_yes = reached(read_list(six(("Consent", "Y|Y|Y|Y|Y|Y"), (name, cells))))
    assert beside_yes == (EVERYBODY if ben in ("", "N/A") else "13456" if dev in ("?", "unknown") else OTHERS)


def test_by_which_method_somebody_has_agreed_or_to_which_is_asked() -> None:
    assert read_list(six(("Consent method", "Phone|Email|Phone|Text|Phone|Mail"))).asked == {2: "preference"}


@pytest.mark.parametrize("name", ["DNC", "Opted out", "Deceased", "Canceled"])
def test_a_cross_marks_somebody_in_a_column_of_those_who_must_not_be_reached(name: str) -> None:
    assert reached(read_list(six((name, "|✗||❌||")))) == OTHERS


CONFIRMED = several(
    """
    Appt Conf|Appt Confirm|Conf|Confirmed?|Confirmed|Conf Status|Confirmation|Confirmation Status|Confirmada|Cita confirmada|Conf Y/N
    Appt Stat Cd|Sched Status|Filler Status|Appt Status|Appt
    """
)
# Of which it is known what they mean: words, those of HL7's table 0278 and what is short for them.
STANDING = [
    "Booked|Cancelled|Booked|Noshow|Pending|Overbook",
    "Booked|Deleted|Complete|Blocked|Started|Overbook",
    "CONF|CXL|CONF|N/S|PEND|CONF",
    "Confirmed|Entered in error|Left message|Dc|No response|Unconfirmed",
]


@pytest.mark.parametrize("name", CONFIRMED)
def test_how_an_appointment_stands_is_heard_in_words_and_asked_about_in_letters(name: str) -> None:
    for cells in STANDING:
        read = read_list(six((name, cells)))
        assert (read.asked, reached(read)) == ({}, OTHERS), cells
    for cells in ("C|N|C|X|C|R", "S|C|S|N|S|S", "1|4|1|4|1|1", "CF|CA|CF|NS|CF|CF", "Y|N|Y|N|Y|Y"):
        read = read_list(six((name, cells)))
        assert list(read.asked) == [2], cells
    assert list(read_list(six(("Appt Code", "C|N|C|X|C|R"))).asked) == [2]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("Confirmed", "3/1/2026||3/2/2026||3/3/2026|3/4/2026"),
        ("Confirmation #", "839201|839202|839203|839204|839205|839206"),
        ("Confirmation", "|||||"),
        ("Visit Code", "NP30|EST15|EST15|NP30|PHYS|EST15"),
        ("Appt Date", "3/1/2026|3/1/2026|3/2/2026|3/2/2026|3/2/2026|3/2/2026"),
    ],
)
def test_when_a_visit_was_confirmed_and_what_it_is_of_decides_nothing(name: str, cells: str) -> None:
    read = read_list(six((name, cells)))
    assert (read.asked, reached(read)) == ({}, EVERYBODY)


ELSEWHERE = {
    "Number Status": "Good|Disconnected|Good|Wrong number|Good|Good",
    "Left Practice": "|3/1/2026||3/2/2026||",
    "Appt Note": "|pt cancelled||pt cx'd||",
    "Appt Time": "9:00|CANCELLED|9:15|CANCELLED|9:30|9:45",
    "Appt Date": "3/1/2026|CANCELLED|3/1/2026|Cancelled by pt|3/1/2026|3/1/2026",
    "Arrived": "|No Show||No Show||",
    "Hospice": "N|Y|N|Y|N|N",
    "Language": "English|DO NOT CALL|Spanish|DO NOT CALL|English|English",
    "Best Time": "AM|Do not call|PM|No calls|AM|AM",
    "Consent Expires": "12/31/2027|1/1/2020|12/31/2027|1/1/2020|12/31/2027|12/31/2027",
    "Safe to leave message?": "Y|N|Y|N|Y|Y",
    "Motivo de cancelación": "|enfermo||viaje||",
    "Visit Type": "New|CANCELLED|New|CANCELLED|New|New",
    "Preferred Contact": "Cell|None|Cell|Do not contact|Home|Cell",
    "Estatus": "Activo|Baja|Activo|Baja|Activo|Activo",
    "R/S": "|X||X||",
    "Phone Valid": "Y|N|Y|N|Y|Y",
}


@pytest.mark.parametrize(("name", "cells"), ELSEWHERE.items(), ids=ELSEWHERE)
def test_a_no_in_another_column_is_heard_or_asked_about(name: str, cells: str) -> None:
    read = read_list(six((name, cells)))
    assert read.asked or reached(read) == OTHERS


FIGURES = {
    "MRN": "1000{}",
    "Chart #": "C-{}",
    "Reference": "v-{}",
    "DOB": "1/{}/1950",
    "Date of Birth": "1950-01-0{}",
    "Age": "7{}",
    "Appt Date": "12/{}/2026",
    "Appt Time": "9:{}0",
    "Date": "12/{}/2026",
}
INSTEAD = [
    "Expired 3/2",
    "moved",
    "hospice",
    "inactive",
    "not a patient",
    "said no",
    "refused",
    "pt declined",
    "no longer lives here",
]


@pytest.mark.parametrize(("name", "figure"), FIGURES.items(), ids=FIGURES)
@pytest.mark.parametrize("note", INSTEAD)
def test_a_note_in_the_place_of_a_figure_is_heard(name: str, figure: str, note: str) -> None:
    cells = [figure.format(at) for at in range(1, 7)]
    cells[1] = cells[3] = note
    read = read_list(six((name, "|".join(cells))))
    assert read.asked or reached(read) == OTHERS


def test_what_has_expired_besides_keeps_nobody_out() -> None:
    columns = (
        ("Insurance ID", "W1|W2|expired|W4|W5|W6"),
        ("Address", "1 Moved Hill|2 Oak|3 Dead End|No. 4|5 Elm|Hospice House"),
    )
    read = read_list(six(*columns, ("Referral #", "101|102|Expired|104|105|106")))
    assert (read.asked, reached(read)) == ({}, EVERYBODY)


CLEAN = {
    "Email": "a@example.org|declined|none|refused|no email|",
    "E-mail Address": "declined|a@example.org|||b@example.org|none",
    "PCP": "None|None|Dr. Oak|None||None",
    "Insurance 2": "None|None|None|Medicare|None|None",
    "Clinic": "No. 5 Clinic|Oak Clinic|No. 7|Dead River Clinic|Hospice House|Stopford",
}


@pytest.mark.parametrize(("name", "cells"), CLEAN.items(), ids=CLEAN)
def test_what_there_is_none_of_is_no_answer(name: str, cells: str) -> None:
    read = read_list(six((name, cells)))
    assert (read.asked, reached(read)) == ({}, EVERYBODY)


@pytest.mark.parametrize("name", ["Email", "Text", "SMS"])
def test_another_way_that_is_answered_is_asked_about(name: str) -> None:
    assert list(read_list(six((name, "Y|N|Y|N|Y|Y"))).asked) == [2]


@pytest.mark.parametrize("name", ["OK", "Ok?"])
def test_a_column_may_be_named_as_an_answer_is(name: str) -> None:
    read = read_list(six((name, "Y|N|Y|N|Y|Y")))
    assert (read.asked, reached(read), read.dialect.header_row) == ({}, OTHERS, 1)


@pytest.mark.parametrize("name", ["# No Shows", "Cancelled Appts", "Cancellations"])
def test_how_often_somebody_canceled_is_no_cancellation(name: str) -> None:
    read = read_list(six((name, "0|2|0|1|0|0")))
    assert (read.asked, reached(read)) == ({}, EVERYBODY)


def test_whether_a_portal_is_used_says_nothing_of_a_visit() -> None:
    read = read_list(six(("MyChart Status", "Activated|Activated|Pending|Active|Activated|Inactive")))
    assert (read.asked, reached(read)) == ({}, EVERYBODY)


@pytest.mark.parametrize("name", ["Rescheduled", "Rescheduled to", "Resched?", "Reprogramada"])
def test_which_visit_was_moved_is_asked(name: str) -> None:
    assert read_list(six((name, "|3/9/2026||3/9/2026||"))).asked == {2: "status"}


WAYS = [
    "Comm",
    "Medio de contacto",
    "Forma de contacto",
    "Notify By",
    "Delivery",
    "Best way to reach you",
    "PreferConfirmMethod",
    "Notification",
    "Reminder Type",
    "Mode",
]


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize(
    "cells", ["Phone|Email|Phone|None|Voice|Phone", "Voice|Mail only|Cell|Portal|Home phone|Text message"]
)
def test_a_column_of_the_ways_by_which_people_are_reached_is_asked_about(name: str, cells: str) -> None:
    assert read_list(six((name, cells))).asked == {2: "preference"}


def test_a_preference_that_is_said_to_be_the_consent_lets_those_be_reached_who_wish_a_call() -> None:
    content = six(("Contact preference", "Phone|Email|Voice|Text message|Phone call|Cell"))
    assert reached(read_list(content, {2: "consent"})) == OTHERS


def test_a_report_that_names_its_columns_on_each_page_has_them() -> None:
    lines = LIST.splitlines(keepends=True)
    read = read_list(b"".join([*lines[:4], lines[0], *lines[4:]]))
    assert (read.asked, reached(read), read.codes[5]) == ({}, OTHERS, "has_letters")


HEADINGS = several(
    """
    DO NOT CALL|Cancelled|Declined|DNC list|Patients who opted out|No llamar|Cancelled (12)|No shows|*** DO NOT CALL ***|Opt-outs
    Deceased:|Canceladas|Fallecidos|Bajas|Opted out 3/2/2026|Wrong numbers|Inactive|Suppressed|DO NOT CALL - 3 patients
    """
)


@pytest.mark.parametrize("heading", HEADINGS)
@pytest.mark.parametrize("at", [0, 1])
def test_a_no_that_stands_alone_above_people_is_asked_about(heading: str, at: int) -> None:
    rows = six().decode().splitlines()
    alone = [heading, ""] if at == 0 else ["", heading]
    read = read_list("\r\n".join([*rows[:4], ",".join(alone), *rows[4:]]).encode())
    assert read.asked == {at: "heading"}


MANY = [f"P{at},(202) 555-01{at % 100:02},Austin" for at in range(400)]


@pytest.mark.parametrize("heading", [*(f"{heading},," for heading in HEADINGS), "No llamar", "DO NOT CALL,3 patients,"])
def test_nobody_is_reached_below_a_no_that_stands_alone_wherever_it_does(heading: str) -> None:
    others = [f"Q{at},(212) 555-01{at:02},Austin" for at in range(9)]
    # In another section too, and after all.
    rows = ["Name,Cell,City", *MANY, heading, *others, MANY[0], "New patients,,", "Zoe,(213) 555-0100,Reno"]
    content = "\r\n".join(rows).encode()
    read = read_list(content)
    assert (read.asked, len(read.reached)) == ({}, 99)
    assert [code for number, code in read.codes.items() if number > 402] == ["under_heading"] * 10 + [
        "phone_missing",
        "under_heading",
    ]
    assert "+12135550100" in read_list(content, {0: "name"}).reached


@pytest.mark.parametrize(
    "row",
    ["Total cancelled: 12,,", "* X = do not call,,", "Monday 12/2,,", "Page 3 of 7,,", "Nueva semana,,", ",,Reno"],
)
def test_another_row_without_a_number_says_nothing_of_those_below_it(row: str) -> None:
    for at in (3, 300):
        read = read_list("\r\n".join(["Name,Cell,City", *MANY[:at], row, *MANY[at:]]).encode())
        assert (read.asked, len(read.reached)) == ({}, 100)


TITLES = several(
    """
    DO NOT CALL LIST|Opt-out list 2026|Cancelled appointments 12/1/2026 - 12/7/2026|Deceased patients|Lista: no llamar|No contactar
    """
)


@pytest.mark.parametrize("title", TITLES)
def test_a_title_that_says_no_is_asked_about(title: str) -> None:
    assert read_list(f"{title},\r\n".encode() + six()).asked == {1: "title"}
    assert read_list(f"{title},\r\n".encode() + six().split(b"\r\n", 1)[1]).asked == {1: "title"}
    assert reached(read_list(f"{title},\r\n".encode() + six(), {1: "phone"})) == EVERYBODY

    def name(made: Any) -> None:
        made.worksheets[0].title = "".join(char for char in title if char not in ":/")[:31]

    rows = [row.split(",") for row in six().decode().splitlines()]
    assert read_list(book(rows, change=name)).asked == {1: "title"}


@pytest.mark.parametrize(
    "title",
    ["Recall list (DNC removed)", "Criteria: status not in (Cancelled)", "Excludes opted out patients", "Call list"],
)
def test_a_title_about_others_is_not_asked_about(title: str) -> None:
    assert reached(read_list(f"{title},\r\n".encode() + six())) == EVERYBODY


def test_a_legend_below_the_people_is_no_heading() -> None:
    read = read_list(six(("DNC", "|X||X||")) + b"* X = do not call,,\r\nCancelled,,\r\n")
    assert (read.asked, reached(read)) == ({}, OTHERS)


# Several columns, and what binds a number.
TOGETHER: dict[str, tuple[bytes, str]] = {
    "calls yes, voicemail no": (six(("OK to call", "Y|Y|Y|Y|Y|Y"), ("OK to leave voicemail", "Y|N|Y|N|Y|Y")), OTHERS),
    "the same name twice": (six(("Consent", "Y|Y|Y|Y|Y|Y"), ("Consent", "Y|N|Y|N|Y|Y")), OTHERS),
    "one inverted": (six(("Consent", "Y|Y|Y|N|Y|Y"), ("Opt out", "N|Y|N|N|N|N")), OTHERS),
    "one yes, the rest blank": (six(("Consent", "Yes|||||")), "1"),
    "a short row": (six(("Consent", "Y|Y|Y|Y|Y|Y")).replace(b"0102,Y", b"0102").replace(b"0104,Y", b"0104"), OTHERS),
    "the date of a consent": (six(("Consent Date", "2026-01-01||1/2/2026||2/2/2026|3/2/2026")), OTHERS),
    "a canceled appointment": (
        six(("Appt Status", "Scheduled|Canceled|Confirmed|No Show|Scheduled|Pending")),
        OTHERS,
    ),
    "a canceled flag": (six(("Cancelled", "|Y||X||")), OTHERS),
    "dates of death": (six(("Date of Death", "|2/1/2026||2026-03-01||")), OTHERS),
    "a vital status": (six(("Vital Status", "Alive|Deceased|Alive|Dead|Alive|Alive")), OTHERS),
    "a no behind a name": (six().replace(b"Ben Fern", b"Ben Fern (DO NOT CALL)").replace(b"Dev Pine", b"*DNC* Dev"), OTHERS),
    "a no in a note": (six(("Notes", "likes mornings|no voicemails pls||asked us to stop calling|left vm 3/1|")), OTHERS),
    "una nota": (six(("Observaciones", "|no quiere llamadas||fallecido||")), OTHERS),
    "a no beside the number": (six().replace(b"0102", b"0102 do not call").replace(b"0104", b"0104 (deceased)"), OTHERS),
    "words behind a no": (
        as_text([["Name", "Cell", "Consent"], ["Ana", "(415) 555-0101", "Y"], ["Ana", "(415) 555-0101", "No - spouse says stop"],
                 ["Ben", "(415) 555-0102", "Y"]]),
        "2",
    ),
    "words behind the number": (
        as_text([["Name", "Cell", "Consent"], ["Ana", "(415) 555-0101", "Y"], ["Ana", "(415) 555-0101 (cell)", "N"],
                 ["Ben", "(415) 555-0102", "Y"]]),
        "2",
    ),
    "two numbers and a no": (
        as_text([["Name", "Cell", "OK?"], ["Ana", "(415) 555-0101", "Y"], ["Ben", "(415) 555-0102", "Y"],
                 ["Ana", "415-555-0101 or 415-555-0150", "N"]]).replace(b"OK?", b"OK to call"),
        "2",
    ),
    "a no beside the second number": (
        as_text([["Name", "Home Phone", "Cell", "DNC"], ["Ana", "(415) 555-0101", "", ""], ["Ben", "(415) 555-0102", "", ""],
                 ["Ana", "(415) 555-0150", "(415) 555-0101", "Y"]]),
        "2",
    ),
    "a plain no in one row, blank in another": (
        as_text([["Cell", "DNC"], ["(415) 555-0101", ""], ["(415) 555-0101", "Y"], ["(415) 555-0102", ""]]), "2"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "people"), TOGETHER.values(), ids=TOGETHER)
def test_all_must_say_yes_and_a_no_binds_its_number(content: bytes, people: str) -> None:
    read = read_list(content)
    assert (read.asked, reached(read)) == ({}, people)


# What a report writes among its people, and below them.
LINES = several(
    """
    Clinic phone:,202-555-0150,|Clinic phone: 202-555-0150,,|Clinic phone,(202) 555-0150,|,Clinic phone,(202) 555-0150
    Report generated by jsmith call 555-0150,,|Total patients: 50,,|Total,50,|50 patients,,|Total: 4155550150,,|Patient count: 6,,
    For questions call,(202) 555-0150,|Questions?,202-555-0150,|If you have questions call,2025550150,|Call us at,(202) 555-0150,
    Lakeside Clinic,(202) 555-0150,|Oak Family Practice,2025550150,|Mercy Hospital,(202) 555-0150,|Front desk,2025550150,
    Printed by: jsmith,(202) 555-0150,|Run date 3/2/2026,2025550150,|Page 3 of 7,(202) 555-0150,|End of report,(202) 555-0150,
    Main number:,2025550150,|Fax,(202) 555-0150,|Fax:,(202) 555-0150,|Phone:,2025550150,|Office phone: ,2025550150,
    Help desk line,2025550150,
    Teléfono de la clínica,(202) 555-0150,|Total de pacientes: 6,2025550150,|Generado por jsmith,2025550150,|Página 2,2025550150,
    *** End of Report ***,2025550150,|Confidential information,2025550150,|Exported on 3/2/2026,2025550150,
    Lakeside Pediatrics,2025550150,
    """
)


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_report_is_nobody(line: str) -> None:
    rows = six(("City", "Reno|Reno|Reno|Reno|Reno|Reno")).decode().splitlines()
    # The head of the report, which comes again on each page.
    head = "Lakeside Pediatrics,2025550150,"
    for at in (4, 7):
        read = read_list("\r\n".join([head, *rows[:at], line, *rows[at:]]).encode())
        assert (read.asked, reached(read), read.codes) == ({}, EVERYBODY, {at + 2: "report_line"})


@pytest.mark.parametrize(
    "name", ["Sarah Page", "Page", "Total Lee", "Clinton", "Faxon", "Endof Ray", "Callus", "Printz", "Hospitaler"]
)
def test_a_person_is_no_line_of_a_report(name: str) -> None:
    read = read_list(six().replace(b"Ben Fern", name.encode()).replace(b"Name,Cell", b"Patient,Cell"))
    assert (read.asked, reached(read)) == ({}, EVERYBODY)


# Titles and headers.
LIST = six(("OK to call", "Yes|No|Yes|No|Yes|Yes"))
HEADS = {
    "a title": "Recall list,,\r\n",
    "a report's head": "Report: Appointment list,,\r\nRun date: 12/01/2026 08:15,,\r\n,,\r\n",
    "one cell": "Appointments 12/01/2026 - 12/07/2026\r\n",
    "the clinic's phone": "Lakeside Clinic,(415) 555-0199\r\nRecall,,\r\n",
    "blank rows": ",,\r\n,,\r\nPrinted by: jsmith,,Page 1 of 3\r\n\r\n",
    "groups of columns": "Patient,,Consent\r\n",
    "a long head": "".join(f"Line {at} of the head,,\r\n" for at in range(12)),
    "a mark of Excel": "sep=,\r\n",
    "in Spanish": "Lista de pacientes,,\r\nFecha: 01/12/2026,,\r\n",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_the_row_that_names_the_columns_is_found_below_what_stands_above_it(head: str) -> None:
    read = read_list(head.encode() + LIST)
    assert read.columns == ["name", "phone", "consent"]
    assert (read.asked, reached(read)) == ({}, OTHERS)
    assert read.dialect.header_row > 0 or head.startswith("sep=")


def test_a_header_of_two_rows_is_read_together() -> None:
    merged = book(
        [["Patient", None, "Contact", None, "OK to"], ["Last", "First", "Home Phone", "Cell", "call"]]
        + [[f"L{at}", f"F{at}", None, f"(415) 555-010{at}", "N" if at in (2, 4) else "Y"] for at in range(1, 7)]
    )
    read = read_list(merged)
    assert read.columns == ["last_name", "first_name", "phone_2", "phone", "consent"]
    assert (read.dialect.header_row, reached(read)) == (2, OTHERS)


@pytest.mark.parametrize(
    "first", ["Ana Lopez,none,Yes", "Ana Lopez,,Yes", "Ana Lopez,disconnected,yes", "Ana Lopez,415-555-0101,No"]
)
def test_a_first_person_is_never_taken_for_the_header(first: str) -> None:
    read = read_list((first + "\r\n").encode() + b"\r\n".join(LIST.splitlines()[2:]))
    assert read.seen.header.names == [] and list(read.asked) == [2]


# Whose phone it is.
OWN = [
    "HOME_PHONE",
    "Phone",
    "Hm Ph",
    "Teléfono",
    "Celular",
    "Patient Cell",
    "Wk Ph",
    "Phone (Home)",
    "Tel. casa",
    "Primary Phone",
]
SOMEBODY_ELSES = several(
    """
    EMER_PHONE|Emerg Contact Cell|EC Phone|ICE #|GUAR_PHONE|Guarantor Home Phone|Resp Party Ph|Responsible Party|Spouse Cell
    Next of Kin|NOK Tel|PROV_PHONE|PCP Ph|Dr Phone|Referring Provider Phone|Clinic Phone|Office Phone|Facility Ph|Pharmacy Phone
    Insurance Phone|Employer Phone|School Phone|Caregiver Phone|Case Manager Phone|Attorney Phone|POA Phone|Sister's Cell|Friend Phone
    Phone (E)|Phone (O)|Phone E|Alternate Contact|Secondary Contact Phone|Fax|Pager|Old Phone|Bad Phone|Caller ID|Callback Number
    Home Health Phone|Xyz Tel
    Teléfono de emergencia|Tel. esposo|Teléfono de la clínica|Teléfono familiar|Acct #|Account Number|MRN|Chart No|Member ID|NPI
    """
)


@pytest.mark.parametrize("others", SOMEBODY_ELSES)
def test_the_person_is_reached_and_nobody_else_whichever_column_stands_first(others: str) -> None:
    for own in OWN:
        phones = [f"(415) 555-010{at}" for at in range(1, 7)], [f"415555015{at}" for at in range(1, 7)]
        for (first, cells), (second, more) in (
            ((own, phones[0]), (others, phones[1])),
            ((others, phones[1]), (own, phones[0])),
        ):
            rows = [["Patient Name", first, second], *([NAMES[at], cells[at], more[at]] for at in range(6))]
            read = read_list(as_text(rows))
            assert (read.asked, reached(read)) == ({}, EVERYBODY), own


@pytest.mark.parametrize("others", ["Guardian Phone", "Mother's Cell", "Parent Phone", "Teléfono tutor"])
def test_the_phone_of_a_guardian_is_asked_about(others: str) -> None:
    rows = [["Name", "Cell", others], ["Ana", "(415) 555-0101", "(415) 555-0150"]]
    assert list(read_list(as_text(rows)).asked) == [2]


@pytest.mark.parametrize(
    "names", [["EMER_PHONE"], ["Spouse Cell"], ["Provider Phone", "Emergency Phone"], ["Kontakt", "Zork"]]
)
def test_where_no_column_is_the_persons_own_it_is_asked_which_one_is(names: list[str]) -> None:
    rows = [["Name", *names], *([NAMES[at], *[f"(415) 555-015{at}"] * len(names)] for at in range(4))]
    read = read_list(as_text(rows))
    assert list(read.asked) == list(range(1, 1 + len(names)))


TYPED = {
    "before each phone": [
        "Phone Type 1,Phone 1,Phone Type 2,Phone 2",
        "Cell,A,Home,x",
        "Emergency,x,Mobile,B",
        "Fax,x,Spouse,x",
        "Home,C,Office,",
    ],
    "behind each phone": [
        "Phone 1,Phone 1 Type,Phone 2,Phone 2 Type",
        "A,Cell,x,Home",
        "x,Emergency Contact,B,",
        "x,Guarantor,,",
        "C,Work,,Fax",
    ],
    "of one phone": ["Phone,Phone Type", "A,CELL", "B,", "x,Next of Kin", "C,Other"],
    "in Spanish": ["Teléfono,Tipo de teléfono", "A,Casa", "B,Celular", "x,Emergencia", "C,Trabajo"],
}


@pytest.mark.parametrize("lines", TYPED.values(), ids=TYPED)
def test_a_phone_is_somebody_elses_where_the_column_beside_it_says_so(lines: list[str]) -> None:
    phones = {"A": "(415) 555-0101", "B": "(415) 555-0102", "C": "(415) 555-0103", "x": "(415) 555-0150"}
    read = read_list(as_text([[phones.get(cell, cell) for cell in line.split(",")] for line in lines]))
    # Ana's second phone is her own too.
    assert (read.asked, reached(read), read.codes) == ({}, "123", {4: "phone_of_another"})


def test_a_mothers_phone_by_the_column_beside_it_is_asked_about() -> None:
    rows = [["Name", "Phone", "Phone Type"], ["Ana", "(415) 555-0101", "Cell"], ["Ben", "(415) 555-0102", "Mother"]]
    assert read_list(as_text(rows)).asked == {2: "phone_type"}


def test_two_lists_beside_each_other_are_no_list_of_people_with_two_phones() -> None:
    rows = [
        ["Name", "Phone", "Name", "Phone"],
        ["Ana", "(415) 555-0101", "Ben", "(415) 555-0102"],
        ["", "", "Cora", "(415) 555-0103"],
    ]
    assert read_list(as_text(rows)).asked == {1: "which_phone", 3: "which_phone"}


def test_a_contacts_phone_is_the_persons_where_there_is_no_other_and_no_contact() -> None:
    alone = as_text([["Name", "Contact Phone"], ["Ana", "(415) 555-0101"]])
    named = as_text(
        [["Patient", "Home Phone", "Contact Name", "Contact Phone"], ["Ana", "(415) 555-0101", "Sis", "(415) 555-0150"]]
    )
    assert reached(read_list(alone)) == reached(read_list(named)) == "1"


# Several numbers, extensions, countries.


def test_the_next_own_number_is_used_where_the_first_is_none() -> None:
    rows = [
        ["Name", "Home Phone", "Work Phone", "Mobile"],
        ["Ana", "415-555-0101", "", ""],
        ["Ben", "", "415-555-0102", "n/a"],
        ["Cora", "x", "415-555-0103 x7", "unknown"],
        ["Dev", "415-555-0150", "", "415-555-0104"],
        ["Eva", "", "", ""],
    ]
    read = read_list(as_text(rows))
    assert read.columns == ["name", "phone_2", "phone_3", "phone"]
    assert (reached(read), read.codes) == ("124", {4: "has_extension", 6: "phone_missing"})


@pytest.mark.parametrize("name", ["Ext", "Ext.", "Extension", "Phone Ext", "Extn", "Ext #", "Anexo"])
def test_who_is_behind_an_extension_is_not_reached_at_the_switchboard(name: str) -> None:
    rows = [["Name", "Phone", name], ["Ana", "(415) 555-0101", ""], ["Ben", "(415) 555-0102", "212"]]
    assert reached(read_list(as_text(rows))) == "1"


@pytest.mark.parametrize("name", ["Country Code", "Country", "Phone Country", "País", "Dialing code"])
@pytest.mark.parametrize("abroad", ["+52", "52", "MX", "Mexico"])
def test_a_number_of_another_country_is_not_dialled_as_one_of_plus_one(name: str, abroad: str) -> None:
    cells = "MX" if abroad in ("MX", "Mexico") else "1"
    home = "US" if cells == "MX" else "1"
    rows = [
        ["Name", name, "Phone"],
        ["Ana", home, "4155550101"],
        ["Ben", abroad, "4155550102"],
        ["Cora", "", "4155550103"],
    ]
    assert reached(read_list(as_text(rows))) == "13"


# Damage.
DAMAGED = {
    "a mark that gives one person's no the yes of another": (
        b'OK to call,Name,Cell\nYes,"Ana,(415) 555-0101\nNo,"Ben",(415) 555-0102\nYes,"Cora",(415) 555-0103\n',
        "3",
    ),
    "a mark that swallows lines": (
        b'OK to call,Name,Cell,Note\nYes,Ana,(415) 555-0101,ok\nYes,Ben,(415) 555-0102,"ok\nYes,Cora,(415) 555-0103,ok\n'
        b'No,Dev,(415) 555-0104,ok\nYes,Eva,(415) 555-0105,"left, came back"\nYes,Fay,(415) 555-0106,ok\n',
        "1356",
    ),
    "a comma too many": (b"Name,Cell,Consent\nAna,(415) 555-0101,Y\nPine, Dev,(415) 555-0104,N\n", "1"),
    "a comma too many, and a yes that slips in": (
        b"DNC,Name,Cell\n,Ana,(415) 555-0101\n,Pine, Dev,(415) 555-0104\n",
        "1",
    ),
    "a row cut short": (b"Name,Cell,Consent\nAna,(415) 555-0101,Y\nDev,(415) 555-0104\n", "1"),
}


@pytest.mark.parametrize(("content", "people"), DAMAGED.values(), ids=DAMAGED)
def test_damage_refuses_its_row_and_gives_nobody_the_answer_of_another(content: bytes, people: str) -> None:
    read = read_list(content)
    if read.asked:
        # Somebody's answer stands behind the last column; whatever a person says of that, this row is refused.
        read = read_list(content, dict.fromkeys(read.asked, ""))
    assert reached(read) == people
    assert len(read.reached) + len(read.codes) == len(content.splitlines()) - 1


def test_a_street_is_no_state() -> None:
    read = read_list(six(("St", "0 Main|1 Main|2 Main|3 Main|4 Main|5 Main"), ("City", "SF|SF|SF|SF|SF|SF")))
    assert reached(read) == EVERYBODY


def test_an_accent_far_into_a_list_says_in_which_encoding_it_is() -> None:
    people = "".join(f"Ana,(202) 555-01{at % 100:02}\r\n" for at in range(20_000))
    read = read_list(("Name,Phone\r\n" + people + "José Núñez,(415) 555-0101\r\n").encode("cp1252"))
    assert read.dialect.encoding == "cp1252" and "+14155550101" in read.reached


# What each column is taken for.
KINDS = {
    "record_number": "MRN|Chart #|Acct No|Patient ID|Medical Record Number|Expediente",
    "reference": "Reference|Ref|External ID|Referencia",
    "appointment_day": "Appt Date|Appointment Date|Visit Date|Next Appt|Fecha de la cita",
    "appointment_time": "Appt Time|Appointment Time|Hora de la cita",
    "deceased": "Deceased|Date of Death|Fallecido",
    "canceled": "Canceled|Cancelled?|Cancelada",
    "language": "Language|Preferred Language|Idioma",
    "first_name": "First Name|FNAME|Given name|Nombre de pila",
    "last_name": "Last Name|LNAME|Surname|Apellido",
    "name": "Name|Patient Name|PAT_NAME|Nombre completo",
    "consent_date": "Consent Date|Opt-in Date|Consented on",
    "consent_source": "Consent Source|Source of consent",
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in KINDS.items() for name in names.split("|")])
def test_what_a_column_is_taken_for(kind: str, name: str) -> None:
    cells = {
        "appointment_day": "1/5/2026",
        "appointment_time": "9:30",
        "deceased": "",
        "canceled": "",
        "consent_date": "1/2/2026",
    }
    read = read_list(
        as_text(
            [["Cell", name], ["(415) 555-0101", cells.get(kind, "A17")], ["(415) 555-0102", cells.get(kind, "B18")]]
        )
    )
    assert read.columns == ["phone", kind]


@pytest.mark.parametrize("address", ["A3", "B3", "C3", "D3", "E3"])
@pytest.mark.parametrize(
    "text", ["Front desk:\nDO NOT CALL", "Pt declined", "deceased 3/2", "No llamar", "Opted out 1/5/2026"]
)
def test_a_no_in_a_comment_on_any_cell_keeps_its_person_out(address: str, text: str) -> None:
    people = [
        ["Name", "Cell", "Zip", "Consent", "Misc"],
        ["Ana", "(202) 555-0101", "20001", "yes", "a1"],
        ["Ben", "(202) 555-0102", "20001", "yes", "b2"],
        ["Cem", "(202) 555-0103", "20001", "yes", "c3"],
    ]

    def comment(made: Any) -> None:
        made.worksheets[0][address].comment = Comment(text, "Front desk")

    read = read_list(book(people, change=comment))
    assert read.reached == ([] if read.asked else ["+12025550101", "+12025550103"])
    assert list(read.asked) in ([], [4])  # the last column has no name that says what it is


PEOPLE = [["Name", "Cell", "City"], *([f"P{at}", f"(202) 555-01{at:02}", "Reno"] for at in range(12))]
YELLOW, GREY = (PatternFill("solid", fgColor=colour) for colour in ("FFFFFF00", "FFDDDDDD"))


def coloured(marks: dict[int, Any], columns: str = "ABC", *, header: bool = True) -> bytes:
    """Rows of the sheet in a fill, or in a font."""

    def colour(made: Any) -> None:
        for number, look in {**({1: GREY} if header else {}), **marks}.items():
            for column in columns:
                cell = made.worksheets[0][f"{column}{number}"]
                if isinstance(look, Font):
                    cell.font = look
                else:
                    cell.fill = look

    return book(PEOPLE, change=colour)


MARKED = {
    "two rows": (coloured({4: YELLOW, 9: YELLOW}), 0),
    "one row": (coloured({4: YELLOW}), 0),
    "half of them": (coloured(dict.fromkeys(range(2, 8), YELLOW)), 0),
    "names": (coloured({4: YELLOW, 9: YELLOW}, "A"), 0),
    "numbers": (coloured({4: YELLOW}, "B"), 1),
    "all but one": (coloured(dict.fromkeys([2, 3, *range(5, 14)], YELLOW)), 0),
    "one among stripes": (coloured({**dict.fromkeys(range(2, 14, 2), GREY), 5: YELLOW}), 0),
    "red letters": (coloured({4: Font(color="FFFF0000"), 9: Font(color="FFC00000")}), 0),
}


@pytest.mark.parametrize(("content", "at"), MARKED.values(), ids=MARKED)
def test_people_in_a_colour_of_their_own_are_asked_about(content: bytes, at: int) -> None:
    read = read_list(content)
    assert (read.asked, read.reached) == ({at: "colour"}, [])
    assert len(read.seen.notices) == 1
    assert len(read_list(content, {at: ["name", "phone"][at]}).reached) == 12


STRUCK = {
    "names": ("A", "crossed_out"),
    "numbers": ("B", "crossed_out"),
    "cities": ("C", ""),
}


@pytest.mark.parametrize(("columns", "code"), STRUCK.values(), ids=STRUCK)
@pytest.mark.parametrize("at", [4, 9])
def test_whose_name_or_number_is_crossed_out_is_not_reached(columns: str, code: str, at: int) -> None:
    content = coloured({at: Font(strike=True)}, columns)
    read = read_list(content)
    assert (read.asked, read.codes, len(read.seen.notices)) == ({}, {at: code} if code else {}, 1)
    assert f"+120255501{at - 2:02}" not in read.reached or not code


def in_part(cells: dict[str, list[tuple[str, bool]]], rows: list[list[str]]) -> bytes:
    """Cells of parts, each of which may be crossed out."""

    def change(made: Any) -> None:
        for address, runs in cells.items():
            made.worksheets[0][address] = CellRichText(
                *(TextBlock(InlineFont(strike=True), text) if crossed_out else text for text, crossed_out in runs)
            )

    return book(rows, change=change)


ANSWERS = [
    ["Name", "Cell", "Home", "OK to call", "Appt Date"],
    *([f"P{at}", f"(202) 555-010{at}", "", "Y", "3/1/2026"] for at in range(1, 6)),
]
IN_PART = {
    "a number": ({"B3": [("(202) 555-0102", True), (" (202) 555-0199", False)]}, "crossed_out"),
    "a whole number by its letters": ({"B3": [("(202) 555-0102", True), (" ", False)]}, "crossed_out"),
    "a name": ({"A3": [("Ben", True), (" Fern", False)]}, "crossed_out"),
    "a yes": ({"D3": [("Y", True), (" ", False)]}, "consent_unclear"),
    "a day": ({"E3": [("3/1/2026", True), (" 3/9/2026", False)]}, "crossed_out"),
}


@pytest.mark.parametrize(("cells", "code"), IN_PART.values(), ids=IN_PART)
def test_what_is_crossed_out_in_part_is_as_if_all_of_it_were(cells: Any, code: str) -> None:
    read = read_list(in_part(cells, ANSWERS))
    assert (read.asked, read.codes[3]) == ({}, code)
    assert read.reached == ["+12025550101", "+12025550103", "+12025550104", "+12025550105"]


def test_another_own_number_is_reached_in_place_of_one_that_is_crossed_out() -> None:
    rows = [
        ["Name", "Cell", "Home Phone"],
        ["Ana", "(202) 555-0101", "(202) 555-0111"],
        ["Ben", "(202) 555-0102", "(202) 555-0112"],
    ]
    content = in_part({"B3": [("(202) 555-0102", True)]}, rows)
    assert read_list(content).reached == ["+12025550101", "+12025550112"]


BESIDE = several(
    """
    DNC|Do not call|Opt outs|Opt-Outs|OptOuts|opt_outs|Deceased|No llamar|Cancelled|Cancelled 3-2|Removed|Remove|Do Not Contact
    Unsubscribed|Excluded|Exclusions|Suppression list|Blocked|STOP|Declined|Refused|No contactar|Fallecidos|Bajas|Canceladas
    Opted out 2026
    Pts who declined|Wrong #|Lista negra|Muertos|Left practice|Bad numbers|Inactive|No shows|DNC list|Blacklist|Expired|Do not remind
    Moved|Hospice
    """
)
BESIDE_NOTHING = several(
    """
    South|Sheet2|Notes|Legend|Pivot|Providers|Codes|Data|2019|Call list|Patients (no DNC)|Without opt-outs|DNC removed|Confirmed
    Recall
    Excludes cancelled|Totals|Active|Lista|Pacientes|Resumen|Stopford|Appointments
    """
)


def beside(name: str, other: list[list[str]] | None = None, *, hidden: bool = False) -> bytes:
    def change(made: Any) -> None:
        made.worksheets[0].title, made.worksheets[1].title = "Patients", name
        made.worksheets[1].sheet_state = "hidden" if hidden else "visible"

    return book(PEOPLE, other or [["Name", "Cell"], ["Ben Fern", "(202) 555-0102"]], change=change)


@pytest.mark.parametrize("name", BESIDE)
def test_a_sheet_of_people_who_must_not_be_reached_beside_the_list_is_asked_about(name: str) -> None:
    for hidden in (False, True):
        read = read_list(beside(name, hidden=hidden))
        assert (read.asked, read.reached) == ({1: "sheet"}, [])
    assert len(read_list(beside(name), {1: "phone"}).reached) == 12


@pytest.mark.parametrize("name", BESIDE_NOTHING)
def test_another_sheet_beside_the_list_is_not_asked_about(name: str) -> None:
    assert len(read_list(beside(name)).reached) == 12


@pytest.mark.parametrize("other", [[["Name", "Cell"]], [[]]])
def test_a_sheet_without_people_is_not_asked_about(other: list[list[str]]) -> None:
    assert read_list(beside("DNC", other)).asked == {}


PLAIN = {
    "a header": coloured({}),
    "everybody": coloured(dict.fromkeys(range(2, 14), YELLOW)),
    "stripes": coloured(dict.fromkeys(range(2, 14, 2), GREY)),
    "stripes of two colours": coloured({at: (YELLOW, GREY)[at % 2] for at in range(2, 14)}),
    "stripes of two rows": coloured({at: GREY for at in range(2, 14) if at % 4 < 2}),
    "every third row": coloured(dict.fromkeys(range(3, 14, 3), GREY)),
    "cities": coloured({4: YELLOW, 9: YELLOW}, "C"),
    "white": coloured({4: PatternFill("solid", fgColor="FFFFFFFF")}),
    "black letters": coloured({4: Font(color="FF000000"), 5: Font(color="FF333333")}),
}


@pytest.mark.parametrize("content", PLAIN.values(), ids=PLAIN)
def test_stripes_and_columns_of_one_colour_bother_nobody(content: bytes) -> None:
    read = read_list(content)
    assert (read.asked, len(read.reached)) == ({}, 12)


@pytest.mark.parametrize("name", ["Category", "Class", "Tier", "Group", "Zettel"])
@pytest.mark.parametrize("word", ["Hospice", "hospice care", "In hospice"])
def test_hospice_is_asked_about_in_every_column(name: str, word: str) -> None:
    read = read_list(six((name, f"Established|{word}|Established|{word}|New|Established")))
    assert read.asked or reached(read) == OTHERS
