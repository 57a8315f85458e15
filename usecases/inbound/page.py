"""The public page of an organisation on which people write their number to get no more voicemails, in English and Spanish.

It works without a script, and answers every number alike, with the same work: it does not say whether a number is known. The number
is in the body of the request only, and no address contains it.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import decorator_from_middleware
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from rvm.platform.models import Organisation
from usecases.inbound.limits import exceeded
from usecases.inbound.numbers import written_number
from usecases.inbound.service import hear
from usecases.models import InboundMessage

MAX_LENGTH = 60
LANGUAGES = ("en", "es")
TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Stop voicemails from {organisation}",
        "intro": "Write your phone number. {organisation} will leave no more recorded voicemails at it.",
        "label": "Your phone number",
        "hint": "For example (202) 555-0142. One number at a time.",
        "button": "Stop voicemails",
        "wrong": "This is not one whole phone number. Write it with its area code, such as (202) 555-0142.",
        "done_title": "Done",
        "done": "{organisation} will leave no more recorded voicemails at this number. You need do nothing else.",
        "under_way": "A message that has left already may still arrive today.",
        "again": "Stop voicemails at another number",
        "limited": "Too many numbers were written from your network. Try again in an hour, or call {organisation}.",
        "cookies": "The form has become too old, or your browser keeps no cookies for this page. Allow them and press the button "
        "again, or call {organisation}.",
        "private": "We do not say whether a number is known to us.",
        "language": "Español",
        "error": "Error",
    },
    "es": {
        "title": "No recibir más mensajes de voz de {organisation}",
        "intro": "Escriba su número de teléfono. {organisation} no dejará más mensajes de voz grabados en él.",
        "label": "Su número de teléfono",
        "hint": "Por ejemplo (202) 555-0142. Un número cada vez.",
        "button": "No recibir más mensajes",
        "wrong": "No es un solo número de teléfono completo. Escríbalo con su código de área, como (202) 555-0142.",
        "done_title": "Listo",
        "done": "{organisation} no dejará más mensajes de voz grabados en este número. No tiene que hacer nada más.",
        "under_way": "Un mensaje que ya salió puede llegar todavía hoy.",
        "again": "Dar otro número",
        "limited": "Se escribieron demasiados números desde su red. Intente de nuevo en una hora, o llame a {organisation}.",
        "cookies": "El formulario venció, o su navegador no guarda cookies de esta página. Permítalas y pulse el botón otra vez, o "
        "llame a {organisation}.",
        "private": "No decimos si conocemos un número.",
        "language": "English",
        "error": "Error",
    },
}
_HEADERS = {
    "X-Robots-Tag": "noindex, nofollow",
    # Not no-referrer: browsers would send the form with an Origin of null, which the check for forms of other sites refuses.
    "Referrer-Policy": "same-origin",
    # Nothing but its form and its style: it runs no script and has no picture.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}


class _FormCheck(CsrfViewMiddleware):
    """Django's check for forms of other sites, with the page as its refusal: mostly it meets a browser that keeps no cookies."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        match = request.resolver_match
        return _page(request, _organisation(match.kwargs["slug"] if match else ""), status=403, problem="cookies")


# The project's middleware would refuse before this check; it is the same one.
@csrf_exempt
def page(request: HttpRequest, slug: str) -> HttpResponseBase:
    return _checked_page(request, slug)


@require_http_methods(["GET", "HEAD", "POST"])
@decorator_from_middleware(_FormCheck)
def _checked_page(request: HttpRequest, slug: str) -> HttpResponse:
    organisation = _organisation(slug)
    if request.method != "POST":
        return _page(request, organisation)
    written = request.POST.get("number", "")[:MAX_LENGTH]
    if limit := exceeded(request, organisation.pk):
        response = _page(request, organisation, status=429, problem="limited", written=written)
        response.headers["Retry-After"] = str(limit.seconds)
        return response
    number = written_number(written)
    if number is None:
        return _page(request, organisation, status=422, problem="wrong", written=written)
    hear(organisation=organisation, channel=InboundMessage.Channel.PAGE, number=number, opted_out=True)
    address = reverse("opt_out_done", args=[organisation.slug])
    return redirect(f"{address}?lang={_language(request)}", headers=_HEADERS)


@require_GET
def done(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, _organisation(slug), is_done=True)


def _organisation(slug: str) -> Organisation:
    found = Organisation.objects.filter(slug=slug, opt_out_page=True).first()
    if found is None:
        raise Http404("There is no such page.")
    return found


def _language(request: HttpRequest) -> str:
    """The language that the person has chosen, else the first of the browser's that is one of ours."""
    wished = [request.GET.get("lang", ""), *request.headers.get("Accept-Language", "").split(",")]
    for each in wished:
        if (code := each.strip()[:2].lower()) in LANGUAGES:
            return code
    return LANGUAGES[0]


def _page(
    request: HttpRequest,
    organisation: Organisation,
    *,
    status: int = 200,
    problem: str = "",
    written: str = "",
    is_done: bool = False,
) -> TemplateResponse:
    language = _language(request)
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    texts = {name: text.format(organisation=organisation.name) for name, text in TEXTS[language].items()}
    context: dict[str, Any] = {
        "language": language,
        "other": other,
        "texts": texts,
        "problem": texts[problem] if problem else "",
        "written": written,
        "is_done": is_done,
        "address": reverse("opt_out_page", args=[organisation.slug]),
        "max_length": MAX_LENGTH,
    }
    return TemplateResponse(request, "usecases/opt_out.html", context, status=status, headers=_HEADERS)
