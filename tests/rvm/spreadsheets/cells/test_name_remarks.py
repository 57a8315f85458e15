"""Remarks beside names, as front desks write them into the only column that everybody sees, and names that only look so."""

from __future__ import annotations

import pytest

from rvm.spreadsheets.cells.name_remarks import remarks_no
from rvm.spreadsheets.cells.objections import objects
from tests.campaigns.imports.grammar import several

REMARKS = several(
    """
    Smith, John (Estate)|SMITH JOHN - DECEASED|Maria Lopez (expired 3/2)|Doe, Jane *DNC*|Jane Doe (do not call)|Jane Doe (d. 2024)
    Ana Paz (fallecido)|Estate of Ana Paz|Paz, Ana (Estate of)|PAZ ANA ESTATE|Ana Paz, Estate|PAZ ANA EXPIRED|Ana Paz [Inactive]
    ZZPaz, Ana
    zz Paz, Ana|XXX Paz Ana|Ana Paz (1940-2024)|Ana Paz (d 2024)|Ana Paz (b. 1940 d. 2024)|Ana Paz (late)|The late Ana Paz
    Ana Paz - No
    Ana Paz (NO)|Ana Paz (N)|Ana Paz (D)|Ana Paz (moved)|Ana Paz (hospice)|Ana Paz - hospice|INACTIVE Ana Paz|Ana Paz **INACTIVE**
    Ana Paz (cancelled)|Ana Paz (CX)|Ana Paz / DNC|Ana Paz (RIP)|Ana Paz - RIP|Ana Paz (wrong #)|Ana Paz (no vm)|Ana Paz (refused)
    Ana Paz (declined 3/2)|Ana Paz (opted out)|Ana Paz; text only|Ana Paz: do not use|Ana Paz (DO NOT USE)|Ana Paz (dup - do not use)
    Ana Paz <deceased>|Ana Paz †|Ana Paz (passed 2/2)|Ana Paz (passed away)|Ana Paz (no show)|Ana Paz (transferred)|Ana Paz (Q.E.P.D.)
    Ana Paz (murió)|Ana Paz (baja)|Ana Paz - no llamar|Ana Paz (se mudó)|Ana Paz (STOP)|Ana Paz (incarcerated)|Ana Paz (not a patient)
    DECEASED - Ana Paz|DECEASED: Ana Paz|Dead - Ana Paz|Ana Paz - bad number|Ana Paz (hold)|Ana Paz (discharged from practice)
    Ana Paz (inactiva)|Ana Paz !DNC|Ana Paz #DNC|Ana Paz (exp 3/2)|Ana Paz (dec'd)|Ana Paz (attorney involved)|Ana Paz_DNC_
    ~~Ana Paz~~|A̶n̶a̶ Paz|❌ Ana Paz|Ana Paz 🚫|📵 Ana Paz
    """
)
NAMES = several(
    """
    Bob (Bob) Lee|Lee, Robert (Bob)|Lee, Robert Jr.|Lee, Ann (Mrs.)|Smith-Jones, Ana|O'Brien - Smith, Ana|No, Kim|Kim No
    No, Kim (Kimmy)
    Lee, Ana (née Kim)|Smith, John / Jane|Ana Paz (Spanish)|Ana Paz (VIP)|Ana Paz (minor)|Paz, Ana c/o Mary|Ana Paz (twin A)
    Ana Paz (wife deceased)|Dead River, Ana|Rip Torn|Torn, Rip|Late, John|Dr. No|Estaterra, Ana|Ana Paz (new)|Ana Paz *|*Ana Paz
    Ana Paz (Anita)|Núñez, José|D'Angelo, Ana|Ana M. Paz|Ana Paz (DOB 1/2/1950)|Ana Paz (#2)|Paz, Ana (she/her)|Paz, Ana - PT
    Paz, Ana (1950)|Ana Paz, MD|Ana-María Paz|Stop, Ana|Ana Moved|Zzyzx|Ana Paz (wheelchair)|Ana Paz (12345)|Ana Paz (dtr Mary)
    Real Estates
    """
)


@pytest.mark.parametrize("name", REMARKS)
def test_a_remark_beside_a_name_says_no(name: str) -> None:
    assert remarks_no(name) or objects(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_and_a_harmless_remark_say_nothing(name: str) -> None:
    assert not remarks_no(name) and not objects(name)
