"""Thousands of damaged MP3s through `inspect`, in a process of its own because the decoder is C code.

    python -m tests.delivery.audio.fuzz SEED COUNT

prints how many ended with which code as JSON. The kernel holds the limits: a crash, more than LIMIT_SECONDS of processor time
for one file, or more than LIMIT_BYTES of new memory kills the process or raises something that is no refusal.
"""

from __future__ import annotations

import collections
import faulthandler
import json
import random
import resource
import signal
import sys
from pathlib import Path

from delivery.audio import AudioRejected, inspect
from tests.delivery.audio import mp3_bytes as make

LIMIT_SECONDS = 5
LIMIT_BYTES = 96 * 2**20


def originals() -> list[bytes]:
    tag = make.id3v2(make.picture_frame(b"\x89PNG" + bytes(500)))
    tails = make.ape_tag() + make.lyrics3() + make.id3v1()
    return [
        make.encoded(10.5, 8000, 8),
        tag + make.encoded(10.5, 16000, 16) + tails,
        tag + make.info_frame(11) + make.encoded(10.5, kbps=32) + tails,
        make.vbri_frame(11) + make.encoded(10.5, vbr=True),
        make.encoded(10.5, 32000, 64, 2),
        make.encoded(10.5, 22050, 32, 2),
    ]


def _flip(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice([1, 1, 10, 300])):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _overwrite(data: bytearray, dice: random.Random) -> None:
    at, length = dice.randrange(len(data)), dice.choice([1, 4, 100, 3000])
    fill = dice.choice([b"\0" * length, b"\xff" * length, b"\xff\xfb" * (length // 2 + 1), dice.randbytes(length)])
    data[at : at + length] = fill[: len(data) - at]


def _scramble_payload(data: bytearray, dice: random.Random) -> None:
    """Headers stay, so the walk counts every frame; the decoder gets garbage in side information and Huffman codes."""
    last = 0
    while (at := data.find(b"\xff", last)) != -1 and at + 40 < len(data):
        if dice.random() < 0.3:
            place = at + 4 + dice.randrange(36)
            data[place] = dice.randrange(255)  # never a new sync byte
        last = at + 1


def _cut(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    del data[at : at + dice.choice([1, 3, 50, 2000, len(data)])]


def _insert(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    words = [b"ID3\x04\0\0\x7f\x7f\x7f\x7f", b"Xing\0\0\0\x03\xff\xff\xff\xff", b"APETAGEX", b"TAG", b"LYRICS200"]
    data[at:at] = dice.choice([*words, dice.randbytes(dice.randrange(1, 300)), bytes(data[: dice.randrange(2000)])])


def _shuffle(data: bytearray, dice: random.Random) -> None:
    size = max(1, len(data) // dice.choice([3, 20, 400]))
    pieces = [bytes(data[at : at + size]) for at in range(0, len(data), size)]
    dice.shuffle(pieces)
    data[:] = b"".join(pieces)


MUTATIONS = [_flip, _overwrite, _scramble_payload, _cut, _insert, _shuffle]


def mutant(sources: list[bytes], dice: random.Random) -> bytes:
    data = bytearray(dice.choice(sources))
    for _ in range(dice.choice([1, 1, 2, 4])):
        if data:
            dice.choice(MUTATIONS)(data, dice)
    return bytes(data)


def limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + LIMIT_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main(seed: int, count: int) -> None:
    faulthandler.enable()
    dice = random.Random(seed)
    sources = originals()
    codes: collections.Counter[str] = collections.Counter()
    for source in sources:
        inspect(source)  # all of them are good before they are damaged
    limit_memory()
    for _ in range(count):
        data = mutant(sources, dice)
        signal.setitimer(signal.ITIMER_PROF, LIMIT_SECONDS)  # its default action ends the process, C code or not
        try:
            inspect(data)
            codes["accepted"] += 1
        except AudioRejected as refusal:
            codes[refusal.code] += 1
        signal.setitimer(signal.ITIMER_PROF, 0)
    sys.stdout.write(json.dumps(codes))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
