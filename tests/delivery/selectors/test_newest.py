"""The first page of voicemails for every filter: the same as by a sort of all, and read from an index however old or rare it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from delivery.models import Lane, Voicemail
from delivery.selectors.filters import VoicemailFilter
from delivery.selectors.newest import newest
from delivery.selectors.voicemails import voicemails
from rvm.platform.database.ids import first_id_at, uuid7_at
from rvm.platform.database.narrow_rows import Sql
from rvm.platform.models import Workspace
from tests.factories import RECIPIENT, make_campaign, make_setup, make_use_case, make_voicemail, make_workspace
from usecases.models import TelephonySetup, UseCase

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 5, 4, 15, tzinfo=UTC)
NAMES = ["visit-1", "MRN 1", " mrn1", "visit"]
KINDS = [
    ("delivered", ""),
    ("failed", "busy"),
    ("failed", "no_answer"),
    ("queued", ""),
    ("queued", "busy"),
    ("skipped", "suppressed"),
]


@pytest.fixture
def workspace(db: None) -> Workspace:
    """With two setups, two use cases and a campaign, whose voicemails are of one minute each and have changed since or not."""
    workspace = make_workspace()
    setups = [make_setup(workspace, carrier="drop_cowboy", credentials={}), make_setup(workspace)]
    use_cases = [make_use_case(setup=setup) for setup in setups]
    campaign = make_campaign(use_cases[0])
    stranger = make_voicemail()
    minutes = 0
    for (status, reason), use_case, setup, lane in product(KINDS, use_cases, setups, (None, campaign.lane)):
        if lane is not None and lane.use_case_id != use_case.pk:
            continue
        minutes += 1
        made = DAY + timedelta(minutes=minutes)
        make_voicemail(
            use_case,
            lane=lane,
            setup=setup,
            status=status,
            reason=reason,
            recording=stranger.recording,
            reference="visit-1" if minutes == 4 else "",
            record_number="MRN 1" if minutes % 4 == 0 else None,
            id=uuid7_at(int(made.timestamp() * 1000)),
            updated_at=made if minutes % 3 else DAY + timedelta(hours=3),
        )
    ids = sorted(Voicemail.objects.filter(lane=campaign.lane).values_list("pk", flat=True))
    Lane.objects.filter(pk=campaign.pk).update(first_id=ids[0], last_id=ids[-1])
    Voicemail.objects.filter(pk=ids[3]).update(live=False)
    return workspace


def filters_of(workspace: Workspace) -> dict[str, VoicemailFilter]:
    use_case, setup = (
        UseCase.objects.filter(workspace=workspace).first(),
        TelephonySetup.objects.filter(workspace=workspace).last(),
    )
    campaign = Lane.objects.get(workspace=workspace, for_api=False)
    assert use_case is not None and setup is not None
    values: dict[str, Any] = {
        "use_case_id": use_case.pk,
        "setup_id": setup.pk,
        "campaign_id": campaign.pk,
        "carrier": "drop_cowboy",
        "reason": "busy",
        "statuses": ["failed", "queued"],
        "created_after": DAY + timedelta(minutes=9),
        "created_before": DAY + timedelta(minutes=30),
        "updated_after": DAY + timedelta(minutes=20),
        "updated_before": DAY + timedelta(minutes=25),
    }
    one = {name: VoicemailFilter(**{name: value}) for name, value in values.items()}
    two = {f"{first} {name}": replace(each, **{name: values[name]}) for first, each in one.items() for name in values}
    three = {f"{names} reason": replace(each, reason="busy") for names, each in two.items()}
    further = [
        VoicemailFilter(statuses=["queued"]),
        VoicemailFilter(statuses=["failed", "delivered"], failed_for=["busy"]),
        VoicemailFilter(statuses=["failed"], failed_for=["busy"], campaign_id=campaign.pk),
        *(
            replace(each, statuses=["failed", "skipped"])
            for each in (VoicemailFilter(), *one.values(), *(two[f"campaign_id {name}"] for name in values))
        ),
        *(VoicemailFilter(**{name: text}) for name in ("reference", "record_number", "either") for text in NAMES),
        VoicemailFilter(reference="visit-1", record_number="MRN 1", statuses=["failed"]),
        VoicemailFilter(either="mrn1", use_case_id=use_case.pk, updated_after=DAY),
        VoicemailFilter(recipient=RECIPIENT),
        VoicemailFilter(recipient=RECIPIENT, statuses=["failed"]),
        VoicemailFilter(campaign_id=Lane.objects.filter(workspace=workspace, for_api=True)[0].pk),
        VoicemailFilter(updated_after=DAY + timedelta(hours=2)),
        VoicemailFilter(updated_after=DAY + timedelta(hours=2), statuses=["failed"]),
        VoicemailFilter(updated_after=DAY + timedelta(hours=2), created_after=DAY + timedelta(minutes=9)),
    ]
    return {"": VoicemailFilter(), **one, **two, **three, **{f"{each!r}": each for each in further}}


def ids_in(statement: Sql) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.parameters)
        return [identifier for (identifier,) in cursor.fetchall()]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("count", [1, 5, 200])
@pytest.mark.parametrize("below", [None, DAY + timedelta(minutes=22)])
def test_the_newest_of_each_are_the_newest_of_all(
    workspace: Workspace, below: datetime | None, count: int, live: bool
) -> None:
    end = first_id_at(below) if below else None
    wrong, found = [], 0
    for name, filters in filters_of(workspace).items():
        rows = voicemails(workspace, filters, live=live).order_by("-id")
        expected = [row.pk for row in (rows.filter(pk__lt=end) if end else rows)][:count]
        if ids_in(newest(workspace, filters, count, live=live, below=end)) != expected:
            wrong.append(name)
        found += len(expected)
    assert wrong == []
    assert found > (100 if live else 20)


def test_no_row_of_another_workspace_is_found_by_its_ids(workspace: Workspace) -> None:
    filters = filters_of(workspace)
    stranger = make_workspace()
    make_setup(stranger, carrier="drop_cowboy")
    mine = make_voicemail(make_use_case(setup=make_setup(stranger)), status="failed", reason="busy")
    found = {name: ids_in(newest(stranger, each, 5, live=True)) for name, each in filters.items() if "(" not in name}
    assert found[""] == [mine.pk]
    named = ("use_case_id", "setup_id", "campaign_id")
    assert not any(ids for name, ids in found.items() if any(each in name for each in named))


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("use_case_id", "voicemail_by_use_case"),
        ("campaign_id", "voicemail_by_lane"),
        ("campaign_id use_case_id", "voicemail_by_lane"),
        ("carrier", "voicemail_by_setup"),
        ("reason", "voicemail_by_reason"),
    ],
)
def test_an_index_has_what_is_rare_or_old_together(workspace: Workspace, name: str, index: str) -> None:
    require_read_from(index, workspace, filters_of(workspace)[name])


@pytest.mark.parametrize(
    ("names", "index"),
    [
        ("", "voicemail_rare_status"),
        ("campaign_id", "voicemail_by_lane"),
        ("campaign_id use_case_id", "voicemail_by_lane"),
        ("campaign_id carrier reason", "voicemail_by_lane"),
    ],
)
def test_what_ended_otherwise_is_together_in_its_workspace_and_in_its_campaign(
    workspace: Workspace, names: str, index: str
) -> None:
    # The failed ones of a campaign of all the year were read among those of the whole use case: seven times as many pages.
    require_read_from(index, workspace, replace(filters_of(workspace)[names], statuses=["failed", "skipped"]))


def require_read_from(index: str, workspace: Workspace, filters: VoicemailFilter) -> None:
    with connection.cursor() as cursor:  # there are few rows here
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_incremental_sort = off")
        statement = newest(workspace, filters, 5, live=True)
        cursor.execute(f"EXPLAIN {statement.text}", statement.parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert f"Index Scan Backward using {index}" in plan or f"Index Only Scan Backward using {index}" in plan, plan
    assert "Index Cond: ((ROW(" in plan, plan
