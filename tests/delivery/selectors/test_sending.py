"""What a send names: its use case, its recording and its lane, as they are in the database."""

from __future__ import annotations

import pytest

from delivery.selectors.sending import sending
from delivery.services.voicemails import api_lane
from tests.factories import make_recording, make_setup, make_use_case, make_workspace

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("live", [True, False])
def test_the_lane_of_a_later_send_is_the_one_in_the_database(live: bool) -> None:
    workspace = make_workspace()
    use_case = make_use_case(setup=make_setup(workspace, carrier="drop_cowboy"))
    recording = make_recording(workspace)
    first = sending(workspace, use_case.pk, recording.pk, live=live)
    assert first is not None and first.lane is None
    lane = api_lane(use_case, live)
    later = sending(workspace, use_case.pk, recording.pk, live=live)
    assert later is not None and later.lane is not None
    assert (later.use_case, later.recording, later.lane) == (use_case, recording, lane)
    found = {name: getattr(later.lane, name) for name in ("live", "for_api", "workspace_id", "use_case_id", "priority")}
    assert found == {name: getattr(lane, name) for name in found}
