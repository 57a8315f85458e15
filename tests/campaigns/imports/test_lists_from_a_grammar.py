"""Of lists that are composed at random: nobody is reached who said no in any column, and nobody whose number is another's.

A list of which something is asked reaches nobody; whoever answers the question says what the column means.
"""

from __future__ import annotations

import os

import pytest

from rvm.spreadsheets.refusals import SheetInvalid
from tests.campaigns.imports.grammar import made_list
from tests.campaigns.imports.offline import read_list

# One run takes some five seconds a thousand; RVM_GRAMMAR_LISTS=100000 tries more of them, from RVM_GRAMMAR_SEED on.
COUNT = int(os.environ.get("RVM_GRAMMAR_LISTS", "1600"))
SEED = int(os.environ.get("RVM_GRAMMAR_SEED", "0"))
PARTS = 8


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_nobody_is_reached_who_said_no_in_any_column(part: int) -> None:
    read, asked = 0, 0
    for seed in range(SEED + part, SEED + COUNT, PARTS):
        made = made_list(seed)
        try:
            found = read_list(made.content)
        except SheetInvalid:
            continue
        asked += bool(found.asked)
        read += bool(found.reached)
        said_no = made.nos.intersection(found.reached)
        assert not said_no, f"list {seed} reaches {sorted(said_no)}: {made.content!r} read as {found.columns}"
        strangers = set(found.reached) - made.own
        assert not strangers, f"list {seed} reaches {sorted(strangers)}: {made.content!r} read as {found.columns}"
    # What is refused or asked about cannot fail, so most lists must be read.
    assert read > COUNT / PARTS / 2 > asked > 0
