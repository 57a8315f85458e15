"""The check whether fetched bytes can be a voicemail: a vendor's quick check, independent of the platform's own.

Pure. It only adds up the durations of MPEG Layer III frames.
"""

from __future__ import annotations

_BITRATES = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
MIN_SECONDS, MAX_SECONDS = 9.5, 60.5  # 10 to 60 seconds, and half a second of an encoder's padding


def seconds(data: bytes) -> float:
    """The duration of the frames at the start of `data`, after an ID3v2 tag if present; 0 without frames."""
    at = 0
    if data[:3] == b"ID3" and len(data) >= 10:
        at = 10 + (data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9])
    total = 0.0
    while at + 4 <= len(data):
        step, duration = _frame(data, at)
        if not step or at + step > len(data):
            break
        at += step
        total += duration
    return total


def _frame(data: bytes, at: int) -> tuple[int, float]:
    """The bytes and seconds of the frame at `at`, or (0, 0)."""
    if data[at] != 0xFF or data[at + 1] & 0xE6 != 0xE2:
        return 0, 0
    version = data[at + 1] >> 3 & 3
    rate_index = data[at + 2] >> 2 & 3
    bitrate_index = data[at + 2] >> 4
    if version == 1 or rate_index == 3 or bitrate_index in (0, 15):
        return 0, 0
    rate = _RATES[version][rate_index]
    samples = 1152 if version == 3 else 576
    bitrate = _BITRATES[1 if version == 3 else 2][bitrate_index] * 1000
    return samples // 8 * bitrate // rate + (data[at + 2] >> 1 & 1), samples / rate


def is_usable(data: bytes) -> bool:
    return MIN_SECONDS <= seconds(data) <= MAX_SECONDS
