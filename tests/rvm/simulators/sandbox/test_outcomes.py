"""What becomes of a drop depends on its number and the seed, and on nothing else."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.simulators.sandbox.outcomes import CODES, DEFAULT_MIX, NUMBERS, Answer, Mix, Reports, delay_for, plan_for

PUBLISHED = {
    "0001": "delivered",
    "0002": "voicemail_not_detected",
    "0004": "no_answer",
    "0005": "busy",
    "0006": "unreachable",
    "0010": None,
    "0011": None,
    "0012": "delivered",
    "0013": "delivered",
    "0014": "delivered",
    "0015": "delivered",
    "0016": "delivered",
    "0017": "delivered",
    "0020": "human_answered",
    "0021": "number_not_supported",
    "0022": "mailbox_full",
    "0090": "do_not_call",
    "0091": "litigator",
    "0092": "number_reassigned",
    "0094": "carrier_denied",
    "0097": "too_many_attempts",
    "0098": "opted_out",
}
numbers = st.from_regex(r"\+1[2-9]\d{9}", fullmatch=True)


def plan(last4: str):
    return plan_for(f"+1555001{last4}", DEFAULT_MIX, seed=1)


@pytest.mark.parametrize(("last4", "code"), PUBLISHED.items())
def test_a_sandbox_number_ends_as_published(last4: str, code: str | None):
    assert plan(last4).code == code


def test_every_sandbox_number_is_in_the_published_table():
    assert set(NUMBERS) == set(PUBLISHED)


def test_the_odd_sandbox_numbers_answer_and_report_as_published():
    assert plan("0010").reports is Reports.NEVER
    assert (plan("0011").refusal.status, plan("0011").refusal.times) == (422, None)
    assert (plan("0012").refusal.status, plan("0012").refusal.times) == (429, 2)
    assert (plan("0013").refusal.status, plan("0013").refusal.times) == (503, 2)
    assert (plan("0014").answer, plan("0014").reports) == (Answer.HANG, Reports.NEVER)
    assert plan("0015").reports is Reports.SHUFFLED
    assert delay_for("+15550010016", plan("0016"), mean=0.5, seed=1) == 60
    assert plan("0017").answer is Answer.GARBAGE


def test_a_sandbox_number_without_a_published_outcome_follows_the_mix():
    assert plan_for("+15550019999", Mix.of({"busy": 1}), seed=1).code == "busy"


@given(numbers, st.integers())
def test_the_same_seed_and_number_always_end_the_same_way(to: str, seed: int):
    assert plan_for(to, DEFAULT_MIX, seed) is plan_for(to, DEFAULT_MIX, seed)
    assert delay_for(to, plan_for(to, DEFAULT_MIX, seed), 1, seed) == delay_for(
        to, plan_for(to, DEFAULT_MIX, seed), 1, seed
    )


@given(numbers, st.integers())
def test_a_delay_lies_between_half_and_one_and_a_half_of_the_mean(to: str, seed: int):
    assert 1 <= delay_for(to, plan_for(to, Mix.of({"busy": 1}), seed), mean=2, seed=seed) <= 3


@given(st.floats(min_value=0, max_value=1, exclude_max=True))
def test_every_point_of_a_mix_has_an_outcome(point: float):
    assert Mix.of({"delivered": 0.1, "busy": 0.2}).pick(point) in ("delivered", "busy")


def test_a_mix_gives_each_outcome_its_share():
    mix = Mix.of({"delivered": 90, "busy": 10, "spam": 0})
    codes = Counter(plan_for(f"+1212555{number:04d}", mix, seed=1).code for number in range(10_000))
    assert set(codes) == {"delivered", "busy"}
    assert 900 < codes["busy"] < 1100


def test_another_seed_gives_other_numbers_the_bad_luck():
    def unlucky(seed: int) -> set[int]:
        plans = ((number, plan_for(f"+1212555{number:04d}", DEFAULT_MIX, seed)) for number in range(500))
        return {number for number, plan in plans if plan.code != "delivered"}

    assert unlucky(1) != unlucky(2)


@pytest.mark.parametrize("shares", [{"lost": 1}, {"busy": -1, "delivered": 2}, {"busy": 0}, {}])
def test_an_impossible_mix_is_refused_with_a_sentence(shares: dict[str, float]):
    with pytest.raises(ValueError, match=r"no such outcome|shares of outcomes"):
        Mix.of(shares)


def test_every_planned_outcome_has_a_sentence():
    assert {plan.code for plan in NUMBERS.values()} - {None} <= set(CODES)
    assert all(CODES.values())
