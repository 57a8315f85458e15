"""How people name the columns of patient lists: synonyms for every field, and how likely a name means the number to reach."""

from __future__ import annotations

import re
from functools import cache

from campaigns.spreadsheets.trimming import folded

# A name is compared without accents, case, punctuation and the words of _NOISE.
_NAMES = """
name: name, full name, complete name, nombre completo, nom complet, nombre
first_name: first name, given name, forename, f name, first, vor name, prenom, primer nombre
last_name: last name, sur name, family name, l name, last, nach name, nom, apellido, apellidos
time_zone: time zone, tz, iana time zone, zona horaria, fuseau horaire, zeit zone
postal_code: zip, zip code, zip 5, postal code, post code, postal, zip postal code, zip postal
postal_code: plz, postleitzahl, codigo postal, code postal, home zip, home zip code, home postal code
state: state, state province, province, state code, province code, st, estado, provincia
reference: reference, ref, id, external id, reference id, reference number, external reference, record id, record number
reference: mrn, medical record number, medical record, chart number, chart, account number, account, acct, referenz, referencia
language: language, lang, spoken language, language code, idioma, lengua, langue, sprache
consent: consent, consented, has consent, consent given, consent status, opt in, opted in, opt in status
consent: voice consent, call consent, voicemail consent, phone consent, tcpa consent, consentimiento
consent: ok to call, okay to call, ok to contact, ok to leave message, ok to leave voicemail
consent_date: consent date, date of consent, consented on, consented at, consent given on, consent time, consent timestamp
consent_date: opt in date, date opted in, opted in at, opted in on, tcpa consent date
consent_source: consent source, source of consent, consent basis, consent method, consent form, opt in source
"""
_WORDS = {
    # no more than "of the patient"
    "noise": """patient patients pt pat client member customer person recipient subject primary main your preferred default
        current address mailing residence residential s del paciente""",
    "mobile": "mobile cell cellular mobil movil celular handy handynummer msisdn sms smartphone portable gsm",
    "phone": "phone phones tel telephone telefon telefono telefone fon rufnummer telefonnummer telno",
    "home": "home landline casa privat house",
    "work": "work office business trabajo",
    # of somebody else, or about the number: not the patient's number
    "not to reach": """fax emergency guarantor provider doctor dr physician pcp clinic pharmacy practice facility hospital insurance
        payer employer caregiver guardian spouse kin sender from caller callback type kind ext extension consent consented opt optin
        verified valid status label country carrier date time count id note notes comment comments language area code name plan""",
}
_NOISE, _MOBILE, _PHONE, _AT_HOME, _AT_WORK, _NOT_TO_REACH = (frozenset(words.split()) for words in _WORDS.values())
_BARE = frozenset(
    {
        "number",
        "numbers",
        "numero",
        "numeros",
        "nummer",
        "no",
        "num",
        "contact",
        "contact number",
        "contact no",
        "e 164",
    }
    | {"dial", "call", "to", "destination", "number to call"}
)
_JOINED = re.compile(
    r"(phone|mobile|number|name|code|zone|date|^(?:cell(?=phone|num|no)|zip(?=code)|time(?=zone)|(?:home|work)(?=phone)|opt(?=in$|out$)))"
)
# Characters of a name that are looked at; a longer one is prose.
MAX_NAME_LENGTH = 200
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WHOLE = frozenset(
    {"telephone", "smartphone", "handynummer", "telefonnummer", "rufnummer", "number", "numbers", "phones"}
)


def field_of(name: str) -> str | None:
    """The field that a column's name means, if it is not the phone."""
    said = _words(name)
    meant = tuple(word for word in said if word not in _NOISE)
    return _fields().get(said) or _fields().get(meant)


def phone_rank(name: str) -> int | None:
    """How well a name says that the column holds the number to reach: 0 is best; None: it does not say so."""
    words = _words(name)
    said = set(words)
    if said & _NOT_TO_REACH:
        return None
    if said & _MOBILE:
        return 0
    if said & _PHONE:
        return 2 if said & _AT_HOME else 3 if said & _AT_WORK else 1
    meant = " ".join(word for word in words if word not in _NOISE)
    return 4 if meant in _BARE else None


def _words(name: str) -> tuple[str, ...]:
    """patientPhone, PATIENT_PHONE and Patientphone are two words each."""
    words = folded(_CAMEL.sub(" ", name[:MAX_NAME_LENGTH])).split()
    return tuple(part for word in words for part in ([word] if word in _WHOLE else _JOINED.sub(r" \1 ", word).split()))


@cache
def _fields() -> dict[tuple[str, ...], str]:
    lines = (line.partition(": ") for line in _NAMES.strip().splitlines())
    return {tuple(name.split()): field for field, _, names in lines for name in names.split(", ")}
