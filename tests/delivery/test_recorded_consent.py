"""Claims under a use case that needs a recorded consent of each number."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_rq import get_connection

from delivery.carriers.sandbox import Sandbox
from delivery.engine.claim import ClaimedBatch, claim
from delivery.engine.lane_routes import active_routes
from delivery.models import KeptDecision, Voicemail
from rvm.platform.models import Workspace
from tests import factories
from tests.delivery.states import state
from usecases.eligibility import Skip, decide
from usecases.models import Consent, UseCase
from usecases.services.revocations import revoke_consent

LEASE = timedelta(seconds=60)


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    get_connection("dispatch").flushdb()


@pytest.fixture
def _reaches_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)


def make_use_case(**fields: Any) -> UseCase:
    needed = {"purpose": "appointment", "consent_required": "recorded"}
    return factories.make_use_case(**{**factories.AROUND_THE_CLOCK, **needed, **fields})


def claimed(now: datetime | None = None) -> ClaimedBatch:
    now = now or timezone.now()
    [route] = active_routes(now, 10)
    return claim(route, 10, now, LEASE)


@pytest.mark.django_db
@pytest.mark.usefixtures("_reaches_people")
def test_only_those_whose_consent_stands_are_reached_and_the_others_say_why() -> None:
    use_case = make_use_case()
    numbers = [f"+120255501{place:02}" for place in range(4)]
    voicemails = [factories.make_voicemail(use_case, recipient=number, zones=["UTC"]) for number in numbers]
    factories.make_consent(use_case.workspace, numbers[0])
    factories.make_consent(use_case.workspace, numbers[1], purposes=["wellness"])
    expired = timezone.now() - timedelta(minutes=1)
    old = factories.make_consent(use_case.workspace, numbers[2], expires_at=expired)
    assert [each.recipient for each in claimed().claims] == [numbers[0]]
    assert [state(voicemail) for voicemail in voicemails[1:]] == [("skipped", "no_consent")] * 3
    kept = KeptDecision.objects.get(voicemail_id=voicemails[2].pk)
    assert (kept.reason, kept.all_facts.consents) == ("no_consent", (str(old.pk),))
    assert kept.all_facts.consent_until == expired
    assert isinstance(decide(kept.all_facts, kept.decided_at), Skip)
    assert numbers[2] not in str(kept.facts)


@pytest.mark.django_db
def test_the_age_of_a_consent_does_not_bind_a_simulated_setup() -> None:
    use_case = make_use_case(consent_valid_days=1)
    factories.make_voicemail(use_case)
    factories.make_consent(use_case.workspace, at=timezone.now() - timedelta(days=400))
    assert len(claimed().claims) == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("_reaches_people")
@pytest.mark.parametrize(("days", "reached"), [(None, True), (401, True), (399, False)])
def test_the_age_of_a_consent_is_limited_by_the_use_case(days: int | None, reached: bool) -> None:
    use_case = make_use_case(consent_valid_days=days)
    factories.make_voicemail(use_case, zones=["UTC"])
    factories.make_consent(use_case.workspace, at=timezone.now() - timedelta(days=400))
    assert bool(claimed().claims) is reached


@pytest.mark.django_db
@pytest.mark.parametrize(("basis", "reached"), [("express_consent", False), ("written_consent", True)])
def test_marketing_needs_a_consent_in_writing(basis: str, reached: bool) -> None:
    use_case = make_use_case(purpose="marketing", basis="written_consent")
    Workspace.objects.update(marketing_enabled=True)
    factories.make_voicemail(use_case)
    factories.make_consent(use_case.workspace, purposes=["marketing"], basis=basis)
    assert bool(claimed().claims) is reached


@pytest.mark.django_db(transaction=True)
def test_a_revocation_binds_a_claim_that_begins_after_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is committed on another connection once the lanes were looked up. The opt-out that comes with it decides; without it, the
    consent is missing."""
    use_case = make_use_case()
    voicemail = factories.make_voicemail(use_case)
    row = factories.make_consent(use_case.workspace)
    now = timezone.now()
    [route] = active_routes(now, 10)

    def revoke() -> None:
        # What ends at once would leave the claim nothing to decide.
        revoke_consent(row, channel="telephone", actor=None, now=timezone.now())
        connection.close()

    monkeypatch.setattr("usecases.suppressions.ON_ADDED", [])
    with ThreadPoolExecutor(1) as pool:
        pool.submit(revoke).result(timeout=30)
    assert state(voicemail) == ("queued", "")
    assert claim(route, 10, now, LEASE).claims == []
    assert state(voicemail) == ("skipped", "suppressed")


@pytest.mark.django_db(transaction=True)
def test_a_revocation_that_is_not_committed_does_not_wait_for_a_claim_nor_a_claim_for_it() -> None:
    use_case = make_use_case()
    factories.make_voicemail(use_case)
    row = factories.make_consent(use_case.workspace)
    now = timezone.now()
    [route] = active_routes(now, 10)

    def claims() -> int:
        try:
            return len(claim(route, 10, now, LEASE).claims)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Consent.objects.create(
            workspace=use_case.workspace,
            revokes=row,
            number_index=bytes(row.number_index),
            index_key=row.index_key,
            last4=row.last4,
            purposes=row.purposes,
            source="telephone",
            at=now,
            evidence="",
        )
        assert pool.submit(claims).result(timeout=30) == 1
    assert Voicemail.objects.get().status == "sending"


@pytest.mark.django_db
def test_a_consent_that_was_revoked_without_its_opt_out_is_missing() -> None:
    use_case = make_use_case()
    voicemail = factories.make_voicemail(use_case)
    row = factories.make_consent(use_case.workspace)
    factories.make_consent(use_case.workspace, revokes=row)
    assert claimed().claims == []
    assert state(voicemail) == ("skipped", "no_consent")


@pytest.mark.django_db
def test_a_use_case_that_rests_on_a_statement_asks_for_no_consent() -> None:
    use_case = make_use_case(consent_required="attested")
    factories.make_voicemail(use_case)
    assert len(claimed().claims) == 1
