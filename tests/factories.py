"""Rows for the tests: plain functions with sensible defaults, so that a test names only what it is about.

Every `make_` function writes one row and whatever it must hang on. Numbers are fictional (+1 NPA 555 01xx). What live sending rests
on is stated: agreements with carriers are signed, sender numbers owned, recordings attested. A test about a missing statement takes
it away.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import Func, Model, Value
from django.http import HttpResponse
from django.test import Client

from campaigns.models import Campaign, RecipientImport
from campaigns.states import CampaignState
from delivery.carriers.sandbox import Sandbox
from delivery.identifiers import record_number_entry
from delivery.lifecycle.status import TERMINAL, VoicemailStatus
from delivery.models import Lane, LaneDelta, Recording, Voicemail, VoicemailIdentifier
from delivery.recordings.storage import Sound
from rvm.platform.api.keys import create_api_key
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.encryption.fields import Encrypted
from rvm.platform.models import ApiKey, Membership, User, Workspace
from rvm.platform.roles import Role
from rvm.platform.scopes import Scope
from usecases.models import Consent, NumberAssignment, PhoneNumber, Suppression, TelephonySetup, UseCase
from usecases.suppression_kinds import SuppressionKind

RECIPIENT = "+12025550142"
SANDBOX_CREDENTIALS = {"base_url": "http://127.0.0.1:1", "key": "test-key", "signing_secret": "test-secret"}

# Hours, days and caps as wide as they may be, so that a test names a calling window or a cap only if it is about one.
WIDE = {
    "window_start": time(8),
    "window_end": time(21),
    "days": [1, 2, 3, 4, 5, 6, 7],
    "sends_on_holidays": True,
    "max_per_day": 100,
    "max_per_week": 100,
}
# At all hours, for tests that run at any.
AROUND_THE_CLOCK = {
    **WIDE,
    "window_start": time.min,
    "window_end": time.max,
    "state_overlay": False,
    "state_overlay_reason": "Made-up people may be called at night.",
}

STATED_AT = datetime(2026, 1, 2, 15, tzinfo=UTC)
ATTESTED: dict[str, Any] = {
    "attested_at": STATED_AT,
    "attested_by_another": True,
    "voice": "human",
    "says": ["callback_number", "caller", "opt_out_number"],
}

_serial = count(1)


def letters(number: int) -> str:
    """A number as letters, for names that allow no digits: 1 is b, 27 is bb."""
    text = ""
    while number:
        number, digit = divmod(number, 26)
        text = chr(ord("a") + digit) + text
    return text or "a"


def encrypted(row: Model, name: str, value: Any) -> Encrypted:
    """What the table has where the row's encrypted column is `value`."""
    field: Any = row._meta.get_field(name)
    ciphertext: Encrypted = field.encrypt(value, *field.bound_ids(row))
    return ciphertext


def make_workspace(**fields: Any) -> Workspace:
    serial = next(_serial)
    return Workspace.objects.create(**{"name": f"Clinic {serial}", "slug": f"clinic-{serial}", **fields})


def make_user(*, workspace: Workspace | None = None, role: str = Role.ADMIN, **fields: Any) -> User:
    """A person; a member of `workspace` where one is given. Other fields are the user's; the password is "password"."""
    membership = {"may_see_numbers": fields.pop("may_see_numbers", False), "role": role}
    fields = {"username": f"user-{next(_serial)}", "password": "password", **fields}
    user = User.objects.create_user(**fields)
    if workspace is not None:
        Membership.objects.create(workspace=workspace, user=user, **membership)
    return user


def make_api_key(
    workspace: Workspace | None = None, *, live: bool = True, scopes: Iterable[Scope] = tuple(Scope), **fields: Any
) -> tuple[ApiKey, str]:
    """The key and its plaintext; live and with every scope unless said otherwise."""
    return create_api_key(workspace or make_workspace(), f"Key {next(_serial)}", scopes, live=live, **fields)


class Api:
    """Calls one workspace's API with one key: `api.post("use-cases", {"name": …})`. Bodies go as JSON."""

    def __init__(self, workspace_id: UUID, key: ApiKey, plaintext: str) -> None:
        self.workspace_id = workspace_id
        self.key = key
        self.client = Client(headers={"Authorization": f"Bearer {plaintext}"}, raise_request_exception=False)

    def url(self, path: str) -> str:
        return f"/v1/{self.workspace_id}/{path}"

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.client.get(self.url(path), query)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any) -> HttpResponse:
        return self.send("PATCH", path, body)

    def put(self, path: str, body: Any = None) -> HttpResponse:
        return self.send("PUT", path, body)

    def delete(self, path: str) -> HttpResponse:
        return self.send("DELETE", path)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """`body`: bytes go as they are, anything else as JSON, None as no body. `Idempotency_Key=…` is a header."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(method, self.url(path), content, "application/json", headers=named)


def make_api(workspace: Workspace | None = None, **fields: Any) -> Api:
    """A client with a fresh key; `fields` as for `make_api_key`."""
    workspace = workspace or make_workspace()
    key, plaintext = make_api_key(workspace, **fields)
    return Api(workspace.id, key, plaintext)


def make_setup(workspace: Workspace | None = None, **fields: Any) -> TelephonySetup:
    # A test that has the sandbox reach people, to see the guards, sets the adapter's property to False.
    fields.setdefault("simulated", fields.get("carrier", "sandbox") == "sandbox" and bool(Sandbox.simulated))
    return TelephonySetup.objects.create(
        **{
            "id": uuid7(),
            "workspace": workspace or make_workspace(),
            "name": f"Setup {next(_serial)}",
            "carrier": "sandbox",
            "credentials": dict(SANDBOX_CREDENTIALS),
            "baa_signed_on": STATED_AT.date(),
            **fields,
        }
    )


def fixed_token(setup: TelephonySetup) -> str:
    """The token of the setup's fixed callback address, which a real one is told when the address is made."""
    token = f"fixed-{setup.pk.hex}"
    setup.callback_secrets.current().update(digest=hashlib.sha256(token.encode()).digest())
    return token


def make_phone_number(
    setup: TelephonySetup | None = None, e164: str | None = None, *, owned: bool = True
) -> PhoneNumber:
    """A sender number of the setup; by default the next of +1 212 555 0100 to 0199, then of area code 213, and so on."""
    setup = setup or make_setup()
    hundreds, last = divmod(next(_serial), 100)
    e164 = e164 or f"+1{212 + hundreds % 700}55501{last:02}"
    stated = {"owned_stated_at": STATED_AT} if owned else {}
    return PhoneNumber.objects.create(id=uuid7(), workspace=setup.workspace, setup=setup, e164=e164, **stated)


def make_use_case(
    workspace: Workspace | None = None,
    *,
    setup: TelephonySetup | None = None,
    numbers: int | Iterable[PhoneNumber] = 1,
    **fields: Any,
) -> UseCase:
    """With its own setup unless one is given, and with that many fresh numbers (or those given) assigned."""
    setup = setup or make_setup(workspace)
    use_case = UseCase.objects.create(
        **{
            "id": uuid7(),
            "workspace": setup.workspace,
            "setup": setup,
            "entity_name": "Lakeside Clinic",
            "name": f"Reminders {letters(next(_serial))}",
            **WIDE,
            **fields,
        }
    )
    if isinstance(numbers, int):
        numbers = [make_phone_number(setup) for _ in range(numbers)]
    for number in numbers:
        NumberAssignment.objects.create(use_case=use_case, phone_number=number)
    return use_case


def make_recording(workspace: Workspace | None = None, **fields: Any) -> Recording:
    """The row only: no file lies in the media storage."""
    return Recording.objects.create(
        **{
            "id": uuid7(),
            "workspace": workspace or make_workspace(),
            "name": "Reminder",
            "sha256": hashlib.sha256(str(next(_serial)).encode()).hexdigest(),
            "size_bytes": 240_000,
            "duration_ms": 15_000,
            "bitrate_kbps": 128,
            "bitrate_mode": "cbr",
            "sample_rate": 44_100,
            "channels": 1,
            **ATTESTED,
            **fields,
        }
    )


def attested(sound: Sound) -> Sound:
    """The recording or clip, of which it is stated what it says."""
    type(sound)._default_manager.filter(pk=sound.pk).update(**ATTESTED)
    return sound


def make_lane(use_case: UseCase | None = None, **fields: Any) -> Lane:
    """A lane as a campaign has one, unless `for_api=True`."""
    use_case = use_case or make_use_case()
    return Lane.objects.create(
        **{"id": uuid7(), "workspace": use_case.workspace, "use_case": use_case, "live": True, **fields}
    )


def make_voicemail(use_case: UseCase | None = None, *, recipient: str = RECIPIENT, **fields: Any) -> Voicemail:
    """A voicemail in the use case's API lane, counted; queued and due since a minute unless `fields` say otherwise."""
    lane = fields.pop("lane", None)
    use_case = use_case or (lane.use_case if lane else make_use_case())
    workspace, now = use_case.workspace, datetime.now(UTC)
    live = fields.pop("live", lane.live if lane else True)
    if lane is None:
        lane, _ = Lane.objects.get_or_create(workspace=workspace, use_case=use_case, for_api=True, live=live)
    senders = [assignment.phone_number.e164 for assignment in use_case.assignments.all()]
    status = VoicemailStatus(fields.get("status", VoicemailStatus.QUEUED))
    voicemail = Voicemail.objects.create(
        **{
            "id": uuid7(),
            "workspace": workspace,
            "use_case": use_case,
            "setup": use_case.setup,
            "lane": lane,
            "recording": fields.pop("recording", None) or make_recording(workspace),
            "live": live,
            "recipient": recipient,
            "recipient_index": blind_index().of(workspace.id, recipient),
            "index_key": blind_index().current,
            "last4": recipient[-4:],
            "sender": senders[0] if senders else "",
            "not_before": now - timedelta(minutes=1),
            "expires_at": now + timedelta(hours=72),
            "ended_at": now if status in TERMINAL else None,
            **fields,
        }
    )
    LaneDelta.objects.create(lane=lane, status=status, reason=voicemail.reason, delta=1)
    _identify([voicemail])
    return voicemail


def _identify(voicemails: Iterable[Voicemail]) -> None:
    """As whatever writes voicemails does."""
    for row in voicemails:
        if row.reference or row.record_number:
            hashed: Any = Func(Value(f"{row.workspace_id}{row.reference}"), Value(0), function="hashtextextended")
            entry = record_number_entry(row.workspace_id, row.record_number) if row.record_number else None
            VoicemailIdentifier.objects.create(
                voicemail=row, record_number=entry, reference=hashed if row.reference else None
            )


def patient_number(serial: int) -> str:
    """A number of its own for each of 50,000: the hundred fictional ones of area code after area code."""
    return f"+1{201 + serial // 100}5550{100 + serial % 100}"


def make_import(campaign: Campaign, **fields: Any) -> RecipientImport:
    """The row of a list of recipients, without its file."""
    kept = {"file_name": "list.csv", "size_bytes": 1, "format": "csv", "header_row": 1}
    return RecipientImport.objects.create(campaign=campaign, **{"workspace": campaign.workspace, **kept, **fields})


def make_campaign(
    use_case: UseCase | None = None,
    count: int = 0,
    *,
    zones: Sequence[Sequence[str] | None] = (("UTC",),),
    playable: bool = False,
    **fields: Any,
) -> Campaign:
    """A draft unless `state` says otherwise, with `count` queued voicemails as an import leaves them; `zones` go round among them.

    `fields` are the campaign's or its lane's. `playable`: the recording has a file in the media storage, as a launch asks for.
    """
    use_case = use_case or make_use_case()
    state = fields.get("state", CampaignState.DRAFT)
    of_lane = {field.name for field in Lane._meta.fields} - {"id", "workspace"}
    lane = make_lane(
        use_case,
        **{
            "held": state not in ("running", "completed"),
            **{name: value for name, value in fields.items() if name in of_lane},
        },
    )
    recording = fields.pop("recording", None) or make_recording(use_case.workspace)
    if playable:
        default_storage.save(recording.storage_name, ContentFile(b"as good as a recording"))
    campaign = Campaign.objects.create(
        **{
            "id": lane.id,
            "workspace": use_case.workspace,
            "lane": lane,
            "name": f"Campaign {next(_serial)}",
            "recording": recording,
            **{name: value for name, value in fields.items() if name not in of_lane},
        }
    )
    add_recipients(campaign, count, zones=zones)
    return campaign


def add_recipients(
    campaign: Campaign,
    count: int,
    *,
    zones: Sequence[Sequence[str] | None] = (("UTC",),),
    first: int = 0,
    **fields: Any,
) -> list[Voicemail]:
    """Counted voicemails of patients number `first`, `first` + 1, …, queued and due since long unless `fields` say otherwise."""
    lane, due = campaign.lane, datetime(2025, 1, 1, tzinfo=UTC)
    status = VoicemailStatus(fields.get("status", VoicemailStatus.QUEUED))
    voicemails = Voicemail.objects.bulk_create(
        Voicemail(
            **{
                "id": uuid7(),
                "workspace_id": lane.workspace_id,
                "use_case": lane.use_case,
                "setup_id": lane.use_case.setup_id,
                "lane": lane,
                "recording": campaign.recording,
                "live": lane.live,
                "recipient": patient_number(serial),
                "recipient_index": blind_index().of(lane.workspace_id, patient_number(serial)),
                "index_key": blind_index().current,
                "last4": patient_number(serial)[-4:],
                "sender": "",
                "zones": zones[serial % len(zones)],
                "not_before": due,
                "ended_at": due if status in TERMINAL else None,
                **fields,
            }
        )
        for serial in range(first, first + count)
    )
    _identify(voicemails)
    if voicemails:
        LaneDelta.objects.create(lane=lane, status=status, reason=fields.get("reason", ""), delta=count)
    return voicemails


def make_consent(workspace: Workspace | None = None, number: str = RECIPIENT, **fields: Any) -> Consent:
    """Given a day ago, for appointments, unless `fields` say otherwise."""
    workspace = workspace or make_workspace()
    return Consent.objects.create(
        **{
            "id": uuid7(),
            "workspace": workspace,
            "number": number,
            "number_index": blind_index().of(workspace.id, number),
            "index_key": blind_index().current,
            "last4": number[-4:],
            "purposes": ["appointment"],
            "source": "signed form",
            "at": datetime.now(UTC) - timedelta(days=1),
            "evidence": "Form 12 in her chart.",
            **fields,
        }
    )


def make_suppression(workspace: Workspace | None = None, number: str = RECIPIENT, **fields: Any) -> Suppression:
    workspace = workspace or make_workspace()
    return Suppression.objects.create(
        **{
            "id": uuid7(),
            "workspace": workspace,
            "number": number,
            "number_index": blind_index().of(workspace.id, number),
            "index_key": blind_index().current,
            "last4": number[-4:],
            "kind": SuppressionKind.OPT_OUT.value,
            "source": Suppression.Source.PERSON,
            "origin": workspace.pk,
            "reason": "opted_out",
            **fields,
        }
    )
