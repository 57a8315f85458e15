"""One table of reasons for all carriers and guards, without holes."""

from __future__ import annotations

import pytest

from delivery.carriers import sandbox
from delivery.lifecycle.reasons import REASONS, Reason
from usecases.eligibility import SkipReason
from usecases.failover import FailoverReason


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    message = REASONS[reason].detail
    assert message[0].isupper()
    assert message.endswith(".")


def test_the_table_holds_nothing_else() -> None:
    assert set(REASONS) == set(Reason)
    assert len({facts.detail for facts in REASONS.values()}) == len(Reason)


@pytest.mark.parametrize("skip", list(SkipReason))
def test_every_way_our_guards_skip_is_a_reason(skip: SkipReason) -> None:
    assert Reason(skip.value) in REASONS


@pytest.mark.parametrize("chosen", list(FailoverReason))
def test_failover_is_offered_only_after_a_failure_that_reached_nobody(chosen: FailoverReason) -> None:
    facts = REASONS[Reason(chosen.value)]
    assert not facts.may_have_reached and not facts.suppresses


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_fits_its_column(reason: Reason) -> None:
    assert len(reason.value) <= 32


def test_what_may_have_reached_somebody_is_never_retried_on_its_own() -> None:
    maybe = {reason for reason, facts in REASONS.items() if facts.may_have_reached}
    assert maybe == {Reason.UNCONFIRMED, Reason.UNREPORTED}
    assert not any(REASONS[reason].retryable for reason in maybe)


def test_what_suppresses_a_number_is_never_retried() -> None:
    suppressing = {reason for reason, facts in REASONS.items() if facts.suppresses}
    assert suppressing == {Reason.DO_NOT_CALL, Reason.OPTED_OUT, Reason.LITIGATOR, Reason.NUMBER_REASSIGNED}
    assert not any(REASONS[reason].retryable for reason in suppressing)


def test_a_carrier_never_claims_what_only_we_conclude() -> None:
    ours = {Reason.UNCONFIRMED, Reason.UNREPORTED, Reason.CANCELED, Reason.EXPIRED, *map(Reason, SkipReason)}
    assert not ours & set(sandbox.REASONS.values())
