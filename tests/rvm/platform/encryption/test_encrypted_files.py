"""A sealed file comes back whole or not at all, and nothing but its ciphertext is ever written."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rvm.platform.encryption import encrypted_files
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.encryption.encrypted_files import BLOCK_BYTES, delete, seal, unseal

NAME = "imports/a.enc"
SEALED = encrypted_files._SEALED_BYTES


@pytest.fixture(autouse=True)
def _own_media(tmp_path: Path, settings: object) -> None:
    settings.MEDIA_ROOT = str(tmp_path)  # type: ignore[attr-defined]


def path(name: str = NAME) -> Path:
    return Path(default_storage.path(name))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 2 * BLOCK_BYTES), max_size=4))
def test_what_is_opened_is_what_was_sealed(sizes: list[int]) -> None:
    chunks = [bytes([65 + place]) * size for place, size in enumerate(sizes)]
    whole = b"".join(chunks)
    assert seal(NAME, chunks) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert b"".join(unseal(NAME)) == whole
    assert not whole or whole[:64] not in path().read_bytes()


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES])
def test_sizes_at_the_borders_of_blocks(size: int) -> None:
    assert seal(NAME, [b"x" * size])[0] == size
    assert b"".join(unseal(NAME)) == b"x" * size


def blocks() -> list[bytes]:
    raw = path().read_bytes()
    borders = [*range(0, len(raw), SEALED), len(raw)]
    return [raw[begin:end] for begin, end in pairwise(borders)]


def three() -> list[bytes]:
    seal(NAME, [b"a" * BLOCK_BYTES, b"b" * BLOCK_BYTES, b"c" * BLOCK_BYTES])
    return blocks()


@pytest.mark.parametrize(
    "order",
    [(), (0,), (0, 1), (1, 2), (0, 2), (1, 0, 2), (0, 1, 2, 2), (2, 1, 0), (2,)],
    ids=str,
)
def test_blocks_that_are_missing_doubled_or_in_another_order_do_not_open(order: tuple[int, ...]) -> None:
    written = three()
    path().write_bytes(b"".join(written[place] for place in order))
    with pytest.raises(Undecryptable):
        list(unseal(NAME))


@pytest.mark.parametrize("length", [1, 12, 28, SEALED - 1, SEALED + 1, 2 * SEALED + 500])
def test_a_file_cut_anywhere_does_not_open(length: int) -> None:
    raw = b"".join(three())
    path().write_bytes(raw[:length])
    with pytest.raises(Undecryptable):
        list(unseal(NAME))


@pytest.mark.parametrize("place", [0, 5, 1000, SEALED - 1, SEALED, SEALED + 20, 3 * SEALED - 1])
def test_a_flipped_bit_does_not_open(place: int) -> None:
    raw = bytearray(b"".join(three()))
    raw[place] ^= 1
    path().write_bytes(raw)
    with pytest.raises(Undecryptable):
        list(unseal(NAME))


def test_bytes_behind_the_end_do_not_open() -> None:
    three()
    with path().open("ab") as file:
        file.write(b"more")
    with pytest.raises(Undecryptable):
        list(unseal(NAME))


def test_a_block_of_another_file_does_not_open() -> None:
    mine = three()
    seal("imports/b.enc", [b"z" * 3 * BLOCK_BYTES])
    foreign = path("imports/b.enc").read_bytes()
    path().write_bytes(mine[0] + foreign[SEALED : 2 * SEALED] + mine[2])
    with pytest.raises(Undecryptable):
        list(unseal(NAME))


def test_a_source_that_breaks_leaves_no_file() -> None:
    def breaking() -> Iterator[bytes]:
        yield b"x" * 3 * BLOCK_BYTES
        raise ConnectionResetError

    seal(NAME, [b"earlier"])
    with pytest.raises(ConnectionResetError):
        seal(NAME, breaking())
    with pytest.raises(FileNotFoundError):
        list(unseal(NAME))


def test_it_takes_the_place_of_what_was_there_and_can_be_deleted_twice() -> None:
    seal(NAME, [b"one"])
    seal(NAME, [b"two"])
    assert list(unseal(NAME)) == [b"two"]
    assert [file.name for file in path().parent.iterdir()] == ["a.enc"]
    delete(NAME)
    delete(NAME)
    assert not path().exists()


def test_a_large_file_takes_the_memory_of_a_few_blocks() -> None:
    tracemalloc.start()
    try:
        seal(NAME, (b"x" * 100_000 for _ in range(400)))
        assert sum(map(len, unseal(NAME))) == 40_000_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * BLOCK_BYTES
