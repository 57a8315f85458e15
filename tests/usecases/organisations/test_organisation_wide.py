"""What is said to an organisation is on the list of each of its workspaces, is lifted in all of them, and tells no member of one of
another's patients."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.admin.people.addresses import address_of
from campaigns.opt_outs import listing
from campaigns.opt_outs import service as lists
from campaigns.people.search import Person
from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import Reason
from delivery.models import Voicemail
from delivery.reports.inbox import merge, receive
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.models import AuditEvent, Membership, Workspace
from rvm.platform.roles import Role
from rvm.platform.scopes import Scope
from tests.campaigns.opt_outs.lists import after_work, check, checked, imported, undone, uploaded
from tests.delivery.states import make_submitted
from tests.factories import (
    RECIPIENT,
    make_api,
    make_consent,
    make_suppression,
    make_use_case,
    make_user,
    make_voicemail,
    make_workspace,
)
from usecases.models import Consent, Suppression
from usecases.services.consents import NewConsent
from usecases.services.suppressions import lift, suppress_number
from usecases.suppression_kinds import SuppressionKind, SuppressionScope
from usecases.suppressions import LIFTED_ELSEWHERE, is_suppressed, suppress_for_organisation, suppress_index

pytestmark = pytest.mark.django_db
OTHER = "+12025550143"


@pytest.fixture
def sister(workspace: Workspace) -> Workspace:
    return make_workspace(organisation=workspace.organisation)


def by_hand(workspace: Workspace, **said: Any) -> Suppression:
    return suppress_number(
        **{
            "workspace": workspace,
            "number": RECIPIENT,
            "kind": SuppressionKind.OPT_OUT,
            "source": Suppression.Source.PERSON,
            "actor": None,
            **said,
        }
    )[0]


def by_a_program(workspace: Workspace) -> None:
    body = {"recipient_phone_number": RECIPIENT, "reason": "opt_out"}
    assert make_api(workspace).post("suppressions", body).status_code == 201


def by_a_report(workspace: Workspace) -> None:
    drop = make_submitted("accepted", use_case=make_use_case(workspace))
    receive(drop.setup_id, b"{}", [Report(drop.id, ReportStatus.FAILED, timezone.now(), reason=Reason.OPTED_OUT)])
    merge(timezone.now())


def by_a_list(workspace: Workspace) -> None:
    imported(workspace, f"Phone\n{RECIPIENT}\n")


def by_the_person(workspace: Workspace) -> None:
    suppress_for_organisation(workspace.organisation_id, RECIPIENT, Suppression.Source.INBOUND, "page")


@pytest.mark.parametrize("by", [by_hand, by_a_program, by_a_report, by_a_list, by_the_person])
def test_an_opt_out_binds_every_workspace_of_the_organisation_and_no_other(
    by: Callable[[Workspace], Any], workspace: Workspace, sister: Workspace
) -> None:
    stranger = make_workspace()
    by(workspace)
    assert [is_suppressed(each.pk, RECIPIENT) for each in (workspace, sister, stranger)] == [True, True, False]
    rows = {row.workspace_id: row for row in Suppression.objects.all()}
    assert {*rows} == {workspace.pk, sister.pk}
    for workspace_id, row in rows.items():
        assert bytes(row.number_index) == blind_index().of(workspace_id, RECIPIENT)
        assert row.number == RECIPIENT
    assert len({bytes(row.number_index) for row in rows.values()}) == 2


def test_one_for_a_workspace_binds_this_workspace_only(workspace: Workspace, sister: Workspace) -> None:
    row = by_hand(workspace, scope=SuppressionScope.WORKSPACE)
    assert (row.scope, is_suppressed(workspace.pk, RECIPIENT), is_suppressed(sister.pk, RECIPIENT)) == (
        "workspace",
        True,
        False,
    )
    by_hand(workspace)  # for the organisation, beside it
    assert is_suppressed(sister.pk, RECIPIENT)
    assert Suppression.objects.count() == 3


def test_purposes_narrow_it_in_every_workspace(workspace: Workspace, sister: Workspace) -> None:
    by_hand(workspace, purposes=["wellness"])
    assert is_suppressed(sister.pk, RECIPIENT, "wellness")
    assert not is_suppressed(sister.pk, RECIPIENT, "appointment")


def test_what_waits_for_the_number_in_another_workspace_ends_at_once(workspace: Workspace, sister: Workspace) -> None:
    waiting = make_voicemail(make_use_case(sister))
    by_hand(workspace)
    assert Voicemail.objects.get(pk=waiting.pk).status == "skipped"


def test_the_same_statement_is_kept_once_for_the_organisation(workspace: Workspace, sister: Workspace) -> None:
    by_hand(workspace)
    again, created = suppress_number(
        workspace=sister,
        number=RECIPIENT,
        kind=SuppressionKind.OPT_OUT,
        source=Suppression.Source.PERSON,
        actor=None,
    )
    assert (created, again.workspace, again.from_elsewhere) == (False, sister, True)
    assert Suppression.objects.count() == 2


def test_a_number_that_cannot_be_read_is_suppressed_where_it_was_met(workspace: Workspace, sister: Workspace) -> None:
    suppress_index(
        workspace_id=workspace.pk,
        number_index=blind_index().of(workspace.pk, RECIPIENT),
        index_key=blind_index().current,
        last4="0142",
        reason="opted_out",
    )
    assert Suppression.objects.get().scope == "workspace"


def test_a_copy_has_no_words_of_the_workspace_in_which_it_was_said(workspace: Workspace, sister: Workspace) -> None:
    by_hand(workspace, reason="oncology asked", actor=make_user(workspace=workspace, password=None))
    copy = Suppression.objects.get(workspace=sister)
    assert (copy.reason, copy.created_by, copy.list_id) == ("", None, None)
    assert Suppression.objects.get(workspace=workspace).reason == "oncology asked"
    imported(workspace, f"Phone,Reason\n{OTHER},oncology\n")
    copied = Suppression.objects.get(workspace=sister, source="import")
    assert (copied.reason, copied.list_id) == ("", None)


def test_the_api_says_scope_and_origin_and_masks_another_workspaces_patient(
    workspace: Workspace, sister: Workspace
) -> None:
    by_hand(workspace, reason="oncology asked")
    by_the_person(workspace)
    told = make_api(sister).get("suppressions")
    assert RECIPIENT not in str(told.json()["items"][1]) and "oncology" not in told.content.decode()
    assert str(workspace.pk) not in told.content.decode()
    assert [(item["scope"], item["origin"]) for item in told.json()["items"]] == [
        ("organisation", "organisation"),
        ("organisation", "another_workspace"),
    ]
    own = make_api(workspace).get("suppressions", scope="organisation").json()["items"][1]
    assert (own["origin"], own["recipient_phone_number"]) == ("this_workspace", RECIPIENT)
    assert make_api(workspace).get("suppressions", scope="workspace").json()["items"] == []


def test_a_persons_page_says_scope_and_origin_and_lets_only_an_administrator_of_all_lift(
    client: Client, workspace: Workspace, sister: Workspace
) -> None:
    by_hand(workspace, reason="oncology asked")
    reader = make_user(workspace=sister, is_staff=True, password=None)
    client.force_login(reader)
    address = address_of(Person(sister, RECIPIENT), reader, database_now())
    page = client.get(address).content.decode()
    assert "all workspaces of the organisation" in page and "said in another workspace" in page
    assert "oncology" not in page and "Lift…" not in page
    Membership.objects.create(workspace=workspace, user=reader, role=Role.ADMIN)
    assert "Lift…" in client.get(address).content.decode()


def test_the_admin_masks_another_workspaces_patient_on_the_page_and_in_the_export(
    client: Client, workspace: Workspace, sister: Workspace
) -> None:
    by_hand(workspace, reason="oncology asked")
    client.force_login(make_user(workspace=sister, is_staff=True, may_see_numbers=True, password=None))
    copy = Suppression.objects.get(workspace=sister)
    page = client.get(f"/admin/usecases/suppression/{copy.pk}/change/").content.decode()
    assert "In another workspace" in page and "All workspaces of the organisation" in page
    assert client.get(f"/admin/people/of-suppression/{copy.pk}/").status_code == 404
    assert "of-suppression" not in page
    export = b"".join(client.get("/admin/usecases/suppression/export/").streaming_content).decode()
    assert "organisation" in export
    for text in (page, export):
        assert RECIPIENT not in text and "oncology" not in text and workspace.name not in text


# the way back


def consent(row: Suppression) -> NewConsent:
    return NewConsent("signed form", row.created_at + timedelta(seconds=1), "Form 12 in her chart.")


@pytest.mark.parametrize("here", [True, False])
def test_a_lift_ends_it_in_every_workspace_and_keeps_the_reason_where_it_was_said(
    workspace: Workspace, sister: Workspace, here: bool
) -> None:
    by_hand(workspace)
    row = Suppression.objects.get(workspace=workspace if here else sister)
    actor = make_user(workspace=workspace, password=None)
    lift(row, reason="She asked again.", consent=consent(row), actor=actor, now=row.created_at + timedelta(hours=1))
    assert not is_suppressed(workspace.pk, RECIPIENT) and not is_suppressed(sister.pk, RECIPIENT)
    row.refresh_from_db()
    other = Suppression.objects.exclude(pk=row.pk).get()
    assert (row.lift_reason, row.lifted_by, bool(row.consent)) == ("She asked again.", actor, True)
    assert (other.lift_reason, other.lifted_by, other.consent) == (LIFTED_ELSEWHERE, None, None)
    lifted = AuditEvent.objects.filter(action="suppression.lifted")
    assert {(event.workspace_id, event.subject_id, event.actor_id) for event in lifted} == {
        (row.workspace_id, row.pk, actor.pk),
        (other.workspace_id, other.pk, actor.pk),
    }


def test_a_lift_on_a_new_consent_ends_earlier_consents_to_every_workspace(
    workspace: Workspace, sister: Workspace
) -> None:
    earlier = [make_consent(each) for each in (workspace, sister)]
    row = by_hand(workspace)
    lift(row, reason="Again.", consent=consent(row), actor=None, now=row.created_at + timedelta(hours=1))
    assert all(Consent.objects.filter(revokes=each).exists() for each in earlier)
    assert Consent.objects.given().filter(revocation=None).get().workspace == workspace  # the one that was given to it


def test_a_lift_leaves_what_was_said_of_a_workspace_or_by_another_source(
    workspace: Workspace, sister: Workspace
) -> None:
    row = by_hand(workspace)
    by_hand(sister, scope=SuppressionScope.WORKSPACE)
    make_suppression(sister, source=Suppression.Source.CARRIER)
    lift(row, reason="Again.", consent=consent(row), actor=None, now=row.created_at + timedelta(hours=1))
    assert Suppression.objects.filter(workspace=sister, lifted_at=None).count() == 2
    assert not is_suppressed(workspace.pk, RECIPIENT)


def test_a_key_of_one_workspace_needs_a_scope_of_its_own_to_lift_for_all(
    workspace: Workspace, sister: Workspace
) -> None:
    row = by_hand(workspace, kind=SuppressionKind.WRONG_NUMBER)
    narrow = make_api(workspace, scopes=[Scope.SUPPRESSIONS_LIFT])
    answer = narrow.post(f"suppressions/{row.pk}/lift", {"reason": "Corrected."})
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert "suppressions:lift-organisation" in answer.json()["detail"]
    assert is_suppressed(sister.pk, RECIPIENT)
    wide = make_api(workspace, scopes=[Scope.SUPPRESSIONS_LIFT, Scope.SUPPRESSIONS_LIFT_ORGANISATION])
    assert wide.post(f"suppressions/{row.pk}/lift", {"reason": "Corrected."}).status_code == 200
    assert not is_suppressed(sister.pk, RECIPIENT)
    local = by_hand(workspace, kind=SuppressionKind.WRONG_NUMBER, scope=SuppressionScope.WORKSPACE)
    assert narrow.post(f"suppressions/{local.pk}/lift", {"reason": "Corrected."}).status_code == 200


def test_only_an_administrator_of_all_workspaces_lifts_it_in_the_admin(
    client: Client, workspace: Workspace, sister: Workspace
) -> None:
    row = by_hand(workspace, kind=SuppressionKind.WRONG_NUMBER)
    administrator = make_user(workspace=workspace, is_staff=True, password=None)
    client.force_login(administrator)
    said = {"chosen": [row.pk], "sure": "yes", "reason": "Corrected."}
    assert client.post("/admin/usecases/suppression/lift/", said).status_code == 403
    assert is_suppressed(workspace.pk, RECIPIENT)
    Membership.objects.create(workspace=sister, user=administrator, role=Role.ADMIN)
    both = list(Suppression.objects.values_list("pk", flat=True))
    assert client.post("/admin/usecases/suppression/lift/", {**said, "chosen": both}).status_code == 302
    assert not is_suppressed(workspace.pk, RECIPIENT) and not is_suppressed(sister.pk, RECIPIENT)


def test_only_an_administrator_of_all_workspaces_gives_a_key_that_scope(
    client: Client, workspace: Workspace, sister: Workspace
) -> None:
    administrator = make_user(workspace=workspace, is_staff=True, password=None)
    client.force_login(administrator)
    said = {"workspace": workspace.pk, "name": "Lifts", "scopes": ["suppressions:lift-organisation"]}
    answer = client.post("/admin/platform/apikey/add/", said)
    assert "every workspace of the organisation" in answer.content.decode()
    assert not workspace.api_keys.exists()
    Membership.objects.create(workspace=sister, user=administrator, role=Role.ADMIN)
    client.post("/admin/platform/apikey/add/", said)
    key = workspace.api_keys.get()
    assert key.scopes == ["suppressions:lift-organisation"]
    # A rotation shows a key too.
    assert client.post(f"/admin/platform/apikey/{key.pk}/rotate/").status_code == 200
    Membership.objects.filter(workspace=sister).delete()
    latest = workspace.api_keys.order_by("-id")[0]
    assert client.post(f"/admin/platform/apikey/{latest.pk}/rotate/").status_code == 403


# lists


def test_the_undo_of_a_list_takes_back_its_copies_and_counts_its_own(workspace: Workspace, sister: Workspace) -> None:
    row = imported(workspace, f"Phone\n{RECIPIENT}\n{OTHER}\n")
    assert row.added == 2 and Suppression.objects.count() == 4
    imported(sister, f"Phone\n{OTHER}\n")  # which names one of them too, in both
    undone(row)
    assert row.state == "undone"
    assert (row.taken_back, Suppression.objects.count()) == (1, 2)
    assert not is_suppressed(sister.pk, RECIPIENT)
    assert is_suppressed(workspace.pk, OTHER) and is_suppressed(sister.pk, OTHER)


def test_a_list_for_many_workspaces_is_written_in_smaller_steps(
    workspace: Workspace, sister: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_ADDED_AT_ONCE", 4)
    sizes: list[int] = []
    put = listing.suppress_all

    def counting(statements: list[Any], *arguments: Any, **options: Any) -> int:
        sizes.append(len(statements))
        return put(statements, *arguments, **options)

    monkeypatch.setattr(listing, "suppress_all", counting)
    row = imported(workspace, "Phone\n" + "\n".join(f"+120255501{place:02}" for place in range(5)))
    assert (sizes, row.added, Suppression.objects.count()) == ([2, 2, 1], 5, 10)


def test_the_lift_of_a_list_lifts_its_copies(workspace: Workspace, sister: Workspace) -> None:
    row = imported(workspace, f"Phone\n{RECIPIENT}\n")
    actor = make_user(workspace=workspace, password=None)
    lists.lift(row, reason="The list was for March.", actor=actor, now=database_now())
    after_work(row)
    assert not is_suppressed(workspace.pk, RECIPIENT) and not is_suppressed(sister.pk, RECIPIENT)
    assert {(each.workspace_id, each.lift_reason, each.lifted_by_id) for each in Suppression.objects.all()} == {
        (workspace.pk, "The list was for March.", actor.pk),
        (sister.pk, LIFTED_ELSEWHERE, None),
    }


def test_a_list_for_one_workspace_stays_there(workspace: Workspace, sister: Workspace) -> None:
    api = make_api(workspace)
    row = checked(workspace, f"Phone\n{RECIPIENT}\n")
    assert api.post(f"opt-out-lists/{row.pk}/confirm", {"scope": "workspace"}).json()["scope"] == "workspace"
    after_work(row)
    assert is_suppressed(workspace.pk, RECIPIENT) and not is_suppressed(sister.pk, RECIPIENT)


def test_a_list_for_all_is_lifted_with_the_right_in_all(workspace: Workspace, sister: Workspace) -> None:
    row = imported(workspace, f"Phone\n{RECIPIENT}\n")
    narrow = make_api(workspace, scopes=[Scope.SUPPRESSIONS_LIFT])
    answer = narrow.post(f"opt-out-lists/{row.pk}/lift", {"reason": "Old."})
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert make_api(workspace).post(f"opt-out-lists/{row.pk}/lift", {"reason": "Old."}).status_code == 200


def test_a_list_that_is_confirmed_in_the_admin_says_for_whom_it_holds(
    client: Client, workspace: Workspace, sister: Workspace
) -> None:
    client.force_login(make_user(workspace=workspace, is_staff=True, password=None))
    row = check(uploaded(workspace, f"Phone\n{RECIPIENT}\n"))
    address = f"/admin/campaigns/optoutimport/{row.pk}/"
    assert "All workspaces of the organisation" in client.get(f"{address}change/").content.decode()
    client.post(f"{address}confirm/", {"scope": "workspace", "must_not_be_reached": "yes"})
    after_work(row)
    assert not is_suppressed(sister.pk, RECIPIENT)
    assert client.post(f"{address}lift/", {"reason": "Old."}).status_code == 302
