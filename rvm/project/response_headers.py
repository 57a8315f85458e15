"""Headers of every response: what caches may keep, what a browser may load, and what a page may ask of the machine.

Nothing is kept by a cache except static files and what its view calls public, also where a view says less: an answer may hold
patients' numbers, a redirect an address with a proof. A page loads only what comes from this site. A view that has its own
Content-Security-Policy keeps it.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from whitenoise.middleware import WhiteNoiseFileResponse

# No page asks for any of these unless its view names it in a Permissions-Policy of its own; a script that got in could not either.
_FEATURES = (
    "accelerometer", "autoplay", "bluetooth", "browsing-topics", "camera", "display-capture", "fullscreen", "geolocation",
    "gyroscope", "hid", "idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
    "publickey-credentials-create", "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
# JSON, CSV and sounds: nothing in them is a page, whatever a browser takes it for.
DATA = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


# The directives with which a view has said enough.
_CACHING = {"no-store", "public"}


def _directives(headers: Mapping[str, str]) -> list[str]:
    return [each.strip() for each in headers.get("Cache-Control", "").split(",")]


@functools.cache
def _permissions(own: str) -> str:
    """The view's own permissions, and every other feature denied."""
    permitted = {each.partition("=")[0].strip() for each in own.split(",")}
    return ", ".join([*([own] if own else []), *(f"{feature}=()" for feature in _FEATURES if feature not in permitted)])


def _pages() -> str:
    """Our own pages. `data:` draws the QR code of a second factor.

    Browsers follow a form's redirect only where form-action permits it, and the sign-in page's leads to the identity provider, whose
    page may be on another host than its issuer.
    """
    provider = f" {urlsplit(settings.RVM_OIDC_ISSUER).scheme}:" if settings.RVM_OIDC_ISSUER else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; font-src 'self'; img-src 'self' data:; "
        f"base-uri 'none'; form-action 'self'{provider}; frame-ancestors 'none'"
    )


def _admin() -> str:
    """Pages that unfold draws, which need more in two places.

    `unsafe-eval`: Alpine and htmx compile the expressions in unfold's attributes. `unsafe-inline` for styles: unfold writes its
    colours and some measures into the page. No inline script runs. htmx and charts ask this site only; sounds come from the public
    address, and from the page itself (`blob:`), where what was just recorded is listened to.
    """
    return (
        "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
        f"img-src 'self' data:; connect-src 'self'; media-src 'self' blob: {settings.RVM_PUBLIC_URL}; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


class ResponseHeadersMiddleware:
    """Gives each request a `csp_nonce`, for the style elements of our own pages, and each response its headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._pages, self._admin = _pages(), _admin()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        nonce = secrets.token_urlsafe(16)
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        response = self.get_response(request)
        headers = response.headers
        if not isinstance(response, WhiteNoiseFileResponse) and not _CACHING & set(_directives(headers)):
            headers["Cache-Control"] = "no-store"
        if "Content-Security-Policy" not in headers:
            headers["Content-Security-Policy"] = self._policy(request, response).format(nonce=nonce)
        headers["Permissions-Policy"] = _permissions(headers.get("Permissions-Policy", ""))
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    def _policy(self, request: HttpRequest, response: HttpResponseBase) -> str:
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            return DATA
        # Pages about errors and sheets for printing below /admin/ are ours: no template response draws them.
        is_of_admin = request.path.startswith("/admin/") and isinstance(response, SimpleTemplateResponse)
        return self._admin if is_of_admin else self._pages
