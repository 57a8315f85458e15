"""What the two processes say to each other: frames of one letter for the kind, four bytes for the length, and the content."""

from __future__ import annotations

import struct

HEAD = struct.Struct("!cI")
# A child that has been taken over could announce more than its parent has memory for.
MAX_FRAME_BYTES = 32 * 1024 * 1024

CALL = b"C"  # JSON: what to run and within which limits; the bytes follow without frames, to the end of the pipe
ITEM = b"I"  # JSON: one value that the function yielded
BYTES = b"B"  # the same, where it is bytes
REFUSED = b"R"  # JSON: the code and the sentence of the refusal that the function raised
MEMORY = b"M"  # it needed more memory than it may have
FAULT = b"F"  # JSON: the name of an exception that nobody expects, and where it came from; never its message
END = b"E"


def frame(kind: bytes, content: bytes = b"") -> bytes:
    return HEAD.pack(kind, len(content)) + content
