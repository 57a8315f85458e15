"""Rows of the API as the client reads them. They are the JSON itself: a field that RVM adds is there, too."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Caller(TypedDict):
    """What an API key is."""

    workspace_id: str
    key_id: str
    name: str
    live: bool
    scopes: list[str]
    networks: list[str]
    expires_at: str | None
    expires_in_seconds: int | None


class UseCase(TypedDict):
    id: str
    name: str
    entity_name: str
    description: str | None
    setup_id: str
    sending_enabled: bool
    policy_text: str


class Recording(TypedDict):
    id: str
    name: str
    sha256: str
    size_bytes: int
    duration_ms: int
    warnings: list[str]
    created_at: str
    archived_at: str | None
    sound_removed_at: str | None


class Voicemail(TypedDict):
    id: str
    use_case_id: str
    setup_id: str
    campaign_id: str | None
    recording_id: str | None
    live: bool
    recipient_phone_number: str | None
    sender_phone_number: str | None
    reference: str | None
    record_number: str | None
    metadata: dict[str, Any] | None
    status: str
    reason: str | None
    reason_detail: str | None
    waiting_for: str | None
    carrier: str
    attempts: int
    not_before: str
    expires_at: str | None
    created_at: str
    sending_at: str | None
    accepted_at: str | None
    ended_at: str | None
    updated_at: str


class Drop(TypedDict):
    """One attempt to leave a voicemail."""

    id: str
    number: int
    carrier: str
    status: str
    reason: str | None
    carrier_code: str | None
    carrier_reference: str | None
    created_at: str
    ended_at: str | None


class VoicemailDetail(Voicemail):
    drops: list[Drop]


class BatchError(TypedDict):
    code: str
    detail: str
    pointer: str


class BatchItem(TypedDict):
    """The answer to one recipient: `voicemail_id`, or the `error` for which it was refused."""

    index: int
    voicemail_id: NotRequired[str]
    status: NotRequired[str]
    error: NotRequired[BatchError]


class BatchResult(TypedDict):
    queued: int
    refused: int
    items: list[BatchItem]


class Canary(TypedDict):
    """The first people of a campaign: the others wait until `enough` of them have a final report."""

    state: str
    people: int
    tried: int
    enough: int
    reported: int
    delivered: int
    failed: dict[str, int]
    failed_of_sending: int
    began_at: str
    tried_at: str | None
    ended_at: str | None
    message: str | None


class Campaign(TypedDict):
    id: str
    name: str
    state: str
    live: bool
    use_case_id: str
    recording_id: str | None
    time_zone: str
    starts_at: str | None
    ends_at: str | None
    pace_per_second: float | None
    canary_size: int | None
    canary_max_failed_percent: int
    canary_wait_minutes: int
    canary: Canary | None
    voicemails: dict[str, int]
    created_at: str
    launched_at: str | None
    ended_at: str | None


class RowError(TypedDict):
    row_number: int
    code: str
    detail: str


class RecipientImport(TypedDict):
    id: str
    campaign_id: str
    file_name: str
    state: str
    error: str | None
    columns: list[str | None]
    rows_read: int
    rows_imported: int
    counts: dict[str, int]
    codes: dict[str, int]


class RecipientImportDetail(RecipientImport):
    warnings: list[str]
    first_errors: list[RowError]


class CampaignPreview(TypedDict):
    """The people who would be reached, and when: `now` at the start, `later`, `skipped` by reason, `expiring` before their turn."""

    starts_at: str
    ends_at: str
    total: int
    now: int
    later: list[dict[str, Any]]
    skipped: dict[str, int]
    expiring: int
    finishes_at: str | None
    pace_per_second: float
    stopped: str | None
    simulated: bool


class CampaignProgress(TypedDict):
    total: int
    by_status: dict[str, int]
    by_reason: dict[str, int]
    rate_per_second: float
    finishes_at: str | None


class Event(TypedDict):
    """Something that happened: of the feed, and of a webhook. `data` has ids, states and codes, and nothing of a person."""

    id: str
    type: str
    timestamp: str
    data: dict[str, Any]


class EventPage(TypedDict):
    """`after` is where to go on, also from a page without events."""

    items: list[Event]
    after: str
    has_more: bool


class EventType(TypedDict):
    name: str
    description: str


class WebhookSecret(TypedDict):
    """A secret without its text."""

    last4: str
    created_at: str
    expires_at: str | None


class WebhookDestination(TypedDict):
    id: str
    name: str
    url: str
    description: str | None
    accepted_event_types: list[str]
    signature: str
    concurrency: int
    pace_per_second: int | None
    live: bool
    state: str
    failing_since: str | None
    failures: int
    next_attempt_at: str | None
    disabled_at: str | None
    disabled_because: str | None
    secrets: list[WebhookSecret]
    created_at: str
    updated_at: str


class IssuedWebhookDestination(WebhookDestination):
    secret: str | None


class WebhookTest(TypedDict):
    """`deliveries` is the address that tells what became of it."""

    type: str
    deliveries: str


class WebhookReplayed(TypedDict):
    """How many events are sent again."""

    events: int


class WebhookDelivery(TypedDict):
    """An event on its way to a destination."""

    id: str
    destination_id: str
    event_id: str
    type: str
    subject_id: str
    state: str
    attempts: int
    next_attempt_at: str | None
    replay: bool
    created_at: str
    ended_at: str | None


class WebhookAttempt(TypedDict):
    """One request and its answer."""

    number: int
    at: str
    milliseconds: int
    status: int | None
    error: str | None
    answer: str | None


class WebhookDeliveryDetail(WebhookDelivery):
    log: list[WebhookAttempt]
