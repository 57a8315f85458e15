"""The sample lists of fixtures/, which the documentation walks through: what becomes of every row is what it says there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from campaigns.admin.labels import OUTCOMES
from campaigns.models import RejectedRow
from delivery.models import Voicemail
from rvm.platform.models import Workspace
from rvm.simulators.sandbox.outcomes import NUMBERS
from tests.campaigns.imports.lists import checked, imported, make_campaign, recipients
from tests.campaigns.opt_outs.lists import imported as opt_outs_of
from tests.factories import make_setup, make_use_case
from usecases.models import UseCase

pytestmark = pytest.mark.django_db
FIXTURES = Path(settings.BASE_DIR) / "fixtures"
CLINIC = (FIXTURES / "clinic-list.csv").read_bytes()
OPT_OUTS = (FIXTURES / "opt-outs.csv").read_bytes()

REJECTED = {
    11: "excel_damaged",
    20: "has_extension",
    29: "same_phone",
    38: "phone_missing",
    47: "consent_refused",
    59: "number_kind_not_reachable",
}


def of_sandbox(workspace: Workspace) -> UseCase:
    return make_use_case(setup=make_setup(workspace))


def rejected() -> dict[int, str]:
    return dict(RejectedRow.objects.values_list("row_number", "code"))


def test_the_columns_of_the_clinics_list_are_guessed(workspace: Workspace) -> None:
    found = checked(make_campaign(use_case=of_sandbox(workspace)), CLINIC)
    assert (found.encoding, found.delimiter, found.header_row) == ("utf-8-sig", ",", 1)
    assert found.columns == [
        "name",
        "first_name",
        "phone",
        "postal_code",
        "appointment_day",
        "record_number",
        "consent",
    ]


def test_of_its_60_rows_54_are_accepted_and_six_have_each_a_damage_of_its_own(workspace: Workspace) -> None:
    campaign = make_campaign(use_case=of_sandbox(workspace))
    found = imported(campaign, CLINIC)
    assert found.counts == {
        "accepted": 54,
        "duplicate_in_file": 0,
        "same_phone": 1,
        "duplicate_in_campaign": 0,
        "invalid": 3,
        "suppressed": 0,
        "not_reachable": 2,
    }
    assert rejected() == REJECTED
    zones = Voicemail.objects.get(lane_id=campaign.pk, last4="0140")
    assert (zones.recipient, zones.zones, zones.reference) == ("+12025550140", ["America/New_York", "state:DC"], "")
    assert zones.record_number == "10482" and "record_number" not in zones.merge_fields


def test_its_sandbox_numbers_end_in_every_usual_way_but_suppress_nobody_and_keep_nobody_waiting(
    workspace: Workspace,
) -> None:
    """A second walk finds what the first found, and a campaign completes within minutes."""
    campaign = make_campaign(use_case=of_sandbox(workspace))
    imported(campaign, CLINIC)
    fixed = {number for number in recipients(campaign) if number.startswith("+1555001")}
    assert len(fixed) == 10
    assert {number[-4:] for number in fixed} < set(NUMBERS)
    assert not fixed & {f"+1555001{last}" for last in ("0010", "0016", "0090", "0091", "0092", "0098")}


def test_whoever_opted_out_is_left_out_of_the_clinics_list(workspace: Workspace) -> None:
    listed = opt_outs_of(workspace, OPT_OUTS)
    assert (listed.added, listed.counts["rows"], listed.columns[0]) == (5, 5, "phone")
    found = checked(make_campaign(use_case=of_sandbox(workspace)), CLINIC)
    assert (found.counts["accepted"], found.counts["suppressed"]) == (52, 2)
    assert rejected() == REJECTED | {2: "suppressed", 9: "suppressed"}


def test_at_a_real_carrier_its_sandbox_numbers_are_not_reachable(workspace: Workspace) -> None:
    real = make_use_case(setup=make_setup(workspace, carrier="drop_cowboy"))
    found = checked(make_campaign(use_case=real), CLINIC)
    assert (found.counts["accepted"], found.counts["not_reachable"]) == (44, 12)


def test_the_lists_hold_fictional_numbers_only() -> None:
    """Whatever is dialled by mistake reaches nobody: 555-01xx and the sandbox's."""
    for content in (CLINIC, OPT_OUTS):
        digits = [
            "".join(filter(str.isdigit, cell.removesuffix(".0").partition(" x")[0]))[-10:]
            for line in content.decode("utf-8-sig").splitlines()[1:]
            for cell in line.replace('", ', "").split(",")
            if sum(map(str.isdigit, cell)) >= 10
        ]
        assert len(digits) >= 5
        assert all(number[3:8] == "55501" or number.startswith("555001") for number in digits)


def test_the_walk_through_tells_what_the_check_says(workspace: Workspace) -> None:
    found = checked(make_campaign(use_case=of_sandbox(workspace)), CLINIC)
    page = (Path(settings.BASE_DIR) / "docs" / "campaigns.md").read_text()
    told = {words: int(count) for count, words in re.findall(r"^\| (\d+) \| ([^:|]*\w)", page, re.MULTILINE)}
    assert told == {OUTCOMES[outcome].partition(":")[0]: count for outcome, count in found.counts.items() if count}
    assert f"Import {found.counts['accepted']} people" in page
