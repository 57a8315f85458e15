"""A workspace that joins an organisation gets what was said to it, gives what was said to itself, and sends nothing before."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from campaigns.planning.plan import plan_of
from delivery.engine import moved_drops
from delivery.engine.lane_routes import active_routes
from delivery.models import Voicemail
from delivery.services.eligibility import explanation
from delivery.services.suppressions import end_left_waiting
from rvm.platform.database.clock import database_now
from rvm.platform.models import Organisation, Workspace
from rvm.platform.organisations import held_members
from tests.campaigns.opt_outs.lists import imported, undone
from tests.factories import RECIPIENT, make_campaign, make_use_case, make_voicemail, make_workspace, patient_number
from tests.sessions import Session
from usecases.models import Suppression, SuppressionCopying
from usecases.organisations import copies
from usecases.services.suppressions import lift
from usecases.suppression_kinds import SuppressionKind, SuppressionScope
from usecases.suppressions import Statement, is_suppressed, suppress, suppress_all, suppress_for_organisation

OTHER = "+12025550143"
PERSON = Suppression.Source.PERSON


def said(workspace: Workspace, number: str = RECIPIENT, **options: Any) -> Suppression:
    return suppress(workspace_id=workspace.pk, number=number, source=PERSON, **options)[0]


def move(workspace: Workspace, organisation: Organisation) -> None:
    workspace.organisation = organisation
    workspace.save()


def routes(workspace: Workspace) -> list[Any]:
    lanes = set(Voicemail.objects.filter(workspace=workspace).values_list("lane_id", flat=True))
    return [route for route in active_routes(database_now(), 100) if route.lane_id in lanes]


def copy_all() -> None:
    while SuppressionCopying.objects.exists():
        copies.copy_rest(database_now())


@pytest.mark.django_db
def test_a_new_workspace_gets_what_was_said_to_its_organisation(workspace: Workspace) -> None:
    first = said(workspace)
    said(workspace, OTHER, scope=SuppressionScope.WORKSPACE)
    new = make_workspace(organisation=workspace.organisation)
    assert is_suppressed(new.pk, RECIPIENT) and not is_suppressed(new.pk, OTHER)
    copy = Suppression.objects.get(workspace=new)
    assert (copy.number, copy.origin, copy.created_at, copy.reason) == (RECIPIENT, workspace.pk, first.created_at, "")
    assert not SuppressionCopying.objects.exists()


@pytest.mark.django_db
def test_a_third_workspace_gets_each_statement_from_where_it_was_said(workspace: Workspace) -> None:
    sister = make_workspace(organisation=workspace.organisation)
    said(workspace)
    said(sister, OTHER)
    suppress_for_organisation(workspace.organisation_id, "+12025550144", Suppression.Source.INBOUND, "page")
    gone = make_workspace()
    said(gone, "+12025550145")
    move(gone, workspace.organisation)
    move(gone, Organisation.objects.create(name="Elsewhere", slug="elsewhere"))
    third = make_workspace(organisation=workspace.organisation)
    origins = dict(Suppression.objects.filter(workspace=third).values_list("last4", "origin"))
    assert origins == {"0142": workspace.pk, "0143": sister.pk, "0144": None, "0145": gone.pk}


@pytest.mark.django_db
def test_what_was_lifted_while_a_workspace_was_away_is_not_brought_back_by_it(workspace: Workspace) -> None:
    sister = make_workspace(organisation=workspace.organisation)
    row = said(workspace, kind=SuppressionKind.WRONG_NUMBER)
    move(sister, Organisation.objects.create(name="Elsewhere", slug="elsewhere"))
    lift(row, reason="Corrected.", actor=None, now=database_now())
    assert is_suppressed(sister.pk, RECIPIENT)  # which is no business of the organisation that it has left
    move(sister, workspace.organisation)
    assert is_suppressed(sister.pk, RECIPIENT) and not is_suppressed(workspace.pk, RECIPIENT)


@pytest.mark.django_db
def test_what_was_lifted_is_not_copied(workspace: Workspace) -> None:
    said(workspace)
    Suppression.objects.update(lifted_at=database_now())
    assert not is_suppressed(make_workspace(organisation=workspace.organisation).pk, RECIPIENT)


@pytest.mark.django_db
def test_a_workspace_that_moves_gives_and_gets_what_was_said(workspace: Workspace) -> None:
    moved = make_workspace()
    said(workspace, RECIPIENT)
    said(moved, OTHER)
    move(moved, workspace.organisation)
    for each in (workspace, moved):
        assert is_suppressed(each.pk, RECIPIENT) and is_suppressed(each.pk, OTHER)


@pytest.mark.django_db
def test_a_workspace_that_leaves_keeps_what_it_had_and_shares_no_more(workspace: Workspace) -> None:
    sister = make_workspace(organisation=workspace.organisation)
    said(workspace)
    move(sister, Organisation.objects.create(name="Elsewhere", slug="elsewhere"))
    said(workspace, OTHER)
    assert is_suppressed(sister.pk, RECIPIENT) and not is_suppressed(sister.pk, OTHER)


@pytest.mark.django_db
def test_what_two_lists_had_said_before_they_came_together_is_left_by_the_undo_of_one(workspace: Workspace) -> None:
    moved = make_workspace()
    first, second = imported(workspace, f"Phone\n{RECIPIENT}\n"), imported(moved, f"Phone\n{RECIPIENT}\n{OTHER}\n")
    move(moved, workspace.organisation)
    undone(first)
    assert is_suppressed(workspace.pk, RECIPIENT) and is_suppressed(moved.pk, RECIPIENT)
    undone(second)
    assert not is_suppressed(workspace.pk, OTHER) and not is_suppressed(moved.pk, OTHER)


@pytest.mark.django_db
def test_what_waits_in_the_new_workspace_ends_by_the_tick(workspace: Workspace) -> None:
    moved = make_workspace()
    waiting = make_voicemail(make_use_case(moved))
    said(workspace)
    move(moved, workspace.organisation)
    end_left_waiting(database_now())
    assert Voicemail.objects.get(pk=waiting.pk).status == "skipped"


@pytest.mark.django_db
def test_of_a_long_list_the_rest_is_copied_by_the_tick_and_nothing_is_sent_before(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "BATCH", 4)
    monkeypatch.setattr(copies, "MAX_BATCHES", 1)
    people = [patient_number(place) for place in range(10)]
    suppress_all([Statement(workspace.pk, person) for person in people], PERSON)
    moved = make_workspace()
    use_case = make_use_case(moved)
    make_voicemail(use_case, recipient="+12025550199")
    campaign = make_campaign(use_case)
    assert routes(moved)
    move(moved, workspace.organisation)
    counts = []
    while SuppressionCopying.objects.filter(target=moved).exists():
        counts.append(Suppression.objects.filter(workspace=moved).count())
        assert not routes(moved)
        asked = explanation(use_case=use_case, number="+12025550199", live=True, at=None, now=database_now())
        assert "kill_switch" in str(asked)
        plan = plan_of(campaign, database_now())
        assert plan.stopped.startswith("A workspace has joined the organisation")
        copies.copy_rest(database_now())
    assert counts == [4, 8]
    assert all(is_suppressed(moved.pk, person) for person in people)
    moved_drops.count_rest(database_now() + moved_drops.SETTLED)
    assert routes(moved)


@pytest.mark.django_db
def test_a_copy_that_was_interrupted_goes_on_where_it_was(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "BATCH", 2)
    suppress_all([Statement(workspace.pk, patient_number(place)) for place in range(6)], PERSON)
    new = make_workspace(organisation=workspace.organisation)
    put = copies.put

    def dying(*args: Any, **options: Any) -> Any:
        put(*args, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(copies, "put", dying)
    with pytest.raises(KeyboardInterrupt):
        copies.copy_rest(database_now())
    assert Suppression.objects.filter(workspace=new).count() == 2  # the broken batch is not there
    monkeypatch.setattr(copies, "put", put)
    copy_all()
    assert Suppression.objects.filter(workspace=new).count() == 6


@pytest.mark.django_db
def test_a_workspace_that_leaves_meanwhile_gets_no_more(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "BATCH", 2)
    suppress_all([Statement(workspace.pk, patient_number(place)) for place in range(6)], PERSON)
    new = make_workspace(organisation=workspace.organisation)
    move(new, Organisation.objects.create(name="Elsewhere", slug="elsewhere"))
    copy_all()
    assert Suppression.objects.filter(workspace=new).count() == 2


@pytest.mark.django_db(transaction=True)
def test_an_opt_out_at_the_moment_of_joining_binds_the_new_workspace() -> None:
    workspace = make_workspace()
    with transaction.atomic():
        said(workspace)  # not committed while the other joins
        joining = Session(lambda: make_workspace(organisation=workspace.organisation))
        joining.wait_until_blocked()
    assert is_suppressed(joining.result().pk, RECIPIENT)


@pytest.mark.django_db(transaction=True)
def test_an_opt_out_waits_for_a_workspace_that_is_joining_and_binds_it() -> None:
    workspace = make_workspace()
    with transaction.atomic():
        new = make_workspace(organisation=workspace.organisation)
        opting = Session(lambda: said(workspace))
        opting.wait_until_blocked()
    opting.result()
    assert is_suppressed(new.pk, RECIPIENT)


@pytest.mark.django_db(transaction=True)
def test_a_workspace_joins_while_a_voicemail_to_a_suppressed_number_is_locked() -> None:
    """Results hold their voicemails before they suppress, so who joins must not wait for voicemails under the lock."""
    workspace, moved = make_workspace(), make_workspace()
    said(workspace)
    waiting = make_voicemail(make_use_case(moved))
    with transaction.atomic():
        Voicemail.objects.select_for_update().get(pk=waiting.pk)
        Session(lambda: move(moved, workspace.organisation)).result()
        said(workspace, OTHER)
    assert is_suppressed(moved.pk, RECIPIENT) and is_suppressed(moved.pk, OTHER)


@pytest.mark.django_db(transaction=True)
def test_two_opt_outs_do_not_wait_for_each_other() -> None:
    workspace = make_workspace()
    with transaction.atomic():
        said(workspace)
        Session(lambda: said(workspace, OTHER)).result()


@pytest.mark.django_db(transaction=True)
def test_members_are_read_again_after_a_move_for_which_one_has_waited() -> None:
    workspace, other = make_workspace(), make_workspace()
    with transaction.atomic():
        move(workspace, other.organisation)

        def members() -> Any:
            with transaction.atomic():
                return held_members([workspace.pk])

        asking = Session(members)
        asking.wait_until_blocked()
    assert asking.result() == {workspace.pk: sorted([workspace.pk, other.pk])}
