"""What a response was made of is freed with it: garbage of some hundred requests would stop the server for a tenth of a second."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from delivery.models import Voicemail
from rvm.platform.api.views import ApiView
from tests.factories import Api, make_recording, make_use_case, make_voicemail

PEOPLE = ["+12025550142", "+12025550143", "none"]


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[weakref.ref[ApiView]]]:
    """The views that have answered, while nothing collects garbage."""
    seen: list[weakref.ref[ApiView]] = []
    initial = ApiView.initial

    def noting(self: ApiView, *args: Any, **kwargs: Any) -> None:
        seen.append(weakref.ref(self))
        initial(self, *args, **kwargs)

    monkeypatch.setattr(ApiView, "initial", noting)
    gc.collect()
    gc.disable()
    yield seen
    gc.enable()


def rows() -> int:
    """How many voicemails are in memory."""
    return sum(type(each) is Voicemail for each in gc.get_objects())


def test_a_view_and_the_rows_of_a_batch_go_with_the_response(api: Api, views: list[weakref.ref[ApiView]]) -> None:
    use_case = make_use_case(api.key.workspace)
    recording = make_recording(api.key.workspace)
    make_voicemail(use_case)
    before = rows()
    answers = [
        api.get("voicemail"),
        api.get("voicemail", status="gone"),
        api.get(f"voicemail/{use_case.pk}"),
        api.post("voicemail/search", {"status": ["queued"]}),
        api.post(
            "voicemail/batch",
            {
                "use_case_id": str(use_case.pk),
                "recording_id": str(recording.pk),
                "recipients": [{"recipient_phone_number": number} for number in PEOPLE],
            },
        ),
    ]
    assert [answer.status_code for answer in answers] == [200, 422, 404, 200, 200]
    assert len(views) == len(answers)
    assert [view() for view in views] == [None] * len(answers)
    assert rows() == before
