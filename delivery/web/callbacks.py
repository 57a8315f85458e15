"""Callbacks of carriers: each is verified on its raw bytes, written to the inbox and answered at once.

A carrier reports to the address that was given with the drop, which carries a proof for it, or to the fixed address that is
registered at the vendor. A signature proves any report of the setup; without one, only the drop of the address can be reported on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from delivery.calls import commands
from delivery.calls.steps import as_proved
from delivery.carriers import adapter_of
from delivery.carriers.abilities import CallAndDetect, CallCommands, CallStep, Playable, ResultPoll
from delivery.carriers.base import Callback, CallbackMalformed, CallbackRejected, Carrier
from delivery.engine.lane_routes import UnusableSetup
from delivery.lifecycle import awaited_results
from delivery.lifecycle.events import Report, ReportStatus
from delivery.reports.evidence import contradiction
from delivery.reports.inbox import receive
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.tokens import digest_of
from usecases.callbacks.addresses import carriers_url
from usecases.callbacks.proofs import CallbackKey, Use
from usecases.models import CallbackSecret, CallbackSecretQuerySet

log = structlog.get_logger(__name__)

# Carriers send a few hundred bytes, or a few hundred events at a time.
MAX_BYTES = 1024 * 1024
# Every process uses changed credentials, and forgets ended addresses, at the latest this long after their commit.
MEMORY_SECONDS = 0.5


class Listener(NamedTuple):
    """The setup to which an address belongs, with the version of its secret."""

    setup_id: UUID
    adapter: Carrier
    key: CallbackKey


# By address: valid until (monotonic seconds), and who listens there. Unknown addresses are not cached, so requests cannot fill it.
# During a flood of callbacks a setup is read and decrypted twice a second instead of once per callback.
_listeners: dict[Hashable, tuple[float, Listener]] = {}


@csrf_exempt
@require_POST
def setup_callback(request: HttpRequest, token: str) -> HttpResponse:
    """A callback to the address that is registered at the vendor: only what is signed counts there. 404 for an unknown address."""
    digest = digest_of(token)
    return _answer(request, lambda: _listener(digest, CallbackSecret.objects.filter(digest=digest)), proved=None)


@csrf_exempt
@require_POST
def drop_callback(request: HttpRequest, setup_id: UUID, version: int, token: str) -> HttpResponse:
    """A callback to the address that was given with a drop: unsigned reports count if they are about that drop. 404 for an unknown
    address, and for one whose proof is not of its secret."""
    secrets = CallbackSecret.objects.filter(setup_id=setup_id, version=version)
    return _answer(request, lambda: _listener((setup_id, version), secrets), proved=token)


def _answer(request: HttpRequest, find: Callable[[], Listener | None], *, proved: str | None) -> HttpResponse:
    """Store the reports of a callback. 200 once stored; 413 too large, 401 not authentic, 400 unreadable; 503 while the setup's
    carrier is unknown or its credentials cannot be read, so that the carrier sends the callback again.

    Reports about unknown drops are stored and answered with 200 too, because the carrier would only send them again.
    """
    try:
        listener = find()
    except UnusableSetup as error:
        log.error("setup_unusable", setup_id=str(error.setup_id), error=error.cause)
        return HttpResponse(status=503)
    drop_id = listener.key.proved(Use.REPORT, proved) if listener and proved is not None else None
    if listener is None or (proved is not None and drop_id is None):
        return HttpResponse(status=404)
    setup_id, adapter, key = listener
    raw = request.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        return HttpResponse(status=413)
    callback = Callback(
        raw,
        {name.lower(): value for name, value in request.headers.items()},
        f"{carriers_url()}{request.get_full_path()}",
        # Compared with the vendor's clock with minutes of tolerance: the database's clock would be no better and costs a query.
        timezone.now(),  # noqa: TID251
        drop_id,
    )
    try:
        reports, step = _read(adapter, callback)
    except CallbackRejected as error:
        log.warning("callback_rejected", setup_id=str(setup_id), why=str(error))
        return HttpResponse(status=401)
    except CallbackMalformed as error:
        log.warning("callback_malformed", setup_id=str(setup_id), why=str(error))
        return HttpResponse(status=400)
    sound = _store(key, callback, reports, step, adapter)
    response = adapter.respond(callback, sound) if isinstance(adapter, CallAndDetect) else adapter.acknowledgement
    return HttpResponse(response.body, content_type=response.content_type)


def _read(adapter: Carrier, callback: Callback) -> tuple[Sequence[Report], CallStep | None]:
    """The reports that the callback proves, and what its call must be told. All of a signed one count; of an unsigned one, those
    about the drop of its address that do not contradict it, marked as unsigned if the setup's results are signed. Raises
    CallbackRejected, CallbackMalformed.

    Where the carrier can be asked for the result, an unsigned report proves only that the carrier has the drop: it is asked.
    """
    signed = adapter.verify(callback)
    if not signed and callback.drop_id is None:
        raise CallbackRejected("It is unsigned, and came to an address that was given with no drop.")
    reports, step = adapter.parse(callback), None
    if isinstance(adapter, CallAndDetect):
        step = adapter.step_after(callback)
        if not adapter.says_played:
            reports = [as_proved(report, simulated=adapter.simulated) for report in reports]
    if signed:
        return reports, step
    drops = [report.attempt_key for report in reports] + ([step.attempt_key] if step else [])
    if any(named != callback.drop_id for named in drops):
        raise CallbackRejected("It is unsigned, and is not about the drop with which its address was given.")
    for report in reports:
        if why := contradiction(report, one_reference=adapter.one_reference):
            raise CallbackRejected(f"It is unsigned, and {why}.")
    if isinstance(adapter, ResultPoll):
        return [_acceptance(report) for report in reports], step
    return [replace(report, recipient="", unsigned=adapter.signs_results) for report in reports], step


def _acceptance(report: Report) -> Report:
    return Report(
        report.attempt_key,
        ReportStatus.ACCEPTED,
        report.occurred_at,
        event_id=report.event_id,
        carrier_reference=report.carrier_reference,
        unsigned=True,
    )


def _store(
    key: CallbackKey, callback: Callback, reports: Sequence[Report], step: CallStep | None, adapter: Carrier
) -> Playable | None:
    """Store the reports and what the call is told, on a new connection if the old one has died; returns what it is to be played.
    Storing a callback twice does no harm."""
    try:
        return _write(key, callback, reports, step, adapter)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        return _write(key, callback, reports, step, adapter)


def _write(
    key: CallbackKey, callback: Callback, reports: Sequence[Report], step: CallStep | None, adapter: Carrier
) -> Playable | None:
    setup_id, sound = key.setup_id, None
    polled = reports if isinstance(adapter, ResultPoll) else ()
    with transaction.atomic() if step or polled else nullcontext():
        receive(setup_id, callback.raw, reports)
        if step and isinstance(adapter, CallCommands):
            commands.ask(setup_id, step)
        elif step:
            sound = commands.tell(key, step)
        accepted = [report for report in polled if report.attempt_key and report.status is ReportStatus.ACCEPTED]
        if accepted:
            # A result that an unsigned callback claims is asked for at once, and one that is still to come as after a submission.
            wait = timedelta() if accepted[0].unsigned else awaited_results.WAITS[0]
            drop_ids = {report.attempt_key for report in accepted if report.attempt_key}
            awaited_results.expect([(drop_id, setup_id) for drop_id in drop_ids], database_now() + wait)
    return sound


def _listener(address: Hashable, secrets: CallbackSecretQuerySet) -> Listener | None:
    """The listener at the address, also of a disabled or deleted setup; None if it is unknown or has ended. Raises UnusableSetup."""
    now = time.monotonic()
    cached = _listeners.get(address)
    if cached and now < cached[0]:
        return cached[1]
    found = secrets.valid().select_related("setup")
    try:
        secret = found.first()
        if secret is None:
            return None
        listener = Listener(secret.setup_id, adapter_of(secret.setup), secret.callback_key)
    except (LookupError, ValueError) as error:
        raise UnusableSetup(found.values_list("setup_id", flat=True).get(), type(error).__name__) from error
    _listeners[address] = (now + MEMORY_SECONDS, listener)
    return listener
