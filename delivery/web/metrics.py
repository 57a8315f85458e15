"""`GET /metrics`: the gauges in Prometheus' text format, for callers on this machine and callers with the token.

The values are in PostgreSQL and Redis, so a collector reads them there at each scrape. The client library's own metrics count within
one web process and are not used.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address
from itertools import groupby

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from delivery.web.gauges import gauges
from rvm.platform.database.clock import database_now

# A request with any of these came through a proxy, so the peer's address is not the caller's.
FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics: 200, 403 for callers without permission, 503 while PostgreSQL does not respond."""
    if not (_has_token(request) or _is_local(request)):
        message = "Metrics are for this machine, and for `Authorization: Bearer <RVM_METRICS_TOKEN>`.\n"
        return HttpResponse(message, status=403, content_type="text/plain")
    try:
        text = generate_latest(GaugeCollector(database_now()))
    except DatabaseError:
        return HttpResponse("PostgreSQL does not answer.\n", status=503, content_type="text/plain")
    return HttpResponse(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


class GaugeCollector(Collector):
    """The gauges at one time in the client library's form, grouped by name."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One metric family per name of a gauge. Raises DatabaseError."""
        for name, group in groupby(gauges(self.now), key=lambda gauge: gauge.name):
            samples = list(group)
            family = GaugeMetricFamily(name, samples[0].help, labels=[label for label, _ in samples[0].labels])
            for sample in samples:
                family.add_metric([value for _, value in sample.labels], sample.value)
            yield family


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
