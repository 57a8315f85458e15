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
