"""Two lists imported into one campaign while workers, PostgreSQL and Redis die: each person is in it exactly once."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from tests.chaos.conftest import Play
from tests.chaos.scene import Scene, numbers_of_nobody
from tests.chaos.test_campaign import OnePlay

PEOPLE, OVERLAP = 170_000, 60_000
SECONDS = 400.0

pytestmark = pytest.mark.chaos


def uploaded(scene: Scene, campaign: OnePlay, numbers: list[str]) -> str:
    content = ("Phone\r\n" + "\r\n".join(numbers)).encode()
    sent = scene.send_file(f"{campaign.at}/imports", "file", "patients.csv", content)
    return f"{campaign.at}/imports/{sent['import_id']}"


@pytest.mark.timeout(SECONDS + 300)
def test_lists_are_imported_through_killed_workers_a_crashed_postgresql_and_an_emptied_redis(play: Play) -> None:
    with play(pace=100_000) as scene:
        campaign = OnePlay(scene)
        people = list(islice(numbers_of_nobody(range(100, 2200)), PEOPLE))
        half = (PEOPLE - OVERLAP) // 2
        lists = [uploaded(scene, campaign, part) for part in (people[: half + OVERLAP], people[half:])]

        def told(name: str) -> list[Any]:
            return [scene.get(place)[name] for place in lists]

        def crash() -> None:
            scene.servers.kill_postgres()
            scene.servers.start_postgres()

        def kill() -> None:
            scene.kill("imports")
            scene.start("imports")

        for place in lists:
            scene.post(f"{place}/check", {})
        scene.wait("rows are read", lambda: sum(told("rows_read")) >= 50_000)
        kill()
        scene.servers.flush_redis()
        scene.wait("one list is checked", lambda: "checked" in told("state"), SECONDS)
        crash()
        scene.wait("both lists are checked", lambda: told("state") == ["checked"] * 2, SECONDS)
        # Staging tables are unlogged, so a crash empties them and checked lists must be staged again.
        crash()
        for place in lists:
            scene.post(f"{place}/confirm", {"consent_statement": "Asked at registration."})
        scene.wait("rows are imported", lambda: sum(told("rows_imported")) >= 50_000, SECONDS)
        crash()
        kill()
        scene.servers.flush_redis()
        scene.wait("both lists are imported", lambda: told("state") == ["completed"] * 2, SECONDS)
        assert sum(counts["accepted"] for counts in told("counts")) == PEOPLE
        assert sum(counts["duplicate_in_campaign"] for counts in told("counts")) == OVERLAP
        found = scene.rows(
            "SELECT count(*), count(DISTINCT recipient_index) FROM delivery_voicemail WHERE lane_id = %s",
            campaign.at.removeprefix("campaigns/"),
        )
        assert found == [(PEOPLE, PEOPLE)]
        campaign.do("cancel")
        scene.recipients = people
        scene.wait("all are canceled", lambda: scene.statuses() == {"canceled": PEOPLE}, SECONDS)
