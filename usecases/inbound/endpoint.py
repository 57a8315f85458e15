"""The signed address of an organisation to which its gateway passes on text messages and key presses of people who were reached.

No answer says whether a number is known: to a message that is understood it is the same for every number.
"""

from __future__ import annotations

import json
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.models import Organisation
from usecases.inbound import words
from usecases.inbound.numbers import written_number
from usecases.inbound.service import MessageIdTaken, hear, valid_secrets
from usecases.inbound.signatures import is_signed_by_any, is_timely
from usecases.models import InboundMessage

log = structlog.get_logger(__name__)

MAX_BYTES = 16 * 1024
MAX_ID_LENGTH = 100
OPTED_OUT, NOT_UNDERSTOOD = "opted_out", "not_understood"
REPLIES = {
    OPTED_OUT: "{organisation} will leave you no more voicemails.",
    NOT_UNDERSTOOD: "{organisation} did not understand this. To get no more voicemails, reply STOP.",
}
_Channel = InboundMessage.Channel


class Malformed(ValueError):
    """A body that is no message; the text is for the developer of the gateway and has nothing of the body."""


@csrf_exempt
@require_POST
def inbound(request: HttpRequest, slug: str) -> HttpResponse:
    """Hear a message: 200 with `result` and a `reply` for the person. 404 unknown address, 413 too large, 401 not authentic or not of
    now, 400 unreadable, 409 another message under a known id."""
    organisation = Organisation.objects.filter(slug=slug).first()
    if organisation is None:
        return _refusal(404, "There is no such address.")
    raw = request.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        return _refusal(413, f"A message has at most {MAX_BYTES:,} bytes.")
    message_id = request.headers.get("Webhook-Id", "")
    if not _is_authentic(request, organisation, message_id, raw):
        log.warning("inbound_rejected", organisation_id=str(organisation.pk))
        return _refusal(401, "The signature, its time or its id is missing or wrong.")
    try:
        number, channel, said = _read(raw)
        opted_out = (
            words.presses_out(said, organisation.opt_out_keys) if channel is _Channel.KEY else words.opts_out(said)
        )
        understood = hear(
            organisation=organisation,
            channel=channel,
            number=number,
            opted_out=opted_out,
            words=said,
            message_id=message_id,
            body=raw.decode(),
        )
    except Malformed as error:
        return _refusal(400, str(error))
    except MessageIdTaken:
        return _refusal(409, "Another message came under this id; give each message an id of its own.")
    result = OPTED_OUT if understood else NOT_UNDERSTOOD
    return JsonResponse(
        {"result": result, "reply": REPLIES[result].format(organisation=organisation.name)}, headers=_HEADERS
    )


_HEADERS = {"Cache-Control": "no-store"}


def _refusal(status: int, message: str) -> JsonResponse:
    return JsonResponse({"error": message}, status=status, headers=_HEADERS)


def _is_authentic(request: HttpRequest, organisation: Organisation, message_id: str, raw: bytes) -> bool:
    timestamp, given = (request.headers.get(f"Webhook-{name}", "") for name in ("Timestamp", "Signature"))
    now = database_now()
    if not (0 < len(message_id) <= MAX_ID_LENGTH and message_id.isascii() and message_id.isprintable()):
        return False
    try:
        known = [row.secret for row in valid_secrets(organisation, now)]
    except Undecryptable:
        log.error("inbound_secret_unreadable", organisation_id=str(organisation.pk))
        return False
    return is_timely(timestamp, now) and is_signed_by_any(known, message_id, timestamp, raw, given)


def _read(raw: bytes) -> tuple[str, InboundMessage.Channel, str]:
    """The number in E.164, the channel and the words or keys. Raises Malformed."""
    try:
        body: Any = json.loads(raw.decode())
    except (ValueError, RecursionError):
        raise Malformed("The body is no JSON in UTF-8.") from None
    if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
        raise Malformed("The body is an object of texts: from, and text or key.")
    given = [channel for channel in (_Channel.TEXT, _Channel.KEY) if channel.value in body]
    if {*body} - {"from", "text", "key"} or "from" not in body or len(given) != 1:
        raise Malformed("Give from, and either text or key; nothing else is read.")
    number = written_number(body["from"])
    if number is None:
        raise Malformed("from is no phone number; write it as + and 7 to 15 digits.")
    return number, given[0], body[given[0].value].replace("\x00", "")
