"""Lists as people make them, composed from parts: titles, headers, qualifiers, spellings of yes and no, blanks and damage.

For each it is known who said no, and which numbers are nobody's to reach.

The words are chosen without a look at what the reader knows: what it does not know it has to ask about.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random


def several(text: str) -> list[str]:
    """What stands between the strokes and the line ends."""
    return [each for line in text.split("\n") for each in line.strip().split("|") if each]


YES = several(
    """
    Y|Yes|yes|YES|y|X|x|1|True|true|Sí|si|✓|OK|2026-01-05|1/5/2026|Jan 5, 2026
    """
)
NO = ["N", "No", "no", "NO", "n", "0", "False", "false", "✗", "no ", "No."]
MAYBE = several(
    """
    maybe|ask first|?|No - spouse says stop|only mornings|see note|n/a|pending|Y/N|call daughter|no longer wants it|-
    """
)
# In a column that has no name “ask first” answers nothing, and nor does a blank where all are; a no is one.
NO_MORE = [each for each in MAYBE if each.casefold().startswith("no ")]
OBJECTIONS = several(
    """
    DO NOT CALL|do not call|Don't call|Please do not leave messages|DNC|*DNC*|opted out 3/4|Opted Out
    asked us to stop calling|STOP|No calls please|no voicemail|NO VM|refuses calls|declined all calls|never call this pt
    Deceased|DECEASED 2/1/26|pt passed away|wrong number|No llamar|no quiere llamadas|no dejar mensaje|fallecido
    revoked consent|does not want to be contacted|remove from call list|unsubscribed|do-not-contact|Doesn't want voicemails
    no more calls
    """
)
HARMLESS_NOTES = [
    "likes mornings",
    "new glasses",
    "bring forms",
    "wheelchair",
    "interpreter es",
    "left voicemail 3/1",
    "2nd visit",
    "prefers Dr. Oak",
    "",
]

ACTS = several(
    """
    call|contact|leave message|leave a message|leave voicemail|leave VM|leave msg|phone|leave detailed message|be called
    """
)
NOUNS = several(
    """
    calls|voicemail|voicemails|VM|messages|phone calls|reminder calls|automated calls|contact|voice calls
    """
)
MAY = several(
    """
    OK to|Ok to|Okay to|Permission to|Consent to|May we|Can we|Authorized to|Allowed to|Agrees to|Consents to
    """
)
ALLOWED = several(
    """
    OK|ok|allowed|permission|consent|authorized|permitted|Opt-In|opt in|approved|Consent Given|accepted
    """
)
NEVER = several(
    """
    Do not|Do Not|DO NOT|Don't|Dont|Never|Please do not|Pls do not|Should not
    """
)
REFUSES = several(
    """
    No|Refuses|Refused|Declines|Declined|Stop|Opt out of|Opted out of|Unsubscribed from|Rejects|Objects to|Without|Block
    """
)
HINTS = ["", "", "", "?", " (Y/N)", " Y/N", " flag", " (Yes/No)", " Ind", ": Y/N", " (S/N)"]
WHOLE_CONSENT = several(
    """
    Consent|Consented|Has Consent|Opt-In|Opted In|TCPA Consent|Consent Status|Consent on File|Consentimiento|Acepta llamadas
    Autoriza llamadas|Puede llamar|Permite mensajes|Permiso para llamar|Se puede dejar mensaje|Permission|Contact OK
    """
)
WHOLE_OUT = several(
    """
    Do Not Contact|Opt-out|Opted Out|OptOut|DNC|DNC Flag|Unsubscribed|Opt Out Date|No Contact|No llamar|No contactar
    No dejar mensaje|No quiere llamadas|Rechaza llamadas|Suppressed|Blocked|Exclude|Consent Revoked|Withdrew consent
    No molestar|Dado de baja|Do not disturb|Not OK to call|No consent|Call Opt Out|Voice opt-out|Sin consentimiento
    DoNotCall|DONOTCALL|NoVM|doNotLeaveVM
    """
)
DEAD = several(
    """
    Deceased|Deceased?|Is Deceased|Dead|Died|Date of Death|DOD|Fallecido|Deceased Date|Patient Deceased
    """
)
TRICKY = several(
    """
    Not opted out|Opt in/out|Contact preference|Preferred contact method|Call restrictions|Comm. Pref|Consent to treat
    HIPAA consent|Email opt-out|OK to text|Alive|Call result|Hold|Privacy|Zrx|Flag 7|Ind2|Code B|LV|RPC|Q4|Bandera|Marca|Ok?
    Y/N|Status|Pt status|Response|Outcome|Restriction|Special handling|Alert|Do we call|Callback|Spouse OK
    OK for spouse to call|Marketing|Autodialer|Quiet|Excl|Rvw|Contact status|DNX|Opt|Preference|List|Group 2|VIP?|Skip
    Skip call|Call?|Reach?|Voicemail|Message|Reminder|Text?
    """
)

OWN_NAMES = several(
    """
    Phone|Cell|Mobile|Home Phone|Cell Phone|Mobile Phone|Patient Phone|Pt Cell|Phone Number|Telephone|Primary Phone|Tel
    Hm Phone|Cell #|Phone (Home)|Home Ph|HOME_PHONE|CellPhone|patientPhone|Phone No.|Teléfono|Celular|Tel. casa
    Número de celular|Phone 1|Patient Mobile #
    """
)
OTHER_NAMES = several(
    """
    Emergency Phone|EMER_PHONE|Emerg Contact Cell|Guarantor Phone|GUAR_PHONE|Responsible Party Phone|Spouse Cell
    Next of Kin Phone|Provider Phone|PCP Phone|Pharmacy Phone|Employer Phone|Teléfono de emergencia|Emergency Contact Phone
    Fax|Clinic Phone|NOK Phone|Insurance Phone|Caregiver Phone|Referring Dr Phone|Sister's cell|POA Phone|Emer. Ph|ICE Phone
    Guar Ph|Rel. Phone|Zork Phone|Xq Tel
    """
)
NAMES = ["Name", "Patient Name", "PAT_NAME", "Full Name", "Nombre", "Pt Name"]
PLAIN: dict[str, Callable[[Random, int], str]] = {
    "MRN": lambda draw, at: str(10_000 + at),
    "Chart #": lambda draw, at: f"C-{at}",
    "City": lambda draw, at: draw.choice(["Mobile", "Austin", "Reno", "Home"]),
    "DOB": lambda draw, at: f"{1 + at % 12}/{1 + at % 28}/19{40 + at % 50}",
    "Provider": lambda draw, at: draw.choice(["Dr. Stop", "Dr. Oak", "Noe Nunez"]),
    "Appt Date": lambda draw, at: f"12/{1 + at % 28}/2026",
    "Appointment Time": lambda draw, at: f"{8 + at % 9}:15",
    "Zip": lambda draw, at: draw.choice(["20001", "60614"]),
    "Account ID": lambda draw, at: f"2025550{at:03}",
    "Gender": lambda draw, at: draw.choice("MFX"),
    "Insured": lambda draw, at: draw.choice("YN"),
}
CLINIC = ["Lakeside Clinic", "(202) 555-0199"]
TITLES = [
    ["Recall list"], ["Report: Appointment list"], ["Run date: 12/01/2026 08:15"], CLINIC, [""],
    ["Appointments 12/01/2026 - 12/07/2026"], ["Printed by: jsmith"], ["", "Page 1"], ["CONFIDENTIAL"], ["Call list for Monday"],
]  # fmt: skip
PEOPLE = several(
    """
    Ana Lopez|Ben Fern|Cora Kapok|Dev Pine|Eva Oak|Fay Elm|Noa Ash|May Day|Art Yew|Si Wong|Bill Call|Opal Stopes
    """
)


@dataclass
class Column:
    name: str
    cells: list[str]
    kind: str


@dataclass
class Made:
    """`content` is the file; `nos` are numbers whose person said no, or may have, `others` are somebody else's, `own` the rest."""

    content: bytes = b""
    nos: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)


def styled(draw: Random, name: str) -> str:
    """A name as another program would write it."""
    style = draw.randrange(8)
    if style == 0:
        return name.upper()
    if style == 1:
        return re.sub(r"\W+", "_", name).strip("_").upper() if name.isascii() else name
    if style == 2:
        words = [word for word in re.split(r"\W+", name.replace("'", "")) if word]
        return (
            "".join([words[0].lower(), *[word[:1].upper() + word[1:] for word in words[1:]]])
            if name.isascii()
            else name
        )
    if style == 3:
        return name.lower()
    return f" {name} " if style == 4 else name


def consent_name(draw: Random) -> str:
    how = draw.randrange(3)
    if how == 0:
        return f"{draw.choice(MAY)} {draw.choice(ACTS)}{draw.choice(HINTS)}"
    if how == 1:
        return f"{draw.choice(NOUNS)} {draw.choice(ALLOWED)}{draw.choice(HINTS)}"
    return draw.choice(WHOLE_CONSENT) + draw.choice(HINTS)


def opt_out_name(draw: Random) -> str:
    how = draw.randrange(3)
    if how == 0:
        return f"{draw.choice(NEVER)} {draw.choice(ACTS)}{draw.choice(HINTS)}"
    if how == 1:
        return f"{draw.choice(REFUSES)} {draw.choice(NOUNS)}{draw.choice(HINTS)}"
    return draw.choice(WHOLE_OUT) + draw.choice(HINTS)


def made_list(seed: int) -> Made:
    """One list; the same for the same seed."""
    draw = Random(seed)
    made = Made()
    headed = draw.random() < 0.85
    count = draw.choice([3, 6, 9, 30])
    numbers = [f"20255501{at:02}" for at in range(count)]
    columns = [Column(draw.choice(OWN_NAMES), [_written(draw, number) for number in numbers], "phone")]
    columns.append(Column(draw.choice(NAMES), [draw.choice(PEOPLE) for _ in numbers], "name"))
    columns += [
        Column(name, [PLAIN[name](draw, at) for at in range(count)], "plain")
        for name in draw.sample(sorted(PLAIN), draw.randrange(4))
    ]
    for at in range(draw.choice([0, 0, 1, 2])):
        others = [f"31255501{at * 40 + each:02}" for each in range(count)]
        made.others |= {f"+1{number}" for number in others}
        columns.append(Column(draw.choice(OTHER_NAMES), [_written(draw, number) for number in others], "other"))
    nos: set[int] = set()
    columns += [draw.choice(_ANSWERING)(draw, count, nos, headed) for _ in range(draw.choice([0, 1, 1, 2, 3]))]
    _object(draw, columns, nos)
    draw.shuffle(columns)
    rows = [[column.cells[at] for column in columns] for at in range(count)]
    _repeat(draw, columns, rows, nos, headed)
    made.nos = {f"+1{numbers[at]}" for at in nos}
    made.own = {f"+1{number}" for number in numbers}
    made.told = [column.name for column in columns]
    made.content = _file(draw, columns, rows, headed=headed)
    return made


def _written(draw: Random, number: str) -> str:
    return draw.choice(
        [number, f"({number[:3]}) {number[3:6]}-{number[6:]}", f"+1 {number[:3]} {number[3:6]} {number[6:]}"]
    )


def _answers(
    draw: Random,
    count: int,
    nos: set[int],
    headed: bool,
    says_no: list[str],
    says_yes: list[str],
    blank_is_no: bool,
) -> list[str]:
    """A cell for each person; who says no by it, or does not say yes where that is asked, is added to `nos`."""
    manner = draw.randrange(4)
    yes, no = draw.choice(says_yes), draw.choice(says_no)
    cells: list[str] = []
    said_no: set[int] = set()
    for at in range(count):
        kind = draw.choice(["yes", "yes", "yes", "no", "blank", "maybe"] if manner else ["mark", "blank"])
        cell = {
            "yes": yes if manner == 1 else draw.choice(says_yes),
            "no": no if manner == 1 else draw.choice(says_no),
        }.get(kind, "")
        if kind == "maybe":
            cell = draw.choice(MAYBE if headed else NO_MORE)
        if kind == "mark":
            cell = yes if blank_is_no else no
        if kind in ("no", "maybe") or (kind == "blank" and blank_is_no) or (kind == "mark" and not blank_is_no):
            said_no.add(at)
        cells.append(cell)
    # Days alone may be of anything where nothing says of what.
    if headed or any(cell in (*says_no, *says_yes) and len(cell) < len("1/1/2026") for cell in filter(None, cells)):
        nos |= said_no
    return cells


def _consent(draw: Random, count: int, nos: set[int], headed: bool) -> Column:
    return Column(consent_name(draw), _answers(draw, count, nos, headed, NO, YES, blank_is_no=True), "consent")


def _opt_out(draw: Random, count: int, nos: set[int], headed: bool) -> Column:
    return Column(opt_out_name(draw), _answers(draw, count, nos, headed, YES, NO, blank_is_no=False), "opt_out")


def _dead(draw: Random, count: int, nos: set[int], headed: bool) -> Column:
    return Column(
        draw.choice(DEAD),
        _answers(draw, count, nos, headed, ["Y", "Yes", "X", "1/2/2026", "2026-02-01"], ["N", "No", ""], False),
        "dead",
    )


def _tricky(draw: Random, count: int, nos: set[int], headed: bool) -> Column:
    """Nobody knows what a yes means in it; a no says no."""
    cells = [
        draw.choice(draw.choice([["Y", "N"], ["X", ""], ["Yes", "No", ""], ["", "", "", "N"]])) for _ in range(count)
    ]
    nos |= {at for at, cell in enumerate(cells) if cell in ("N", "No")}
    return Column(draw.choice(TRICKY), cells, "tricky")


def _notes(draw: Random, count: int, nos: set[int], headed: bool) -> Column:
    cells = [draw.choice(HARMLESS_NOTES) for _ in range(count)]
    for at in range(count):
        if draw.random() < 0.15:
            cells[at] = draw.choice(OBJECTIONS)
            nos.add(at)
    return Column(
        draw.choice(["Notes", "Comments", "Note", "Remarks", "Observaciones", "Zettel", "Memo"]), cells, "notes"
    )


_ANSWERING = [_consent, _consent, _opt_out, _opt_out, _dead, _tricky, _notes]


def _object(draw: Random, columns: list[Column], nos: set[int]) -> None:
    """Somebody's no stands behind a name, or behind a number."""
    for column in columns:
        if column.kind in ("name", "phone") and draw.random() < 0.1:
            at = draw.randrange(len(column.cells))
            column.cells[at] += " " + draw.choice(
                ["(DO NOT CALL)", "*DNC*", "- do not call", "(deceased)", "opted out"]
            )
            nos.add(at)


def _repeat(draw: Random, columns: list[Column], rows: list[list[str]], nos: set[int], headed: bool) -> None:
    """Rows of the same number, one of which says something else, or whose number has a note."""
    for at in range(len(rows)):
        if draw.random() < 0.1:
            row = list(rows[at])
            for place, column in enumerate(columns):
                if column.kind == "phone":
                    row[place] = draw.choice([row[place], f"{row[place]} (cell)", f"{row[place]} or 3125550199"])
                if column.kind == "consent" and draw.random() < 0.5:
                    row[place] = draw.choice(NO + (MAYBE if headed else NO_MORE))
                    nos.add(at)
                if column.kind == "opt_out" and draw.random() < 0.5:
                    row[place] = draw.choice(YES)
                    nos.add(at)
            rows.insert(draw.randrange(len(rows) + 1), row)
            return


def _file(draw: Random, columns: list[Column], rows: list[list[str]], *, headed: bool) -> bytes:
    delimiter = draw.choice(",,,;\t")
    # Without a header nobody could tell the clinic's phone from a person's.
    titles = TITLES if headed else [title for title in TITLES if title != CLINIC]
    head = [draw.choice(titles) for _ in range(draw.choice([0, 0, 0, 1, 2, 3]))]
    if headed and draw.random() < 0.1:
        head.append(
            [
                draw.choice(["Patient", "Patient information"]),
                *[""] * (len(columns) - 2),
                draw.choice(["Contact", "Contact info"]),
            ]
        )
    if headed:
        head.append([styled(draw, column.name) for column in columns])
    width = len(columns) if draw.random() < 0.5 else 0
    text = io.StringIO(newline="")
    quoting = draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=draw.choice(["\r\n", "\n"]))
    writer.writerows([cells + [""] * max(width - len(cells), 0) for cells in head] + rows)
    # What is cut off must be an answer: of a note that is lost nobody can know.
    cuttable = [
        at
        for at in range(1, len(columns))
        if not {each.kind for each in columns[at:]} & {"notes", "name", "phone", "tricky"}
    ]
    text_of = _damaged(draw, text.getvalue(), len(head), delimiter, cuttable)
    return text_of.encode(draw.choice(["utf-8", "utf-8-sig", "utf-16"]))


def _damaged(draw: Random, text: str, head: int, delimiter: str, cuttable: list[int]) -> str:
    """Now and then a mark too many, a row too short or a delimiter too many."""
    lines = text.splitlines(keepends=True)
    if draw.random() < 0.7 or len(lines) <= head + 1:
        return text
    at = draw.randrange(head, len(lines))
    line, end = lines[at].rstrip("\r\n"), lines[at][len(lines[at].rstrip("\r\n")) :]
    how = draw.randrange(4)
    pieces = line.split(delimiter)
    place = draw.randrange(len(pieces))
    if how == 0:
        pieces[place] = '"' + pieces[place]
    elif how == 1 and cuttable:
        pieces = pieces[: draw.choice(cuttable)]
    elif how == 2:
        pieces.insert(place, draw.choice(["", "yes", "Jr."]))
    else:
        pieces[place] += '"'
    lines[at] = delimiter.join(pieces) + end
    return "".join(lines)
