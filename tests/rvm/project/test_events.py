"""What every layer tells of its changes is as the reference describes it, and holds nothing of a person."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.serializers import Serializer

from rvm.platform.events import publisher
from rvm.platform.events.types import TYPES
from rvm.platform.models import MAX_EVENT_TYPE, Event, Workspace
from tests.factories import Api, make_api
from tests.rvm.project.test_worlds import ACTIONS, Rows, live_rows, media

__all__ = ["live_rows", "media"]

pytestmark = pytest.mark.django_db

# What these hold is no number, name or text of a person: ids, words of ours, counts.
HARMLESS = (serializers.UUIDField, serializers.ChoiceField, serializers.IntegerField, serializers.BooleanField)
# Operations of the walk that change what systems are told of.
TOLD = {
    "POST voicemail/{voicemail_id}/cancel": {"voicemail.canceled"},
    "POST voicemail/{voicemail_id}/retry": {"voicemail.queued"},
    "POST campaigns/{campaign_id}/launch": {"campaign.launched"},
    "POST campaigns/{campaign_id}/unschedule": {"campaign.unscheduled"},
    "POST campaigns/{campaign_id}/pause": {"campaign.paused"},
    "POST campaigns/{campaign_id}/resume": {"campaign.resumed"},
    "POST campaigns/{campaign_id}/cancel": {"campaign.canceled"},
    "POST suppressions": {"suppression.created"},
    "POST suppressions/{suppression_id}/lift": {"suppression.lifted"},
}


def fields_of(data: type[Serializer[Any]]) -> dict[str, Any]:
    return dict(data().fields)


def require_described(event: Event) -> None:
    """The data have each described member, and no other, with such a value."""
    described = fields_of(TYPES[event.type].data)
    assert set(event.data) == set(described), event.type
    for name, value in event.data.items():
        if value is None:
            assert described[name].allow_null, (event.type, name)
        else:
            described[name].run_validation(value)


def told(api: Api) -> list[dict[str, Any]]:
    while publisher.publish():
        pass
    found: list[dict[str, Any]] = api.get("events", limit=200).json()["items"]
    return found


@pytest.mark.parametrize("name", TYPES)
def test_a_type_is_described_by_ids_codes_and_counts(name: str) -> None:
    noun, _, became = name.partition(".")
    assert noun and became and len(name) <= MAX_EVENT_TYPE and TYPES[name].description.endswith(".")
    for field, kind in fields_of(TYPES[name].data).items():
        assert isinstance(kind, HARMLESS), (name, field)


@pytest.mark.parametrize("operation", ACTIONS)
def test_whatever_a_key_does_is_told_as_described_in_its_own_world(
    operation: str, workspace: Workspace, live_rows: Rows
) -> None:
    api, test_api = make_api(workspace), make_api(workspace, live=False)
    before = {event["id"] for event in told(api)}
    unheard = told(test_api)
    answer = ACTIONS[operation].call(api, operation, live_rows)
    assert answer.status_code < 300, answer.content
    events = [event for event in told(api) if event["id"] not in before]
    for event in Event.objects.filter(pk__in=[each["id"] for each in events]):
        require_described(event)
        assert event.data == next(each["data"] for each in events if each["id"] == str(event.pk))
    assert {event["type"] for event in events} >= TOLD.get(operation, set())
    assert "+1" not in json.dumps(events)
    assert told(test_api) == unheard
