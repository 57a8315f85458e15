"""Which machines may be reached: every kind of special address is refused, and what contains one."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.platform.outbound.machines import is_loopback, is_public

PRIVATE = ["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "fc00::1", "fec0::1"]
LINK_LOCAL = ["169.254.0.1", "169.254.169.254", "fe80::1", "fe80::1%eth0"]
LOOPBACK = ["127.0.0.1", "127.1.2.3", "::1"]
MULTICAST = ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"]
RESERVED = ["0.0.0.0", "0.1.2.3", "240.0.0.1", "255.255.255.255", "::", "100::1", "4000::1", "5f00::1"]  # noqa: S104
CARRIER_GRADE = ["100.64.0.1", "100.127.255.255", "100.100.100.200"]
METADATA = ["169.254.169.254", "fd00:ec2::254", "168.63.129.16", "192.0.0.192", "100.100.100.200"]
MAPPED = [
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "::ffff:0:10.0.0.1",
]
SIX_TO_FOUR = ["2002:7f00:1::1", "2002:a00:1::1", "2002:a9fe:a9fe::", "192.88.99.1"]
TRANSLATED = ["64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1"]
TUNNELED = ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:20::1"]
DOCUMENTED = ["192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1", "198.18.0.1", "198.19.255.255"]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.215.14",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "2606:4700::1111",
]


@pytest.mark.parametrize(
    "address",
    [
        *PRIVATE, *LINK_LOCAL, *LOOPBACK, *MULTICAST, *RESERVED, *CARRIER_GRADE, *METADATA, *MAPPED, *SIX_TO_FOUR, *TRANSLATED,
        *TUNNELED, *DOCUMENTED,
    ],
)  # fmt: skip
def test_a_machine_that_is_not_on_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_machine_on_the_public_internet_is_reached(address: str) -> None:
    assert is_public(address)
    assert not is_loopback(address)


@pytest.mark.parametrize("address", LOOPBACK)
def test_the_loopback_is_the_loopback(address: str) -> None:
    assert is_loopback(address)


@given(st.ip_addresses())
def test_nothing_is_reached_that_the_standard_library_does_not_take_for_global_too(address: object) -> None:
    assert ip_address(str(address)).is_global or not is_public(str(address))
