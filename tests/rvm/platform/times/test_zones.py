"""People see times in their own zone, else in that of their workspaces, else in the platform's."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.test import override_settings

from rvm.platform.models import User, Workspace
from rvm.platform.times.zones import check_zone, choices, common_zone, names, person_zone, workspace_zone, zone_name


@pytest.mark.parametrize(
    ("own", "of_workspaces", "zone"),
    [
        ("Pacific/Honolulu", ["America/Chicago"], "Pacific/Honolulu"),
        ("", ["America/Chicago"], "America/Chicago"),
        ("", ["America/Chicago", "America/Chicago"], "America/Chicago"),
        ("", ["America/Chicago", ""], "America/Denver"),
        ("", ["America/Denver", ""], "America/Denver"),
        ("", ["America/Chicago", "America/Phoenix"], "America/Denver"),
        ("", [], "America/Denver"),
    ],
)
def test_a_persons_own_zone_comes_first(own: str, of_workspaces: list[str], zone: str) -> None:
    with override_settings(RVM_TIME_ZONE="America/Denver"):
        assert person_zone(User(time_zone=own), of_workspaces).key == zone


def test_a_workspace_has_its_own_zone_or_the_platforms() -> None:
    with override_settings(RVM_TIME_ZONE="America/Denver"):
        assert workspace_zone(Workspace(time_zone="America/Phoenix")).key == "America/Phoenix"
        assert workspace_zone(Workspace()).key == common_zone([]).key == "America/Denver"


def test_the_zones_of_the_united_states_are_offered_first() -> None:
    offered = [zone for _, group in choices() for zone, _ in group]
    assert offered[0] == "America/New_York" and "UTC" in offered and "Europe/Berlin" in offered
    assert len(offered) == len(set(offered)) and set(offered) <= names()
    assert zone_name("America/New_York") == "Eastern (New York)" and zone_name("America/St_Johns") == "America/St Johns"


def test_a_name_that_is_no_zone_is_refused() -> None:
    check_zone("America/Chicago")
    for name in ("Central", "America/Nowhere", "EST5EDT/../x"):
        with pytest.raises(ValidationError, match="is no time zone; write one as in America/Chicago or UTC"):
            check_zone(name)
