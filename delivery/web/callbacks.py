"""Where carriers report: one address per setup, verified on the raw bytes, written to the inbox, answered at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from delivery.carriers import adapter_of
from delivery.carriers.base import CallbackMalformed, CallbackRejected, Carrier
from delivery.engine.lane_routes import UnusableSetup
from delivery.lifecycle.events import Report
from delivery.reports.inbox import receive
from usecases.models import TelephonySetup

log = structlog.get_logger(__name__)

# Carriers send a few hundred bytes, or a few hundred events at a time.
MAX_BYTES = 1024 * 1024
# A changed credential binds in every process this soon after its commit.
MEMORY_SECONDS = 0.5

# By callback token: good until then (monotonic). Unknown tokens are not kept, so nobody can fill it. A flood of callbacks reads and
# decrypts a setup twice a second instead of once each.
_known: dict[str, tuple[float, UUID, Carrier]] = {}


@csrf_exempt
@require_POST
def callback(request: HttpRequest, token: str) -> HttpResponse:
    """200 once the reports are kept; 404 unknown address, 413 too large, 401 not proved, 400 not readable, 503 while
    the setup's carrier is not known or its credentials do not open: the carrier comes again.

    Reports on drops that we do not know are kept and answered 200 too: a carrier would only send them again.
    """
    try:
        receiver = _receiver_of(token)
    except UnusableSetup as error:
        log.error("setup_unusable", setup_id=str(error.setup_id), error=error.cause)
        return HttpResponse(status=503)
    if receiver is None:
        return HttpResponse(status=404)
    setup_id, adapter = receiver
    raw = request.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        return HttpResponse(status=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    url = f"{settings.RVM_PUBLIC_URL}{request.get_full_path()}"
    try:
        # The vendor's own time, give or take some minutes: no other clock of ours is better for it, nor is any worth a query.
        adapter.verify_callback(raw, headers, timezone.now(), url)  # noqa: TID251
        reports = adapter.parse_callback(raw, headers, url)
    except CallbackRejected as error:
        log.warning("callback_rejected", setup_id=str(setup_id), why=str(error))
        return HttpResponse(status=401)
    except CallbackMalformed as error:
        log.warning("callback_malformed", setup_id=str(setup_id), why=str(error))
        return HttpResponse(status=400)
    _keep(setup_id, raw, reports)
    answer = adapter.answer_callback(raw, headers, url)
    return HttpResponse(answer.body, content_type=answer.content_type)


def _keep(setup_id: UUID, raw: bytes, reports: Sequence[Report]) -> None:
    """Once more over a new connection where the kept one has died meanwhile: to keep a report twice changes nothing."""
    try:
        receive(setup_id, raw, reports)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        receive(setup_id, raw, reports)


def _receiver_of(token: str) -> tuple[UUID, Carrier] | None:
    """The setup's id and its carrier, also of a disabled or deleted setup; None for an unknown token. Raises UnusableSetup."""
    now = time.monotonic()
    known = _known.get(token)
    if known and now < known[0]:
        return known[1:]
    setups = TelephonySetup.objects.filter(callback_token=token)
    try:
        setup = setups.first()
        if setup is None:
            return None
        adapter = adapter_of(setup)
    except (LookupError, ValueError) as error:
        raise UnusableSetup(setups.values_list("pk", flat=True).get(), type(error).__name__) from error
    _known[token] = (now + MEMORY_SECONDS, setup.id, adapter)
    return setup.id, adapter
