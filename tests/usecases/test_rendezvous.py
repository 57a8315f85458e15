"""The same patient sees the same sender, and changing senders moves as few patients as can be."""

from __future__ import annotations

import hashlib
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from usecases.rendezvous import choose_sender

indexes = st.binary(min_size=32, max_size=32)
senders = st.lists(st.from_regex(r"\+1[2-9][0-9]{2}55501[0-9]{2}", fullmatch=True), min_size=1, max_size=8, unique=True)


def index_of(patient: int) -> bytes:
    return hashlib.sha256(str(patient).encode()).digest()


def test_nothing_assigned_gives_no_sender() -> None:
    assert choose_sender(b"patient", []) is None
    assert choose_sender(b"patient", [], last="+12125550100") is None


@given(indexes, senders, st.randoms(use_true_random=False))
def test_the_order_in_which_senders_are_listed_does_not_matter(
    index: bytes, assigned: list[str], random: object
) -> None:
    shuffled = list(assigned)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose_sender(index, shuffled) == choose_sender(index, assigned)


@given(indexes, senders)
def test_the_last_sender_stays_while_it_is_assigned(index: bytes, assigned: list[str]) -> None:
    assert all(choose_sender(index, assigned, last=sender) == sender for sender in assigned)


@given(indexes, senders)
def test_a_last_sender_that_is_no_longer_assigned_is_not_used(index: bytes, assigned: list[str]) -> None:
    assert choose_sender(index, assigned, last="+19995550199x") == choose_sender(index, assigned)


@given(st.lists(indexes, min_size=1, max_size=50), senders)
def test_taking_a_sender_away_moves_only_its_own_patients(patients: list[bytes], assigned: list[str]) -> None:
    removed, *rest = assigned
    for patient in patients:
        before = choose_sender(patient, assigned)
        after = choose_sender(patient, rest)
        assert (after in rest or not rest) if before == removed else after == before


@given(st.lists(indexes, min_size=1, max_size=50), senders)
def test_a_new_sender_takes_patients_over_and_moves_nobody_else(patients: list[bytes], assigned: list[str]) -> None:
    added = "+12015550999"
    for patient in patients:
        before, after = choose_sender(patient, assigned), choose_sender(patient, [*assigned, added])
        assert after in (before, added)


def test_ten_thousand_patients_spread_evenly_over_five_senders() -> None:
    assigned = [f"+121255501{n:02}" for n in range(5)]
    shares = Counter(choose_sender(index_of(patient), assigned) for patient in range(10_000))
    # 2,000 each; five standard deviations of a fair draw are 200.
    assert set(shares) == set(assigned)
    assert all(1_800 <= share <= 2_200 for share in shares.values())
