"""Every route of the platform, from the URL resolver, with what is open to whom.

A new route is walked without being named. It fails here until it is known how it is filled and who may use it:

1. **It needs an id or a token**: give `world.py` a row of that kind (`make_world`) and, unless the name is `object_id` on a page of
   the admin (the row of that page's model), a line in `World.values`.
2. **It is for everybody**, without a key or a session: a line in `PUBLIC` with the reason, which a reviewer must believe. Pages of
   accounts (sign-in, password reset, an invitation's link) belong there too.
3. **An operation of the API**: an entry in `ACTIONS` or `QUESTIONS` of `tests/rvm/project/test_worlds.py` if it changes or asks
   something. Where it rightly needs a second scope, a line in `NEEDS_MORE` of `test_api_access.py`.
4. **A page of the admin**: nothing, if only those who may change things may POST to it. Where a viewer may POST (a search, his own
   password), a line in `VIEWERS_MAY_POST` with the reason; where a POST shows what a GET shows, in `ONLY_SHOWN`; where even an
   administrator is refused, in `NOBODY_MAY`. A page that reads another name than `chosen` or `_selected_action` for the rows that it
   acts on: that name in `bodies` of `test_admin_access.py`.
5. **It shows a number**: nothing. `test_numbers_shown.py` reads every byte that each route sends to people without the right.

The routes of a test run are those of the test's settings; a route that exists in production only needs a test of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

# Without a key or a session. Everything else asks for one.
PUBLIC = {
    "/livez": "A load balancer asks whether the process lives; it tells nothing else.",
    "/readyz": "A load balancer asks which of the services answer; it names them and no row.",
    "/metrics": "Figures without a name, to this machine or with RVM_METRICS_TOKEN (tests/delivery/web/test_metrics.py).",
    "/carriers/<slug:token>/": "A carrier proves itself by the address's token and its signature.",
    "/carriers/<uuid:setup_id>/<int:version>/<slug:token>/": "A carrier proves itself by the address's proof for one drop.",
    "/recordings/<str:token>.mp3": "A player plays a recording by a signed, short-lived address.",
    "/recordings/<uuid:setup_id>/<int:version>/<slug:token>.mp3": "A carrier fetches a drop's recording by a proof for it.",
    "/inbound/<slug:slug>": "A customer's gateway proves itself by the signature of its message.",
    "/opt-out/<slug:slug>": "A patient opts out without an account; the page only ever adds an opt-out.",
    "/opt-out/<slug:slug>/done": "What the patient reads afterwards; the same for every number.",
    "/docs": "The documentation of the API.",
    "/docs/problems": "The documentation of the API's problems.",
    "/docs/problems/<str:code>": "The documentation of one of them.",
    "/v1/openapi.json": "The documentation of the API, for machines.",
    "/": "Leads to the admin, which asks for a session.",
    "/admin/login/": "Leads to the sign-in page.",
    "/accounts/login/": "The sign-in page.",
    "/accounts/logout/": "Ends the session that there is, if there is one.",
    "/accounts/inactive/": "Says that an account is closed; the same for everybody.",
    "/accounts/login/code/confirm/": "A part of signing in; without a begun one it leads to the sign-in page.",
    "/accounts/2fa/authenticate/": "The second factor while signing in; without a begun one it leads to the sign-in page.",
    "/accounts/password/reset/": "Asks for a link by e-mail; says the same whether there is an account or not.",
    "/accounts/password/reset/done/": "What is read afterwards; the same for every address.",
    "/accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": "The link of the e-mail proves itself.",
    "/accounts/password/reset/key/done/": "What is read afterwards.",
    "/accounts/invitation/": "The link of an invitation proves itself; without one the page says that it is not valid.",
    "/accounts/3rdparty/login/cancelled/": "What is read after single sign-on was broken off.",
    "/accounts/3rdparty/login/error/": "What is read after single sign-on failed.",
    "/accounts/social/login/cancelled/": "The older address of the same page.",
    "/accounts/social/login/error/": "The older address of the same page.",
    "/accounts/social/signup/": "The older address of the same page.",
    "/accounts/social/connections/": "The older address; it leads to the newer, which asks for a session.",
    "/accounts/oidc/<str:provider_id>/login/": "Leads to the provider of single sign-on; one that is unknown does not exist.",
    "/accounts/oidc/<str:provider_id>/login/callback/": "What the provider sends proves itself.",
}

# Pages to which a viewer may POST, beside those of the viewer's own account below /accounts/: they read, or end the session.
VIEWERS_MAY_POST = {
    "/admin/logout/": "Ends the viewer's own session.",
    "/admin/password_change/": "Changes the viewer's own password.",
    "/admin/people/": "The search for people, posted so that no number is in an address. Numbers in the answer are masked.",
    "/admin/usecases/usecase/<uuid:object_id>/eligibility/": "Asks whether a person may be reached; counted and recorded.",
    "/admin/usecases/consent/find/": "The search by number, posted so that no number is in an address.",
    "/admin/usecases/suppression/find/": "The search by number, posted so that no number is in an address.",
    "/admin/delivery/voicemail/find/": "The search by number, posted so that no number is in an address.",
}

# Pages of the admin that show, and answer a POST as they answer a GET, beside the lists and histories of rows.
ONLY_SHOWN = {
    "/admin/": "The overview.",
    "/admin/search/": "Finds pages by their names.",
    "/admin/^(?P<app_label>campaigns|delivery|platform|usecases)/$": "The lists of a layer.",
    "/admin/campaigns/campaign/<path:object_id>/change/": "The page of a campaign; its form is another.",
    "/admin/campaigns/recipientimport/<path:object_id>/change/": "The page of a list; its actions have addresses of their own.",
    "/admin/campaigns/optoutimport/<path:object_id>/change/": "The page of a list; its actions have addresses of their own.",
}

# Addresses of the admin that answer nobody, beside the forms of rows that no form makes, changes or deletes.
NOBODY_MAY = {
    "/admin/autocomplete/": "No form of ours completes.",
    "/admin/r/<path:content_type_id>/<path:object_id>/": "No row of ours has a page on a public site.",
    "/admin/(?P<url>.*)$": "Every other address: it does not exist.",
    "/accounts/signup/": "Nobody makes an account for himself.",
    "/accounts/3rdparty/signup/": "Nor by single sign-on.",
    "/accounts/3rdparty/": "Nobody connects identities with the own account.",
    "/accounts/email/": "Nobody changes the address to which the link for a new password goes.",
    "/accounts/confirm-email/": "The same.",
    "/accounts/confirm-email/<str:key>/": "The same.",
    "/accounts/^confirm-email/(?P<key>[-:\\w]+)/$": "The same.",
}

_LABELS = re.compile(r"(?<=<app_label>)[a-z|]+")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")


@dataclass(frozen=True)
class Route:
    """One entry of the URL conf, by its address as it is written there."""

    address: str
    name: str
    callback: Any

    def __str__(self) -> str:
        return self.address

    @property
    def parameters(self) -> list[str]:
        return [first or second for first, second in _PARAMETER.findall(self.address)]

    @property
    def is_api(self) -> bool:
        return self.address.startswith("/v1/") and self.address not in PUBLIC

    @property
    def is_own_account(self) -> bool:
        """A page of the signed-in person's own account."""
        return self.address.startswith("/accounts/")

    @property
    def is_public(self) -> bool:
        return self.address in PUBLIC

    @cached_property
    def model(self) -> type[models.Model] | None:
        """The model whose pages of the admin the route is one of."""
        parts = self.address.split("/")
        if parts[1] != "admin" or len(parts) < 5 or "<" in parts[3]:
            return None
        try:
            return apps.get_model(parts[2], parts[3])
        except LookupError:
            return None

    @property
    def page(self) -> str:
        """Which of Django's own pages of a model it is: changelist, add, history, delete, change; otherwise its name."""
        return self.name.rpartition("_")[2] if self.model else self.name

    def fill(self, values: dict[str, Any]) -> str:
        """The address with these values of its parameters. Raises KeyError for one that has none."""
        plain = self.address.removesuffix("$").replace("/^", "/")
        return _PARAMETER.sub(lambda found: str(values[found[1] or found[2]]), plain)


def _walk(entries: Any, prefix: str = "/") -> Iterator[Route]:
    for entry in entries:
        # Whichever module is imported first decides the order of the labels.
        address = _LABELS.sub(lambda found: "|".join(sorted(found[0].split("|"))), prefix + str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from _walk(entry.url_patterns, address)
        elif isinstance(entry, URLPattern):
            yield Route(address, str(entry.name or ""), entry.callback)


def routes() -> list[Route]:
    """All routes, each address once: of two with the same address the first answers."""
    found: dict[str, Route] = {}
    for route in _walk(get_resolver().url_patterns):
        found.setdefault(route.address, route)
    return list(found.values())


ROUTES = routes()
API = [route for route in ROUTES if route.is_api]
ADMIN = [route for route in ROUTES if not route.is_api and not route.is_public]


# The pages of the admin in shares of which each is walked within seconds.
SHARES = [ADMIN[start::4] for start in range(4)]


def model_admin(route: Route) -> Any:
    return admin.site._registry[route.model] if route.model else None
