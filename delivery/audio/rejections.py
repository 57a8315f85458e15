"""Error messages of rejected uploads, and warnings about accepted ones, worded for the person who recorded the audio.

Each has a stable code (for programs and documentation) and one message with the measured value, the limit and what to do. Codes are
never renamed or reused; messages may be improved.
"""

from __future__ import annotations

from dataclasses import dataclass

EXPORT = "Open it in your recording program, export it as MP3 (constant bit rate, 64 kbit/s) and upload the new file."
# What to do, where that depends on more than the code: `advice` in the templates.
LONGER = "Make it longer and upload it again."
CUT_OFF = "The file announces {announced} seconds, so it was probably cut off: upload it again, or export it anew."
NO_SOUND = "Upload the recording itself, as an MP3."

# Message templates by code; the fields in braces are the keyword arguments of `rejected`.
REJECTIONS: dict[str, str] = {
    "empty": (
        "The file is empty: 0 bytes arrived, and a recording of 10 seconds needs several thousand. Upload it again."
    ),
    "too_large": (
        "The file is {measured} MB ({bytes} bytes); the largest allowed is {allowed} MB. "
        "Export it again at a lower bit rate (64 kbit/s is plenty for speech) or without the cover picture, and upload that."
    ),
    "another_format": "This looks like {name}, not an MP3; renaming a file does not convert it. {advice}",
    "only_a_tag": (
        "The file holds a tag (title, cover picture) and no sound: all of its {bytes} bytes are the tag's. The upload or the "
        "export was probably broken off: export the recording again and upload the new file."
    ),
    "not_mp3": "No MP3 audio begins in this file ({bytes} bytes were received). " + EXPORT,
    "wrong_layer": ("This is MPEG audio Layer {measured}; only Layer III (MP3) is played by phone carriers. " + EXPORT),
    "free_format": (
        "This MP3 uses a free-format bit rate, which most players cannot play; the rates allowed are 8 to 320 kbit/s. "
        + EXPORT
    ),
    "tag_damaged": (
        "The tag in front of the audio (title, cover picture) says it is {measured} bytes long; the file has room for "
        "{allowed}. The upload was probably cut off: upload it again, or export the recording without tags."
    ),
    "bytes_before_audio": (
        "{measured} bytes that are not audio stand before the first sound; none are allowed there. " + EXPORT
    ),
    "too_much_junk": (
        "More than {allowed} of the {bytes} bytes between the tags are not audio (only {seconds} seconds of sound were "
        "found up to there); at most {share} may be. The file is damaged. " + EXPORT
    ),
    "mixed_format": (
        "The recording changes from {before} to {after} after {seconds} seconds; one recording must stay the same "
        "throughout. It was probably joined from different files. " + EXPORT
    ),
    "too_short": "The recording lasts {measured} seconds; the shortest allowed is {allowed}. {advice}",
    "too_long": (
        "The recording lasts {measured} seconds; the longest allowed is {allowed}. Shorten it and upload it again."
    ),
    "does_not_play": (
        "Only {measured} of the recording's {seconds} seconds can be played; at least {allowed} must be. "
        "The file is damaged. " + EXPORT
    ),
    "not_decodable": (
        "The decoder broke off at this recording, or was not done with it after {allowed} seconds, where a minute of sound takes "
        "about one. The file is damaged. " + EXPORT
    ),
    "silent": (
        "Only {measured} seconds of this recording can be heard on a telephone (louder than {threshold} dB below full volume); at "
        "least {allowed} must be. A telephone plays both channels as one, and only 300 to 3,400 Hz. Check the microphone, record it "
        "again in mono and listen before you upload it."
    ),
}

# The same for `warning`; shown with an accepted recording.
WARNINGS: dict[str, str] = {
    "cut_off": (
        "The file breaks off after {measured} seconds, in the middle of a frame. Listen to the end: "
        "the upload may have been cut off."
    ),
    "shorter_than_announced": (
        "The file announces {announced} seconds and holds {measured}. "
        "Listen to the end: the upload may have been cut off."
    ),
    "low_bitrate": (
        "The recording has {measured} kbit/s; below {allowed} speech becomes hard to understand. "
        "Export it with 64 kbit/s if you can."
    ),
    "bytes_skipped": (
        "{measured} bytes inside or after the recording are not audio and were left out. Listen to it once before you use it."
    ),
    "very_quiet": (
        "The recording is very quiet on a phone, which has one channel: its loudness is {measured} LUFS, and below {allowed} it is "
        "hard to hear. Record it in mono, closer to the microphone, or make it louder."
    ),
    "clipped": (
        "The recording is distorted: {measured} per cent of it is cut off at full volume, and over {allowed} is heard as "
        "crackling. Lower the microphone's level and record it again."
    ),
    "silent_start": (
        "It begins with {measured} seconds of silence; after more than {allowed}, people hang up before they hear a word. "
        "Cut the silence off at the beginning."
    ),
    "silent_end": (
        "It ends with {measured} seconds of silence; more than {allowed} keep people waiting for nothing. "
        "Cut the silence off at the end."
    ),
}


class AudioRejected(Exception):
    """The upload is rejected. `code` is a key of REJECTIONS or CLIP_REJECTIONS; `message` is for the uploader."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class AudioWarning:
    """A warning about an accepted recording or clip: `code` is a key of WARNINGS or CLIP_WARNINGS."""

    code: str
    message: str


def rejected(code: str, **facts: object) -> AudioRejected:
    """The exception for `code`, its message formatted with the measured values."""
    return AudioRejected(code, REJECTIONS[code].format(**facts))


def warning(code: str, **facts: object) -> AudioWarning:
    """The warning for `code`, its message formatted with the measured values."""
    return AudioWarning(code, WARNINGS[code].format(**facts))
