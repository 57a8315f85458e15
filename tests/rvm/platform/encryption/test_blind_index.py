"""The blind index is HMAC-SHA256, however it is computed: what is stored must be found for ever."""

from __future__ import annotations

import hashlib
import hmac
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from rvm.platform.encryption.crypto import BlindIndex
from rvm.platform.encryption.keys import KeyRing


@given(st.uuids(), st.text(max_size=200), st.binary(min_size=32, max_size=32))
def test_it_is_the_hmac_of_workspace_and_text_under_each_key(workspace_id: UUID, text: str, key: bytes) -> None:
    other = bytes(32)
    index = BlindIndex(KeyRing({1: other, 7: key}, 7))
    message = workspace_id.bytes + text.encode()
    expected = [hmac.digest(each, message, hashlib.sha256) for each in (other, key)]
    assert index.all_of(workspace_id, text) == expected
    assert index.of(workspace_id, text) == expected[1]
    assert index.of(workspace_id, text, 1) == expected[0]


def test_a_row_is_known_by_its_own_index_and_during_a_rotation_by_those_under_all_keys() -> None:
    workspace_id, number = UUID(int=7), "+12025550142"
    one, rotating = BlindIndex(KeyRing({1: bytes(32)}, 1)), BlindIndex(KeyRing({1: bytes(32), 2: b"2" * 32}, 2))
    own = one.of(workspace_id, number)
    assert one.known_of(workspace_id, own, number) == [own]
    assert set(rotating.known_of(workspace_id, own, number)) == {own, rotating.of(workspace_id, number)}
    assert rotating.known_of(workspace_id, own, None) == [own]
