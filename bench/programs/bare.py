"""The minimal callback view on the platform's own server: verify one HMAC, insert one row.

`bench.programs.bare_wsgi` serves it together with all addresses of the platform, with the same middleware and settings. Its insert is
a prepared statement with server-side parameters, like the inbox's, so that the baseline is not slower than necessary.
"""

from __future__ import annotations

import hashlib
import hmac

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.csrf import csrf_exempt

from rvm.platform.database import sql
from rvm.project import urls

TABLE = "CREATE TABLE IF NOT EXISTS bench_bare (id bigserial PRIMARY KEY, body bytea NOT NULL, at timestamptz DEFAULT now())"
SECRET = b"bench-secret"


@csrf_exempt
def bare(request: HttpRequest) -> HttpResponse:
    signed = request.headers["X-Sandbox-Timestamp"].encode() + b"." + request.body
    expected = "sha256=" + hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers["X-Sandbox-Signature"]):
        return HttpResponse(status=401)
    sql.run("INSERT INTO bench_bare (body) VALUES (%s)", [request.body])
    return HttpResponse()


urlpatterns: list[URLPattern | URLResolver] = [path("bench/bare/", bare), *urls.urlpatterns]
