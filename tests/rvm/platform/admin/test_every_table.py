"""No table is missing in the admin, none is registered without scoping, and every page of it opens."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from rvm.platform.admin.scoping import ScopedModelAdmin
from tests.factories import make_user, make_workspace
from tests.rvm.platform.admin.every_row import make_every_row

pytestmark = pytest.mark.django_db

REGISTERED = list(admin.site._registry)
# Shown on the pages of the rows that they belong to: the use case's numbers, the lane's counts and, on the Overview, the use
# case's, what a clip is heard in, why a list's rows were left out, how far a campaign's retry is, how its first people ended,
# how a voicemail is found, why it was withheld, when a carrier is asked for its result, how often a number was reached; the
# state rules, the chains of the audit and how far a new key is, which commands show; how often a sign-in was tried, and
# sessions; the secrets of a setup's callback address, who let out a launch, how often somebody asked by a number; for how long
# data are kept, legal holds and erasures; events, which the API tells, and the secrets of a webhook destination and attempts of
# its deliveries.
WITHIN_OTHERS = {
    "usecases.numberassignment",
    "delivery.lanecount",
    "delivery.lanedelta",
    "delivery.usecasecount",
    "delivery.assembly",
    "campaigns.rejectedrow",
    "campaigns.campaignretry",
    "campaigns.canary",
    "delivery.canarymember",
    "delivery.voicemailidentifier",
    "usecases.suppressioncopying",
    "delivery.droprecount",
    "delivery.awaitedresult",
    "delivery.keptdecision",
    "delivery.keptpolicy",
    "delivery.recentdrops",
    "delivery.callcommand",
    "usecases.stateruleset",
    "platform.signincount",
    "platform.auditchain",
    "platform.auditseal",
    "platform.unsealedevent",
    "platform.session",
    "platform.numberquestions",
    "platform.keyrotation",
    "platform.retentionrule",
    "platform.legalhold",
    "platform.erasure",
    "usecases.callbacksecret",
    "campaigns.launchapproval",
    "platform.outbox",
    "platform.event",
    "platform.webhooksecret",
    "platform.webhookattempt",
}


def address(model: Any, page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def test_every_table_of_ours_is_registered() -> None:
    ours = {
        model._meta.label_lower
        for name in ("platform", "usecases", "delivery", "campaigns")
        for model in apps.get_app_config(name).get_models()
    }
    assert {model._meta.label_lower for model in REGISTERED} == ours - WITHIN_OTHERS


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label_lower)
def test_every_table_is_scoped(model: Any) -> None:
    assert isinstance(admin.site._registry[model], ScopedModelAdmin)


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label_lower)
def test_a_superuser_can_open_every_page(model: Any, client: Client) -> None:
    rows = make_every_row(make_workspace())
    client.force_login(make_user(is_staff=True, is_superuser=True, password=None))
    assert client.get(address(model, "changelist")).status_code == 200
    assert client.get(address(model, "change", rows[model].pk)).status_code == 200
    added = client.get(address(model, "add"))
    assert added.status_code == (200 if admin.site._registry[model].has_add_permission(added.wsgi_request) else 403)
