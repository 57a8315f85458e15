"""A large campaign, from the list to the last report, with pauses and a killed worker."""

from __future__ import annotations

import csv
import io
from collections import Counter
from itertools import islice
from typing import Any

import pytest

from rvm.simulators.sandbox.ledger import read_ledger
from tests.chaos.conftest import Play
from tests.chaos.scene import Scene, numbers_of_nobody

# The carrier fetches the recording for each drop, so a hundred thousand take minutes: they are in `make chaos`.
SIZES = (20_000, pytest.param(100_000, marks=pytest.mark.chaos))
# Extra rows that must not become voicemails.
REPEATED, MALFORMED = 500, 300
# The load uses both cores, so leases and timeouts allow for processes that wait for a core.
PATIENT = {"RVM_LEASE_SECONDS": "20", "RVM_CARRIER_TIMEOUT_SECONDS": "10"}
SECONDS = 2400.0  # for the largest, on a machine that does other work


def as_list(numbers: list[str]) -> bytes:
    """A CSV as practice software exports it: national number format, names, and invalid rows."""
    text = io.StringIO(newline="")
    sheet = csv.writer(text)
    sheet.writerow(["Name", "Mobile phone", "MRN"])
    for at, number in enumerate(numbers):
        written = f"({number[2:5]}) {number[5:8]}-{number[8:]}"
        sheet.writerow([f"Patient {at}", written, f"MRN-{at}"])
        if at < REPEATED:
            sheet.writerow([f"Patient {at} again", number, f"MRN-{at}"])
        if at < MALFORMED:
            sheet.writerow([f"Patient {at} by mistake", "555-0100", ""])
    return text.getvalue().encode()


class OnePlay:
    """A campaign of the scene, driven through the API."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.at = "campaigns/" + str(
            scene.post(
                "campaigns",
                {
                    "name": "Flu shots",
                    "use_case_id": str(scene.sample.use_case.id),
                    "recording_id": scene.upload()["recording_id"],
                },
            )["campaign_id"]
        )

    def do(self, verb: str, **body: Any) -> dict[str, Any]:
        return self.scene.post(f"{self.at}/{verb}", body)

    def state(self) -> str:
        return str(self.scene.get(self.at)["state"])

    def import_list(self, content: bytes) -> dict[str, Any]:
        """Upload, check and confirm a list; return the finished import."""
        scene = self.scene
        place = (
            f"{self.at}/imports/{scene.send_file(f'{self.at}/imports', 'file', 'patients.csv', content)['import_id']}"
        )
        scene.post(f"{place}/check", {})
        scene.wait("the list is checked", lambda: scene.get(place)["state"] == "checked")
        scene.post(f"{place}/confirm", {"consent_statement": "Asked at registration."})
        scene.wait("the list is imported", lambda: scene.get(place)["state"] == "completed")
        return scene.get(place)


@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("size", SIZES)
def test_a_large_campaign_reaches_everybody_once_through_pauses_and_a_killed_worker(play: Play, size: int) -> None:
    with play(pace=100_000, variables=PATIENT) as scene:
        scene.poll_seconds = 0.25
        scene.rows("UPDATE usecases_telephonysetup SET in_flight_cap = 256 RETURNING id")
        people = list(islice(numbers_of_nobody(range(100, 1200)), size))
        campaign = OnePlay(scene)
        done = campaign.import_list(as_list(people))
        counts = {outcome: count for outcome, count in done["counts"].items() if count}
        assert counts == {"accepted": size, "same_phone": REPEATED, "invalid": MALFORMED}
        scene.recipients = people
        assert campaign.scene.get(f"{campaign.at}/preview")["now"] == size

        campaign.do("launch")
        for share in (0.05, 0.2, 0.4):
            scene.wait_for_drops(int(size * share))
            campaign.do("pause")
            scene.wait("what was claimed has left", lambda: not scene.statuses()["sending"])
            held = scene.drops()
            scene.pass_time(1.0)
            assert scene.drops() == held, "a paused campaign made drops"
            campaign.do("resume")
        scene.wait_for_drops(int(size * 0.5))
        scene.kill("dispatch-1")
        scene.start("dispatch-1")
        scene.wait("the campaign is completed", lambda: campaign.state() == "completed", SECONDS)

        accepted = Counter(to for to, _ in read_ledger(scene.stack.ledger).pairs.elements())
        assert accepted == Counter(people), "the carrier accepted somebody twice, or somebody was forgotten"
