"""`GET /metrics`: the gauges in Prometheus' text format, for this machine and for whoever has the token.

No client library: it would count inside each web process, while what is worth watching lies in PostgreSQL and Redis.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from ipaddress import ip_address
from itertools import groupby

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from delivery.web.gauges import Gauge, gauges
from rvm.platform.database.clock import database_now

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# With any of them a proxy has passed the request on, and the peer's address says nothing.
FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """200, 403 to strangers, 503 while PostgreSQL does not answer."""
    if not (_has_token(request) or _is_local(request)):
        sentence = "Metrics are for this machine, and for `Authorization: Bearer <RVM_METRICS_TOKEN>`.\n"
        return HttpResponse(sentence, status=403, content_type="text/plain")
    try:
        text = exposition(gauges(database_now()))
    except DatabaseError:
        return HttpResponse("PostgreSQL does not answer.\n", status=503, content_type="text/plain")
    return HttpResponse(text, content_type=CONTENT_TYPE)


def exposition(found: Iterable[Gauge]) -> str:
    """Prometheus' text; gauges of one name lie together. Names and label values are words of ours and need no escaping."""
    lines: list[str] = []
    for name, group in groupby(found, key=lambda gauge: gauge.name):
        samples = list(group)
        lines += [f"# HELP {name} {samples[0].help}", f"# TYPE {name} gauge"]
        for sample in samples:
            labels = ",".join(f'{label}="{value}"' for label, value in sample.labels)
            value = "+Inf" if sample.value == float("inf") else f"{float(sample.value):.15g}"
            lines.append(f"{name}{{{labels}}} {value}" if labels else f"{name} {value}")
    return "\n".join(lines) + "\n"


def _has_token(request: HttpRequest) -> bool:
    expected = f"Bearer {settings.RVM_METRICS_TOKEN}".encode()
    given = request.headers.get("Authorization", "").encode()
    return bool(settings.RVM_METRICS_TOKEN) and hmac.compare_digest(given, expected)


def _is_local(request: HttpRequest) -> bool:
    try:
        peer = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return peer.is_loopback and not any(name in request.headers for name in FORWARDED)
