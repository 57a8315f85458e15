"""Of lists of opt-outs that are composed at random: every own phone of every row is listed, or its row is refused or told of.

A list of which something is asked lists nobody yet; one that looks like a list of patients is asked about, or warned of.
"""

from __future__ import annotations

import os

import pytest

from rvm.spreadsheets.refusals import SheetInvalid
from tests.campaigns.opt_outs.grammar import made_list
from tests.campaigns.opt_outs.offline import list_out

COUNT = int(os.environ.get("RVM_GRAMMAR_LISTS", "1600")) // 2
SEED = int(os.environ.get("RVM_GRAMMAR_SEED", "0"))
PARTS = 4


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_own_phone_is_listed_or_its_row_is_refused(part: int) -> None:
    read, asked = 0, 0
    for seed in range(SEED + part, SEED + COUNT, PARTS):
        made = made_list(seed)
        try:
            listed = list_out(made.content)
        except SheetInvalid:
            continue
        told = f"list {seed}: {made.content[:600]!r} read as {listed.columns}"
        # The only one who may be reached may stand in a row that is refused.
        assert not made.of_patients or listed.asked or listed.permitted or listed.refused, told
        if listed.asked:
            asked += 1
            continue
        read += bool(listed.numbers)
        told_of = {*listed.refused, *listed.noted}
        missing = {row: own - listed.numbers for row, own in made.own.items() if row not in told_of}
        assert not any(missing.values()), f"{ {row: lost for row, lost in missing.items() if lost} } of {told}"
        # An open quotation mark may hide where cells end; then all numbers of a line are listed rather than none.
        assert not listed.numbers & made.others or "quote_open" in listed.refused.values(), told
    # What is refused or asked about cannot fail, so most lists must be read.
    assert read > COUNT / PARTS / 2 > asked > 0
