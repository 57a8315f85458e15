"""The protocol between parent and child: frames of one byte for the kind, four bytes for the length, and the content."""

from __future__ import annotations

import struct

HEAD = struct.Struct("!cI")
STATUS = struct.Struct(
    "!i"
)  # how the child ended, on its control socket: its exit code, or a signal as a negative number
# A compromised child could announce more bytes than fit into the parent's memory.
MAX_FRAME_BYTES = 32 * 1024 * 1024

CALL = b"C"  # JSON: the function, its arguments and limits; the input follows without frames, to the end of the pipe
ITEM = b"I"  # JSON: one value that the function yielded
BYTES = b"B"  # one value of type bytes that the function yielded
REFUSED = b"R"  # JSON: the code and the message of the refusal that the function raised
MEMORY = b"M"  # the function exceeded its memory limit
FAULT = b"F"  # JSON: the name of an unexpected exception, and its file and line; never its message
END = b"E"


def frame(kind: bytes, content: bytes = b"") -> bytes:
    return HEAD.pack(kind, len(content)) + content
