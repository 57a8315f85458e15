"""Networks are written in one way, and a network is within others only as a whole."""

from __future__ import annotations

import pytest

from rvm.platform.api.networks import within, written


def test_networks_are_written_in_one_way_and_once() -> None:
    given = [" 203.0.113.7 ", "203.0.113.7/32", "2001:DB8:0:0::/32", "203.0.113.0/24"]
    assert written(given) == ["203.0.113.7/32", "2001:db8::/32", "203.0.113.0/24"]


@pytest.mark.parametrize(
    ("inner", "outer", "is_within"),
    [
        ([], [], True),
        (["203.0.113.0/24"], [], True),
        ([], ["203.0.113.0/24"], False),
        (["203.0.113.0/25"], ["203.0.113.0/24"], True),
        (["203.0.113.0/24"], ["203.0.113.0/24"], True),
        (["203.0.112.0/23"], ["203.0.113.0/24"], False),
        (["203.0.113.7/32", "2001:db8::/48"], ["203.0.113.0/24", "2001:db8::/32"], True),
        (["203.0.113.7/32", "2001:db8::/48"], ["203.0.113.0/24"], False),
        (["203.0.113.7/32"], ["::/0"], False),
        (["2001:db8::/48"], ["0.0.0.0/0"], False),
    ],
)
def test_a_network_is_within_others_as_a_whole_only(inner: list[str], outer: list[str], is_within: bool) -> None:
    assert within(inner, outer) is is_within
