"""A workspace with a row of every kind, and what each parameter of an address is filled with.

`World.values` is the factory table: a route whose parameter it does not know fails the walk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.test import Client, RequestFactory

from campaigns.admin.people.addresses import address_of
from campaigns.models import Campaign, LaunchApproval, OptOutImport, RecipientImport, Withdrawal
from campaigns.people.search import Person
from delivery.models import CarrierReport, Voicemail
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.fields import EncryptedJSONField, EncryptedTextField
from rvm.platform.models import ApiKey, FailedWork, User, WebhookDelivery, WebhookDestination, Workspace
from rvm.platform.roles import Role
from tests.campaigns.imports.lists import checked
from tests.factories import RECIPIENT, encrypted, make_campaign, make_user, make_voicemail, make_workspace
from tests.rvm.platform.admin.every_row import make_every_row
from tests.rvm.project.access.routes import Route
from tests.rvm.project.test_worlds import Rows, make_rows
from usecases.models import Consent, InboundMessage, Suppression

OURS = ("platform", "usecases", "delivery", "campaigns")
PATIENT = "+12025550111"
GATEWAYS, CARRIERS = "+12025550112", "+12025550113"
# In lists as they were uploaded: rows that are not accepted are kept in the file only.
LISTED = ("+12025550121", "+12025550122", "+12025550123")
LIST = (
    b"Phone,First Name,MRN\r\n(202) 555-0121,Rosalinde,MRN-777121\r\n202.555.0122,Ottokar,MRN-777122\r\n"
    b"202-555-0121,Twice,MRN-777123\r\n2025550123 x9,Extension,MRN-777124\r\n12,Short,MRN-777125\r\n"
)


@dataclass
class World:
    """One workspace and its rows; `rows` has those that pages of the admin show, by their model."""

    workspace: Workspace
    api: Rows
    rows: dict[type[models.Model], list[Any]]

    def values(self, route: Route, reader: User) -> Iterator[dict[str, Any]]:
        """The values of the route's parameters, once for every row that may stand there."""
        named = set(route.parameters)
        if shape := _SHAPES.get(frozenset(named)):
            yield from shape(self, reader)
        elif named <= _PROOFS:
            yield dict.fromkeys(named, "none")
        elif len(found := named & _OF_CAMPAIGNS.keys()) == 1 and named - found == {"object_id"}:
            [name] = found
            for row in _OF_CAMPAIGNS[name].objects.filter(campaign__workspace=self.workspace):
                yield {"object_id": row.campaign_id, name: row.pk}
        elif len(named) == 1 and (name := named.pop()) in _ROWS_BY_PARAMETER | {"object_id": None, "id": None}:
            model = _ROWS_BY_PARAMETER.get(name, route.model)
            assert model is not None and self.rows[model], f"{route} has no row; make one in world.py"
            yield from ({name: row.pk} for row in self.rows[model])
        else:
            raise AssertionError(f"Nothing is known to fill {route} with; tell World.values in {__file__}.")

    def addresses(self, route: Route, reader: User) -> list[str]:
        return [route.fill(values) for values in self.values(route, reader)]

    def first(self, name: str) -> Any:
        return next(rows[0] for model, rows in self.rows.items() if model.__name__ == name and rows)

    def person_token(self, reader: User) -> str:
        """The token of a person's page; it is of one reader."""
        address = address_of(Person(self.workspace, PATIENT), reader, database_now())
        return re.findall(r"/admin/people/([^/]+)/", address)[0]


def _linked_to_a_site(world: World, reader: User) -> Iterator[dict[str, Any]]:
    setup = world.first("TelephonySetup")
    yield {"content_type_id": ContentType.objects.get_for_model(setup).pk, "object_id": setup.pk}


# Parameters that no row of one table fills by its id alone.
_SHAPES: dict[frozenset[str], Callable[[World, User], Iterable[dict[str, Any]]]] = {
    frozenset(): lambda world, reader: [{}],
    frozenset({"app_label"}): lambda world, reader: ({"app_label": label} for label in OURS),
    frozenset({"url"}): lambda world, reader: [{"url": "nothing-here/"}],
    frozenset({"token"}): lambda world, reader: [{"token": world.person_token(reader)}],
    frozenset({"setup_id", "version", "token"}): lambda world, reader: [
        {"setup_id": world.first("TelephonySetup").pk, "version": 1, "token": "none"}
    ],
    frozenset({"event_id"}): lambda world, reader: [{"event_id": world.api.ids["event_id"]}],
    frozenset({"content_type_id", "object_id"}): _linked_to_a_site,
    frozenset({"destination_id", "delivery_id"}): lambda world, reader: (
        {"destination_id": row.destination_id, "delivery_id": row.pk} for row in world.rows[WebhookDelivery]
    ),
}

# Which administrators give and see: it is about no patient.
_ADDRESS = WebhookDestination._meta.get_field("url")
# What somebody was sent, and proves who he is.
_PROOFS = {"key", "uidb36", "provider_id"}
# Rows that a page shows under their campaign.
_OF_CAMPAIGNS: dict[str, Any] = {"withdrawal_id": Withdrawal, "approval_id": LaunchApproval}
_ROWS_BY_PARAMETER: dict[str, type[models.Model] | None] = {
    "voicemail_id": Voicemail,
    "suppression_id": Suppression,
    "consent_id": Consent,
    "api_key_id": ApiKey,
    "destination_id": WebhookDestination,
}


def make_world(*, live: bool = True) -> World:
    """With campaigns in every state, lists in every state, and a patient about whom everything is known."""
    workspace, now = make_workspace(), database_now()
    api = make_rows(workspace, live=live)
    made = make_every_row(workspace)
    # Numbers of their own: the factories' one is the example in forms.
    for row, values in (
        (made[InboundMessage], {"number": GATEWAYS, "words": "Stopp, Wilhelmine"}),
        (made[CarrierReport], {"recipient": CARRIERS}),
    ):
        type(row)._default_manager.filter(pk=row.pk).update(
            **{name: encrypted(row, name, value) for name, value in values.items()}
        )
    campaign = make_campaign(api.campaigns["draft"].use_case, live=live)
    listed = checked(campaign, LIST, name="Flu clinic 2025550121.csv")
    assert listed.state == "checked", listed.error
    # One that may be done again, and one that may be taken off the list.
    for kind, subject in (("list_stuck", listed.pk), ("unreadable", workspace.pk)):
        FailedWork.objects.create(
            kind=kind, subject=str(subject), workspace=workspace, reason="It fails.", first_at=now, last_at=now
        )
    use_case = campaign.lane.use_case
    make_voicemail(
        use_case,
        live=live,
        recipient=PATIENT,
        record_number="MRN-777111",
        merge_fields={"first_name": "Wilhelmine"},
        status="failed",
        reason="busy",
    )
    make_voicemail(lane=campaign.lane, recipient=PATIENT, record_number="MRN-777111", merge_fields={"first_name": "W."})
    administrator = make_user(workspace=workspace, is_staff=True, password=None, may_see_numbers=True)
    rows = {
        model: list(of_workspace(admin.site._registry[model], administrator))
        for model in admin.site._registry
        if model._meta.app_label in OURS
    }
    assert {row.state for row in rows[Campaign]} >= {"draft", "scheduled", "running", "paused", "completed"}
    assert {row.state for row in rows[RecipientImport] + rows[OptOutImport]} >= {"uploaded", "checked", "completed"}
    return World(workspace, api, rows)


def of_workspace(table: Any, administrator: User) -> Any:
    """The table's rows of the administrator's workspace; all of a table of the platform's own."""
    request = RequestFactory().get("/")
    request.user = administrator
    rows = table.model._default_manager.all() if table.workspace_path is None else table.get_queryset(request)
    return rows.order_by("pk")


def person(world: World | None, role: Role = Role.ADMIN, **fields: Any) -> User:
    """A member of the world's workspace."""
    workspace = world.workspace if world else None
    return make_user(workspace=workspace, role=role, is_staff=True, password=None, **fields)


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


# what must not be seen


def confidential(world: World) -> tuple[set[str], set[str]]:
    """The whole phone numbers of patients, and the other texts about them, of all encrypted columns and of the lists; not the
    factories' number, which is the example in forms too."""
    numbers, texts = {PATIENT, *LISTED}, {f"MRN-7771{place}" for place in (11, 21, 22, 23, 24, 25)}
    for model in (model for label in OURS for model in apps.get_app_config(label).get_models()):
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField | EncryptedJSONField) and field is not _ADDRESS:
                for row in model._default_manager.all():
                    for text in leaves(getattr(row, field.attname)):
                        (numbers if re.fullmatch(r"\+1\d{10}", text) else texts).add(text)
    return numbers - {RECIPIENT}, {text for text in texts if len(text) >= 6}


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from leaves(one)
