"""The client's address is the one that the deployment's own proxies saw, never one that the client made up."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from rvm.platform.client_address import client_address, seen_address


@pytest.mark.parametrize(
    ("proxies", "forwarded", "remote", "address"),
    [
        (0, "203.0.113.7", "198.51.100.2", "198.51.100.2"),
        (1, "203.0.113.7", "10.0.0.1", "203.0.113.7"),
        (1, "6.6.6.6, 203.0.113.7", "10.0.0.1", "203.0.113.7"),
        (2, "6.6.6.6, 203.0.113.7, 10.0.0.2", "10.0.0.1", "203.0.113.7"),
        (2, "203.0.113.7", "10.0.0.1", "10.0.0.1"),
        (1, "", "198.51.100.2", "198.51.100.2"),
        (1, "2001:db8:1:2:3:4:5:6", "10.0.0.1", "2001:db8:1:2::/64"),
        (1, "::ffff:203.0.113.7", "10.0.0.1", "203.0.113.7"),
        (1, "not an address", "10.0.0.1", "unknown"),
        (0, "", "", "unknown"),
    ],
)
def test_the_address_that_the_outermost_own_proxy_saw(
    settings: Any, proxies: int, forwarded: str, remote: str, address: str
) -> None:
    settings.RVM_PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert client_address(RequestFactory().get("/", headers=headers, REMOTE_ADDR=remote)) == address


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("not an address", "None"),
    ],
)
def test_the_whole_address_is_known_beside_the_network_that_limits_count(
    settings: Any, forwarded: str, address: str
) -> None:
    settings.RVM_PROXIES = 1
    request = RequestFactory().get("/", headers={"X-Forwarded-For": f"6.6.6.6, {forwarded}"}, REMOTE_ADDR="10.0.0.1")
    assert str(seen_address(request)) == address
