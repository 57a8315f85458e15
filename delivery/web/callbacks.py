"""Callbacks of carriers: one address per setup; each is verified on its raw bytes, written to the inbox and answered at once."""

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
# Every process uses changed credentials at the latest this long after their commit.
MEMORY_SECONDS = 0.5

# By callback token: valid until (monotonic seconds), setup id, carrier. Unknown tokens are not cached, so requests cannot fill it.
# During a flood of callbacks a setup is read and decrypted twice a second instead of once per callback.
_setups_by_token: dict[str, tuple[float, UUID, Carrier]] = {}


@csrf_exempt
@require_POST
def callback(request: HttpRequest, token: str) -> HttpResponse:
    """Store the reports of a callback. 200 once stored; 404 unknown address, 413 too large, 401 not authentic, 400 unreadable;
    503 while the setup's carrier is unknown or its credentials cannot be read, so that the carrier sends the callback again.

    Reports about unknown drops are stored and answered with 200 too, because the carrier would only send them again.
    """
    try:
        setup_and_adapter = _setup_of_token(token)
    except UnusableSetup as error:
        log.error("setup_unusable", setup_id=str(error.setup_id), error=error.cause)
        return HttpResponse(status=503)
    if setup_and_adapter is None:
        return HttpResponse(status=404)
    setup_id, adapter = setup_and_adapter
    raw = request.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        return HttpResponse(status=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    url = f"{settings.RVM_PUBLIC_URL}{request.get_full_path()}"
    try:
        # Compared with the vendor's clock with minutes of tolerance: the database's clock would be no better and costs a query.
        adapter.verify_callback(raw, headers, timezone.now(), url)  # noqa: TID251
        reports = adapter.parse_callback(raw, headers, url)
    except CallbackRejected as error:
        log.warning("callback_rejected", setup_id=str(setup_id), why=str(error))
        return HttpResponse(status=401)
    except CallbackMalformed as error:
        log.warning("callback_malformed", setup_id=str(setup_id), why=str(error))
        return HttpResponse(status=400)
    _store(setup_id, raw, reports)
    response = adapter.respond_to_callback(raw, headers, url)
    return HttpResponse(response.body, content_type=response.content_type)


def _store(setup_id: UUID, raw: bytes, reports: Sequence[Report]) -> None:
    """Store the reports, on a new connection if the old one has died. Storing a report twice does no harm."""
    try:
        receive(setup_id, raw, reports)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        receive(setup_id, raw, reports)


def _setup_of_token(token: str) -> tuple[UUID, Carrier] | None:
    """The setup's id and carrier, even if the setup is disabled or deleted; None for an unknown token. Raises UnusableSetup."""
    now = time.monotonic()
    cached = _setups_by_token.get(token)
    if cached and now < cached[0]:
        return cached[1:]
    setups = TelephonySetup.objects.filter(callback_token=token)
    try:
        setup = setups.first()
        if setup is None:
            return None
        adapter = adapter_of(setup)
    except (LookupError, ValueError) as error:
        raise UnusableSetup(setups.values_list("pk", flat=True).get(), type(error).__name__) from error
    _setups_by_token[token] = (now + MEMORY_SECONDS, setup.id, adapter)
    return setup.id, adapter
