"""An encrypted file comes back whole or not at all, and nothing but its ciphertext is ever written."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from hypothesis import given, settings
from hypothesis import strategies as st

from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import Undecryptable, associated_data
from rvm.platform.encryption.encrypted_files import decrypt_file, delete, encrypt_file
from rvm.platform.encryption.streams import BLOCK_BYTES
from rvm.platform.encryption.streams import ENCRYPTED_BLOCK_BYTES as BLOCK

NAME = "imports/a.enc"
WORKSPACE, ROW = uuid7(), uuid7()
DATA = associated_data(b"imports", WORKSPACE, ROW)


@pytest.fixture(autouse=True)
def _own_media(tmp_path: Path, settings: object) -> None:
    settings.MEDIA_ROOT = str(tmp_path)  # type: ignore[attr-defined]


def path(name: str = NAME) -> Path:
    return Path(default_storage.path(name))


@settings(max_examples=25)
@given(st.lists(st.integers(0, 2 * BLOCK_BYTES), max_size=4))
def test_what_is_decrypted_is_what_was_encrypted(sizes: list[int]) -> None:
    chunks = [bytes([65 + place]) * size for place, size in enumerate(sizes)]
    whole = b"".join(chunks)
    assert encrypt_file(NAME, chunks, DATA) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert b"".join(decrypt_file(NAME, DATA)) == whole
    assert not whole or whole[:64] not in path().read_bytes()


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES])
def test_sizes_at_the_borders_of_blocks(size: int) -> None:
    assert encrypt_file(NAME, [b"x" * size], DATA)[0] == size
    assert b"".join(decrypt_file(NAME, DATA)) == b"x" * size


def blocks() -> list[bytes]:
    raw = path().read_bytes()
    borders = [*range(0, len(raw), BLOCK), len(raw)]
    return [raw[begin:end] for begin, end in pairwise(borders)]


def three() -> list[bytes]:
    encrypt_file(NAME, [b"a" * BLOCK_BYTES, b"b" * BLOCK_BYTES, b"c" * BLOCK_BYTES], DATA)
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
        list(decrypt_file(NAME, DATA))


@pytest.mark.parametrize("length", [1, 12, 28, BLOCK - 1, BLOCK + 1, 2 * BLOCK + 500])
def test_a_file_cut_anywhere_does_not_open(length: int) -> None:
    raw = b"".join(three())
    path().write_bytes(raw[:length])
    with pytest.raises(Undecryptable):
        list(decrypt_file(NAME, DATA))


@pytest.mark.parametrize(
    "place",
    [
        0,
        5,
        1000,
        BLOCK - 1,
        BLOCK,
        BLOCK + 20,
        3 * BLOCK - 1,
    ],
)
def test_a_flipped_bit_does_not_open(place: int) -> None:
    raw = bytearray(b"".join(three()))
    raw[place] ^= 1
    path().write_bytes(raw)
    with pytest.raises(Undecryptable):
        list(decrypt_file(NAME, DATA))


def test_bytes_behind_the_end_do_not_open() -> None:
    three()
    with path().open("ab") as file:
        file.write(b"more")
    with pytest.raises(Undecryptable):
        list(decrypt_file(NAME, DATA))


@pytest.mark.parametrize(
    "other",
    [
        associated_data(b"recordings", WORKSPACE, ROW),
        associated_data(b"imports", ROW, ROW),
        associated_data(b"imports", WORKSPACE, WORKSPACE),
    ],
    ids=["another purpose", "another workspace", "another row"],
)
def test_neither_a_file_nor_a_block_of_another_place_opens(other: bytes) -> None:
    mine = three()
    encrypt_file("imports/b.enc", [b"z" * 3 * BLOCK_BYTES], other)
    foreign = path("imports/b.enc").read_bytes()
    for raw in (foreign, mine[0] + foreign[BLOCK : 2 * BLOCK] + mine[2]):
        path().write_bytes(raw)
        with pytest.raises(Undecryptable):
            list(decrypt_file(NAME, DATA))


def test_a_source_that_breaks_leaves_no_file() -> None:
    def breaking() -> Iterator[bytes]:
        yield b"x" * 3 * BLOCK_BYTES
        raise ConnectionResetError

    encrypt_file(NAME, [b"earlier"], DATA)
    with pytest.raises(ConnectionResetError):
        encrypt_file(NAME, breaking(), DATA)
    with pytest.raises(FileNotFoundError):
        list(decrypt_file(NAME, DATA))


def test_it_takes_the_place_of_what_was_there_and_can_be_deleted_twice() -> None:
    encrypt_file(NAME, [b"one"], DATA)
    encrypt_file(NAME, [b"two"], DATA)
    assert list(decrypt_file(NAME, DATA)) == [b"two"]
    assert [file.name for file in path().parent.iterdir()] == ["a.enc"]
    delete(NAME)
    delete(NAME)
    assert not path().exists()


def test_a_large_file_takes_the_memory_of_a_few_blocks() -> None:
    tracemalloc.start()
    try:
        encrypt_file(NAME, (b"x" * 100_000 for _ in range(400)), DATA)
        assert sum(map(len, decrypt_file(NAME, DATA))) == 40_000_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 * BLOCK_BYTES
