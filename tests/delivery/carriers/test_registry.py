"""Carriers are found by the name that a setup stores."""

from __future__ import annotations

import pytest

from delivery.carriers import CARRIERS, UnknownCarrierError, carrier_class
from delivery.carriers.sandbox import Sandbox


def test_the_sandbox_is_found_by_its_name():
    assert carrier_class("sandbox") is Sandbox


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(UnknownCarrierError, match=r"no carrier 'pigeon'; there are: .*sandbox"):
        carrier_class("pigeon")


@pytest.mark.parametrize("name", CARRIERS)
def test_a_carrier_is_registered_under_its_own_name_and_asks_for_credentials_by_label(name: str):
    carrier = CARRIERS[name]
    assert carrier.name == name
    assert carrier.label
    assert all(field.name.isidentifier() and field.label for field in carrier.credential_fields)
