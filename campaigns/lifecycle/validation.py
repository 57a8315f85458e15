"""Validation of the fields of a campaign and its lane against their bounds and the use case's policy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from campaigns.models import Campaign
from campaigns.models.campaign import CANARY_SETTINGS, MAX_NAME_LENGTH
from campaigns.scripts import check_script, with_named_clips
from campaigns.scripts.usage import clips_of
from delivery.models import Lane, Recording
from delivery.models.lane import LANE_SETTINGS, bounds_of
from delivery.recordings.shelf import require_offered
from delivery.services.voicemails import MAX_AHEAD
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace
from rvm.platform.times.moments import moment_at
from rvm.platform.times.tz_database import zone as zone_named
from rvm.platform.times.zones import unknown_zone
from usecases.effective_settings import effective_hours
from usecases.models import UseCase
from usecases.policy_text import clock, weekdays
from usecases.selectors import NO_SUCH_USE_CASE, require_usable
from usecases.services.persistence import change

OF_CAMPAIGN = ("name", "recording", "script", "time_zone", "starts_at", "ends_at", *CANARY_SETTINGS)
OF_LANE = ("use_case", *LANE_SETTINGS)
# Tolerance for a start of "now": filling in and sending the form takes time.
LATE = timedelta(minutes=1)
# Integer fields, bounded by their columns, with their names in messages.
WHOLE: Mapping[str, str] = {
    "priority": "The priority",
    "max_attempts": "The number of attempts",
    "retry_minutes": "The wait before the second attempt, in minutes,",
    "canary_size": "The number of people who are tried first",
    "canary_max_failed_percent": "The share of the first people who may fail, in percent,",
    "canary_wait_minutes": "The wait for the reports about the first people, in minutes,",
}

Changes = dict[str, tuple[Any, Any]]


def apply(campaign: Campaign, named: Mapping[str, Any], now: datetime) -> Changes:
    """Set the values of `named` on the campaign and its lane, unsaved; return {name: (old, new)} of changes. Raises ServiceError."""
    values = _checked(campaign, dict(named), now)
    mine = {name: value for name, value in values.items() if name in OF_CAMPAIGN}
    lanes = {name: value for name, value in values.items() if name not in OF_CAMPAIGN}
    changed = change(campaign, mine, OF_CAMPAIGN) | change(campaign.lane, lanes, OF_LANE)
    if {"use_case", "window_start", "window_end", "days"} & set(changed):
        _check_hours(campaign)
    if {"starts_at", "ends_at"} & set(changed):
        _check_order(campaign, now)
    return changed


def _checked(campaign: Campaign, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """`values`, checked and converted to what is stored."""
    if "name" in values:
        values["name"] = check_name(values["name"])
    if "use_case" in values:
        _check_use_case(campaign, values["use_case"])
    _check_sound(campaign, values)
    _check_times(campaign, values, now)
    if values.get("days") is not None:
        values["days"] = _checked_days(values["days"])
    if values.get("pace_per_second") is not None:
        _check_pace(values["pace_per_second"])
    for name, what in WHOLE.items():
        model = Campaign if name in CANARY_SETTINGS else Lane
        if name in values and not (values[name] is None and model._meta.get_field(name).null):
            _check_whole(name, what, values[name], bounds_of(name, model))
    return values


def _check_times(campaign: Campaign, values: dict[str, Any], now: datetime) -> None:
    if "time_zone" in values:
        _check_zone(values["time_zone"])
    for name in ("starts_at", "ends_at"):
        if values.get(name) is not None:
            values[name] = moment_of(values[name], values.get("time_zone", campaign.time_zone), name)
    start = values.get("starts_at")
    if start is not None and start != campaign.starts_at:
        _check_start(start, now)


def check_name(name: str) -> str:
    """The name without surrounding spaces. Raises ServiceError."""
    name = name.strip()
    if not name:
        raise ServiceError("name_missing", "A campaign needs a name, by which people find it again.", field="name")
    if len(name) > MAX_NAME_LENGTH:
        message = f"The name has {len(name)} characters; at most {MAX_NAME_LENGTH} are kept."
        raise ServiceError("too_long", message, field="name")
    return name


def moment_of(value: datetime, zone: str, field: str) -> datetime:
    """`value` in UTC; without an offset it is a local time in `zone`.

    A local time that occurs twice means the first. Raises ServiceError for one that clocks skip."""
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    try:
        return moment_at(value, zone_named(zone))
    except ServiceError as skipped:
        raise ServiceError(skipped.code, skipped.message, field=field) from None


def _check_use_case(campaign: Campaign, use_case: UseCase) -> None:
    if use_case.workspace_id != campaign.workspace_id:
        raise ServiceError("use_case_not_found", NO_SUCH_USE_CASE, field="use_case_id")
    require_usable(use_case, campaign.live)


def _check_sound(campaign: Campaign, values: dict[str, Any]) -> None:
    """Check that there is one recording or a script; setting one clears the other."""
    recording, script = values.get("recording"), values.get("script")
    if recording is not None and script is not None:
        raise ServiceError(
            "recording_and_script", "A campaign has one recording or a script of clips, not both.", field="script"
        )
    if recording is not None:
        _check_recording(campaign.workspace, recording)
        if recording.pk != campaign.recording_id:
            require_offered(recording)
        values["script"] = None
    if script is not None:
        values["script"] = script = with_named_clips(campaign.workspace, script)
        for refused in check_script(campaign.workspace, script, kept=clips_of(campaign)):
            raise refused
        values["recording"] = None


def _check_recording(workspace: Workspace, recording: Recording) -> None:
    if recording.workspace_id != workspace.pk or recording.assembled:
        raise ServiceError("recording_not_found", "This workspace has no such recording.", field="recording_id")


def _check_zone(name: str) -> None:
    if refusal := unknown_zone(name):
        raise ServiceError("time_zone_unknown", refusal, field="time_zone")


def _check_start(start: datetime, now: datetime) -> None:
    if start < now - LATE:
        raise ServiceError(
            "too_early", "The start lies in the past; leave it out to start with the launch.", field="starts_at"
        )
    if start > now + MAX_AHEAD:
        raise ServiceError("too_late", f"The start is more than {MAX_AHEAD.days} days ahead.", field="starts_at")


def _check_order(campaign: Campaign, now: datetime) -> None:
    if campaign.ends_at is None:
        return
    start = max(campaign.starts_at or now, now)
    if campaign.ends_at <= start:
        than = "its start" if start > now else "now"
        raise ServiceError(
            "too_early", f"The campaign's end is not later than {than}; nothing would be sent.", field="ends_at"
        )
    if campaign.ends_at > start + MAX_AHEAD:
        raise ServiceError("too_late", f"The end is more than {MAX_AHEAD.days} days after the start.", field="ends_at")


def _check_hours(campaign: Campaign) -> None:
    lane, policy = campaign.lane, campaign.lane.use_case
    allowed = f"the policy's {clock(policy.window_start)} to {clock(policy.window_end)}, local time at the recipient"
    for name in ("window_start", "window_end"):
        hour: time | None = getattr(lane, name)
        if hour is not None and not policy.window_start <= hour <= policy.window_end:
            message = f"{clock(hour)} is not within {allowed}; choose hours within the policy's."
            raise ServiceError("outside_policy", message, field=name)
    hours = effective_hours(lane, policy)
    if not hours.days:
        message = f"The use case sends on none of these days, but {weekdays(policy.days)}; choose days among them."
        raise ServiceError("outside_policy", message, field="days")
    if hours.start >= hours.end:
        message = (
            f"The hours {clock(hours.start)} to {clock(hours.end)} are empty: they must end later than they start."
        )
        raise ServiceError("window_empty", message, field="window_end")


def _checked_days(days: Any) -> list[int]:
    if not isinstance(days, list | tuple | set | frozenset) or not days:
        raise ServiceError(
            "days_missing", "Name at least one weekday, or leave the days out for every day.", field="days"
        )
    least, most = bounds_of("days")
    if any(isinstance(day, bool) or not isinstance(day, int) or not least <= day <= most for day in days):
        raise ServiceError("day_unknown", "Weekdays are numbers from 1, Monday, to 7, Sunday.", field="days")
    return sorted(set(days))


def _check_pace(pace: Any) -> None:
    least, most = bounds_of("pace_per_second")
    if isinstance(pace, bool) or not isinstance(pace, int | float) or not math.isfinite(pace) or pace <= 0:
        raise ServiceError("not_positive", "The pace is a number of drops a second above 0.", field="pace_per_second")
    if not least <= pace <= most:
        message = f"The pace must be from {least} to {most:.0f} drops a second; it is {pace}."
        raise ServiceError("out_of_bounds", message, field="pace_per_second")


def _check_whole(name: str, what: str, value: Any, bounds: tuple[float, float]) -> None:
    least, most = bounds
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ServiceError("out_of_bounds", f"{what} must be a whole number from {least} to {most}.", field=name)
