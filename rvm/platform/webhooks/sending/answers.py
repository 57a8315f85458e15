"""What a receiver's answer means: only its status counts, and of its text only the beginning is kept, with numbers masked."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

import pycurl

from rvm.platform.observability.masking import mask_numbers
from rvm.platform.outbound.connection import Connection

CONNECT_SECONDS, TOTAL_SECONDS = 3.0, 15.0
# Read of an answer at most; the rest of a larger one is not waited for.
MAX_BYTES = 64 * 1024
# Kept of it. The mask is put on a longer part, so that no number is cut in two before it is known as one.
MAX_TEXT = 500
_MASKED_BYTES = 4 * MAX_TEXT

# One sentence for a name that is not known and for one that leads into a private network: it tells nothing of what is there.
NO_MACHINE = "No machine on the public internet was found under the host's name."
_ERRORS = {
    pycurl.E_COULDNT_RESOLVE_HOST: NO_MACHINE,
    pycurl.E_COULDNT_CONNECT: "The host refuses connections, or is unreachable.",
    pycurl.E_SSL_CONNECT_ERROR: "The host does not speak TLS 1.2 or later at this port.",
    pycurl.E_PEER_FAILED_VERIFICATION: (
        "The host's certificate is not valid for its name, has expired, or is signed by nobody who is trusted."
    ),
    pycurl.E_GOT_NOTHING: "The connection ended without an answer.",
    pycurl.E_UNSUPPORTED_PROTOCOL: "The answer was not HTTP.",
    pycurl.E_FTP_WEIRD_SERVER_REPLY: "The answer was not HTTP.",
}
_BROKEN = "The connection broke before the answer was whole."
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def error_of(connection: Connection, code: int, status: int, *, cut: bool) -> str:
    """Why the request does not count as taken, as a sentence of ours; empty if it does. `cut`: the answer had more than MAX_BYTES."""
    if connection.refused:
        return NO_MACHINE
    if code == pycurl.E_OPERATION_TIMEDOUT:
        if not status:
            return f"There was no answer within {TOTAL_SECONDS:g} seconds, or no connection within {CONNECT_SECONDS:g}."
        return f"The answer ({status}) was not whole within {TOTAL_SECONDS:g} seconds."
    if code != pycurl.E_OK and not cut:
        return _ERRORS.get(code, _BROKEN)
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return (
            f"The address answered with a redirect ({status}), and none is followed; name the address that it leads to."
        )
    return f"The address answered with status {status}; only 200 to 299 say that a webhook was taken."


def text_of(body: bytes) -> str:
    text = _CONTROLS.sub(" ", body[:_MASKED_BYTES].decode("utf-8", "replace"))
    return mask_numbers(text)[:MAX_TEXT]


def rest_of(retry_after: str, now: datetime) -> float:
    """The seconds that a Retry-After asks for, of either of its forms (RFC 9110, 10.2.3); 0 for anything else."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, TypeError, OverflowError):  # the last for numbers beyond those of a machine
        return 0
    return max(0.0, (moment - now).total_seconds()) if moment.tzinfo else 0
