"""Words and keys by which people opt out. Pure.

47 CFR 64.1200(a)(10), in force since 11 April 2025, names words that are a revocation by themselves. In doubt a message that has one
is an opt-out, whatever else it says: a person who is left alone by mistake can come back, one who is called against their will cannot
be uncalled. Nothing is ever understood as a consent.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise

from rvm.spreadsheets.cells.objections import objects
from rvm.spreadsheets.trimming import without_accents

# Of the rule, in its order.
PER_SE = ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")
# What gateways and people write besides, in English and Spanish.
_FURTHER = """
stopall stopped stops stopping stopcalling ended quitting revoked revoking optout optedout cancelled cancelling cancelation
unsubscribed unsub unsubscribing remove alto pare paren parar basta baja cancelar cancele cancelen salir revocar revoco terminar
termine detener detengan detenga
"""
_APART = frozenset({"opt out", "opted out", "opting out", "no mas", "no more", "no gracias", "no thanks"})


def _squeezed(word: str) -> str:
    """The word with each run of a letter as one letter: “STOPPP” is “stop”."""
    return re.sub(r"(.)\1+", r"\1", word)


_WORDS = frozenset(_squeezed(word) for word in (*(each for each in PER_SE if " " not in each), *_FURTHER.split()))


def opts_out(text: str) -> bool:
    """Whether the message is an opt-out, in any case and punctuation and among any other words. It raises no errors."""
    plain = re.sub(r"[’'_\u200b\u200c\u200d\ufeff]", "", without_accents(text).casefold())
    words = re.findall(r"\w+", plain)
    # S.T.O.P and S T O P
    spelled = "".join(words) if words and all(len(word) == 1 for word in words) else ""
    if any(_squeezed(word) in _WORDS for word in (*words, spelled)):
        return True
    pairs = {f"{first} {second}" for first, second in pairwise(words)}
    return not _APART.isdisjoint(pairs) or objects(text)


def presses_out(pressed: str, keys: Collection[str]) -> bool:
    """Whether the keys that were pressed are among those that mean an opt-out; a # or * after them does not count."""
    said = pressed.strip()
    return said in keys or said.rstrip("#*") in keys
