"""Reader of a column with the country in which a number is dialled: a name, an ISO code or a calling code."""

from __future__ import annotations

import re
from functools import cache

import phonenumbers

from rvm.spreadsheets.refusals import CellInvalid
from rvm.spreadsheets.trimming import folded, in_ascii, trimmed

HERE = "US"
_NAMES = """
US: usa, united states, united states of america, america, u s, u s a, estados unidos, estados unidos de america, eeuu, ee uu, eua
CA: can, canada, canadian
MX: mex, mexico
PR: pri, puerto rico
GB: gbr, uk, united kingdom, great britain, england, scotland, wales, northern ireland, reino unido, inglaterra
GT: gtm, guatemala
SV: slv, el salvador
HN: hnd, honduras
NI: nic, nicaragua
CR: cri, costa rica
PA: pan, panama
CU: cub, cuba
DO: dom, dominican republic, republica dominicana
HT: hti, haiti
JM: jam, jamaica
CO: col, colombia
VE: ven, venezuela
EC: ecu, ecuador
PE: per, peru
BR: bra, brazil, brasil
AR: arg, argentina
CL: chl, chile
ES: esp, spain, espana
FR: fra, france, francia
DE: deu, germany, deutschland, alemania
IT: ita, italy, italia
IN: ind, india
CN: chn, china
PH: phl, philippines, filipinas
VN: vnm, vietnam
KR: kor, south korea, korea
JP: jpn, japan
AU: aus, australia
NZ: nzl, new zealand
"""
_CALLING_CODE = re.compile(r"(?:\+|00|011)?([1-9][0-9]{0,2})(?:\.0+)?")


def country(text: str) -> str:
    """The two-letter ISO 3166 code of a country; HERE for an empty cell. Raises CellInvalid for an unknown country."""
    said = in_ascii(trimmed(text))
    if not said:
        return HERE
    if calling := _CALLING_CODE.fullmatch(said.replace(" ", "").replace("-", "")):
        region = phonenumbers.region_code_for_country_code(int(calling[1]))
        if region not in ("ZZ", "001"):
            return str(region)
    code = said.upper()
    if code in phonenumbers.SUPPORTED_REGIONS:
        return code
    if (named := _regions().get(folded(said))) is None:
        raise CellInvalid(
            "country_unknown",
            "This country is not known; write its two letters, such as US, or its calling code, such as 1.",
        )
    return named


@cache
def _regions() -> dict[str, str]:
    lines = (line.partition(": ") for line in _NAMES.strip().splitlines())
    return {name: region for region, _, names in lines for name in names.split(", ")}
