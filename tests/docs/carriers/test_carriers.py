"""docs/carriers.md says of every carrier what its class can do, and has a place for each of its credentials."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from delivery.carriers import CARRIERS
from delivery.carriers.abilities import AccountCheck, IdempotencyKeys, LookUp, MediaUpload, ResultPoll, rings
from delivery.carriers.base import Carrier
from delivery.setups.services import help_of
from tests.delivery.carriers.examples import EXAMPLES
from tests.docs.pages import DOCS, table

PAGE = DOCS / "carriers.md"
ANCHORS = re.findall(r'<a id="([^"]+)"></a>`([^`]+)`', PAGE.read_text())


def yes(can: bool) -> str:
    return "yes" if can else "no"


def repeats(carrier: type[Carrier]) -> str:
    if not issubclass(carrier, IdempotencyKeys):
        return "no"
    window = carrier.idempotency_window
    if window >= timedelta(hours=1):
        return f"for {window // timedelta(hours=1)} hours"
    return f"for {window // timedelta(seconds=1)} seconds"


def unclear(carrier: type[Carrier]) -> str:
    if issubclass(carrier, LookUp):
        return "looked up"
    return "sent again under their key" if issubclass(carrier, IdempotencyKeys) else "wait for a report"


def proved(carrier: type[Carrier]) -> str:
    """Of a setup with the required credentials alone, and of one with a signing secret, if that is another."""
    least = EXAMPLES[carrier.name]
    optional = [field.name for field in carrier.credential_fields if field.secret and not field.required]
    most = least | dict.fromkeys(optional, "secret")
    without, with_all = carrier(least).signs_results, carrier(most).signs_results
    return yes(without) if without == with_all else "with a signing secret"


ROWS = {row[0].partition("`")[2].partition("`")[0]: row[1:] for row in table(PAGE, "carrier")}


def test_every_carrier_is_in_the_table() -> None:
    assert set(ROWS) == set(CARRIERS)


@pytest.mark.parametrize("name", CARRIERS)
def test_the_table_says_what_the_class_can_do(name: str) -> None:
    carrier = CARRIERS[name]
    assert ROWS[name] == [
        yes(rings(carrier)),
        repeats(carrier),
        unclear(carrier),
        proved(carrier),
        yes(issubclass(carrier, ResultPoll)),
        yes(issubclass(carrier, AccountCheck)),
        "uploaded" if issubclass(carrier, MediaUpload) else "fetched",
    ]


@pytest.mark.parametrize("name", CARRIERS)
def test_each_credential_has_its_place_to_which_its_help_leads(name: str) -> None:
    fields = [field.name for field in CARRIERS[name].credential_fields]
    assert [(f"{name}-{field}", field) for field in fields] == [
        (anchor, shown) for anchor, shown in ANCHORS if anchor.startswith(f"{name}-")
    ]
    for field in CARRIERS[name].credential_fields:
        assert help_of(CARRIERS[name], field).endswith(f"docs/carriers.md#{name}-{field.name}")


def test_a_carrier_of_a_package_has_its_own_help_alone() -> None:
    pigeon: type[Carrier] = type("Pigeon", (CARRIERS["sandbox"],), {"name": "pigeon"})
    assert [help_of(pigeon, field) for field in pigeon.credential_fields] == [
        field.help for field in pigeon.credential_fields
    ]


def test_every_anchor_is_there_once() -> None:
    assert len(ANCHORS) == len({anchor for anchor, _ in ANCHORS})
