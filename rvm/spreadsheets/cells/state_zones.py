"""Tables for `places`: time zones of states and provinces, states of ZIP prefixes, everyday names of zones.

Zones of the United States whose clocks have been equal since 2020 share one name: America/New_York also stands for Michigan's
America/Detroit. A test compares the zones of each state with those of its area codes. Sources: 49 CFR part 71 and its exceptions in
the tz database for the borders of zones; the prefix list L002 of the United States Postal Service for ZIP codes.
"""

from __future__ import annotations

_EASTERN, _CENTRAL, _MOUNTAIN, _PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
_ARIZONA, _ALASKA, _ALEUTIAN, _HAWAII = "America/Phoenix", "America/Anchorage", "America/Adak", "Pacific/Honolulu"
_CARIBBEAN, _ATLANTIC, _NEWFOUNDLAND = "America/Puerto_Rico", "America/Halifax", "America/St_Johns"
_GUAM, _SAMOA = "Pacific/Guam", "Pacific/Pago_Pago"

# The zone with the most people comes first.
STATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "AL": ("Alabama", (_CENTRAL,)),
    "AK": ("Alaska", (_ALASKA, _ALEUTIAN)),
    "AZ": ("Arizona", (_ARIZONA, _MOUNTAIN)),  # the Navajo Nation has daylight time
    "AR": ("Arkansas", (_CENTRAL,)),
    "CA": ("California", (_PACIFIC,)),
    "CO": ("Colorado", (_MOUNTAIN,)),
    "CT": ("Connecticut", (_EASTERN,)),
    "DE": ("Delaware", (_EASTERN,)),
    "DC": ("District of Columbia", (_EASTERN,)),
    "FL": ("Florida", (_EASTERN, _CENTRAL)),
    "GA": ("Georgia", (_EASTERN,)),
    "HI": ("Hawaii", (_HAWAII,)),
    "ID": ("Idaho", (_MOUNTAIN, _PACIFIC)),
    "IL": ("Illinois", (_CENTRAL,)),
    "IN": ("Indiana", (_EASTERN, _CENTRAL)),
    "IA": ("Iowa", (_CENTRAL,)),
    "KS": ("Kansas", (_CENTRAL, _MOUNTAIN)),
    "KY": ("Kentucky", (_EASTERN, _CENTRAL)),
    "LA": ("Louisiana", (_CENTRAL,)),
    "ME": ("Maine", (_EASTERN,)),
    "MD": ("Maryland", (_EASTERN,)),
    "MA": ("Massachusetts", (_EASTERN,)),
    "MI": ("Michigan", (_EASTERN, _CENTRAL)),
    "MN": ("Minnesota", (_CENTRAL,)),
    "MS": ("Mississippi", (_CENTRAL,)),
    "MO": ("Missouri", (_CENTRAL,)),
    "MT": ("Montana", (_MOUNTAIN,)),
    "NE": ("Nebraska", (_CENTRAL, _MOUNTAIN)),
    "NV": ("Nevada", (_PACIFIC, _MOUNTAIN)),  # West Wendover
    "NH": ("New Hampshire", (_EASTERN,)),
    "NJ": ("New Jersey", (_EASTERN,)),
    "NM": ("New Mexico", (_MOUNTAIN,)),
    "NY": ("New York", (_EASTERN,)),
    "NC": ("North Carolina", (_EASTERN,)),
    "ND": ("North Dakota", (_CENTRAL, _MOUNTAIN)),
    "OH": ("Ohio", (_EASTERN,)),
    "OK": ("Oklahoma", (_CENTRAL,)),
    "OR": ("Oregon", (_PACIFIC, _MOUNTAIN)),
    "PA": ("Pennsylvania", (_EASTERN,)),
    "RI": ("Rhode Island", (_EASTERN,)),
    "SC": ("South Carolina", (_EASTERN,)),
    "SD": ("South Dakota", (_CENTRAL, _MOUNTAIN)),
    "TN": ("Tennessee", (_CENTRAL, _EASTERN)),
    "TX": ("Texas", (_CENTRAL, _MOUNTAIN)),
    "UT": ("Utah", (_MOUNTAIN,)),
    "VT": ("Vermont", (_EASTERN,)),
    "VA": ("Virginia", (_EASTERN,)),
    "WA": ("Washington", (_PACIFIC,)),
    "WV": ("West Virginia", (_EASTERN,)),
    "WI": ("Wisconsin", (_CENTRAL,)),
    "WY": ("Wyoming", (_MOUNTAIN,)),
    "AS": ("American Samoa", (_SAMOA,)),
    "GU": ("Guam", (_GUAM,)),
    "MP": ("Northern Mariana Islands", (_GUAM,)),
    "PR": ("Puerto Rico", (_CARIBBEAN,)),
    "VI": ("Virgin Islands", (_CARIBBEAN,)),
    # states in free association, which have ZIP codes
    "FM": ("Micronesia", ("Pacific/Chuuk", "Pacific/Pohnpei")),
    "MH": ("Marshall Islands", ("Pacific/Majuro",)),
    "PW": ("Palau", ("Pacific/Palau",)),
    "AB": ("Alberta", ("America/Edmonton",)),
    "BC": ("British Columbia", ("America/Vancouver", "America/Edmonton", "America/Dawson_Creek")),
    "MB": ("Manitoba", ("America/Winnipeg",)),
    "NB": ("New Brunswick", ("America/Moncton",)),
    "NL": ("Newfoundland and Labrador", (_NEWFOUNDLAND, "America/Goose_Bay")),
    "NS": ("Nova Scotia", (_ATLANTIC,)),
    "NT": ("Northwest Territories", ("America/Edmonton",)),
    "NU": ("Nunavut", ("America/Iqaluit", "America/Rankin_Inlet", "America/Cambridge_Bay", "America/Atikokan")),
    "ON": ("Ontario", ("America/Toronto", "America/Winnipeg", "America/Atikokan")),
    "PE": ("Prince Edward Island", (_ATLANTIC,)),
    "QC": ("Quebec", ("America/Toronto", _ATLANTIC, _CARIBBEAN)),  # the Magdalen Islands; the eastern Lower North Shore
    "SK": ("Saskatchewan", ("America/Regina", "America/Edmonton")),  # Lloydminster
    "YT": ("Yukon", ("America/Whitehorse",)),
}

# Ranges of the first three digits of ZIP codes. Military mail (090-098, 340, 962-966) has no zone and is left out. 967 also serves
# American Samoa.
ZIP_PREFIXES = """
005:NY 006-007:PR 008:VI 009:PR 010-027:MA 028-029:RI 030-038:NH 039-049:ME 050-054:VT 055:MA 056-059:VT 060-062:CT 063:CT+NY
064-069:CT 070-089:NJ 100-149:NY 150-196:PA 197-199:DE 200:DC 201:VA 202-205:DC 206-212:MD 214-219:MD 220-246:VA 247-268:WV
270-289:NC 290-299:SC 300-319:GA 320-339:FL 341-342:FL 344:FL 346-347:FL 349:FL 350-352:AL 354-369:AL 370-385:TN 386-397:MS
398-399:GA 400-427:KY 430-459:OH 460-479:IN 480-499:MI 500-516:IA 520-528:IA 530-532:WI 534-535:WI 537-549:WI 550-551:MN
553-567:MN 569:DC 570-577:SD 580-588:ND 590-599:MT 600-620:IL 622-629:IL 630-631:MO 633-641:MO 644-658:MO 660-662:KS 664-679:KS
680-681:NE 683-693:NE 700-701:LA 703-708:LA 710-714:LA 716-729:AR 730-731:OK 733:TX 734-741:OK 743-749:OK 750-799:TX 800-816:CO
820-831:WY 832-838:ID 840-847:UT 850-853:AZ 855-857:AZ 859-860:AZ 863-865:AZ 870-871:NM 873-875:NM 877-884:NM 885:TX 889-891:NV
893-895:NV 897-898:NV 900-908:CA 910-928:CA 930-961:CA 967:HI+AS 968:HI 969:GU+MP+FM+MH+PW 970-979:OR 980-986:WA 988-994:WA 995-999:AK
"""

# Provinces by the first letter of a Canadian postal code.
PROVINCES_BY_LETTER: dict[str, tuple[str, ...]] = {
    **dict.fromkeys("GHJ", ("QC",)),
    **dict.fromkeys("KLMNP", ("ON",)),
    "A": ("NL",),
    "B": ("NS",),
    "C": ("PE",),
    "E": ("NB",),
    "R": ("MB",),
    "S": ("SK",),
    "T": ("AB",),
    "V": ("BC",),
    "X": ("NT", "NU"),
    "Y": ("YT",),
}

# Names are folded and lack the words time, standard and daylight. MST is used in Denver and in Phoenix, AST in Halifax and in San
# Juan. Since November 2026 Pacific, Mountain and Central mean other clocks in Canada than in the United States. This table leaves
# them out, because the number, the province or the postal code tells them.
ZONE_NAMES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("eastern", "east", "e", "et", "est", "edt"), (_EASTERN,)),
    **dict.fromkeys(("central", "c", "ct", "cst", "cdt"), (_CENTRAL,)),
    **dict.fromkeys(("mountain", "m", "mt", "mdt"), (_MOUNTAIN,)),
    "mst": (_MOUNTAIN, _ARIZONA),
    **dict.fromkeys(("pacific", "p", "pt", "pst", "pdt"), (_PACIFIC,)),
    "arizona": (_ARIZONA,),
    **dict.fromkeys(("alaska", "alaskan", "akt", "akst", "akdt"), (_ALASKA,)),
    **dict.fromkeys(("hawaii", "hawaiian", "ht", "hst"), (_HAWAII,)),
    **dict.fromkeys(("hawaii aleutian", "aleutian", "hdt", "hadt", "hast"), (_HAWAII, _ALEUTIAN)),
    **dict.fromkeys(("atlantic", "at", "ast"), (_ATLANTIC, _CARIBBEAN)),
    "adt": (_ATLANTIC,),
    **dict.fromkeys(("newfoundland", "nt", "nst", "ndt"), (_NEWFOUNDLAND,)),
    **dict.fromkeys(("chamorro", "chst", "guam"), (_GUAM,)),
    **dict.fromkeys(("samoa", "sst"), (_SAMOA,)),
}
