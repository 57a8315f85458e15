"""A proof names one drop, for one use, under one version of one setup's secret; whatever else is presented proves nothing."""

from __future__ import annotations

import base64
from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from usecases.callbacks.proofs import CallbackKey, Use

KEY = CallbackKey(UUID(int=1), 1, bytes(range(32)))
DROP = UUID("0199e1b2-0000-7000-8000-0000000000aa")


def test_a_proof_never_changes() -> None:
    """A resubmission repeats it word for word, also after an upgrade."""
    assert KEY.proof(Use.REPORT, DROP) == "AZnhsgAAcACAAAAAAAAAqr26Alalkcl4Zz9KxvYP0eE"
    assert KEY.proof(Use.RECORDING, DROP) != KEY.proof(Use.REPORT, DROP)


@given(st.uuids(), st.sampled_from(Use))
def test_a_proof_proves_its_drop_for_its_use_alone(drop_id: UUID, use: Use) -> None:
    proof = KEY.proof(use, drop_id)
    [other] = set(Use) - {use}
    assert KEY.proved(use, proof) == drop_id
    assert KEY.proved(other, proof) is None
    for key in (replace(KEY, setup_id=UUID(int=2)), replace(KEY, version=2), replace(KEY, key=bytes(32))):
        assert key.proved(use, proof) is None


@given(st.uuids(), st.integers(0, 31), st.integers(1, 255))
def test_no_changed_byte_is_taken(drop_id: UUID, place: int, change: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(KEY.proof(Use.REPORT, drop_id) + "="))
    raw[place] ^= change
    assert KEY.proved(Use.REPORT, base64.urlsafe_b64encode(raw).rstrip(b"=").decode()) is None


@given(st.text())
def test_any_other_text_proves_nothing(text: str) -> None:
    assert KEY.proved(Use.REPORT, text) is None


def test_the_key_is_in_no_repr() -> None:
    assert "key" not in repr(KEY)
