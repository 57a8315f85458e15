"""Texts of vendors as they may be kept and shown: without phone numbers, without our secret addresses, on one line.

A vendor repeats what it was sent: the number, or the address from which it could not fetch a recording. Every value of
`delivery.lifecycle.events` and of the interface of carriers passes its texts through here when it is made, so that no adapter can
forget it. The raw body of a callback stays encrypted.
"""

from __future__ import annotations

import re

from rvm.platform.observability.masking import mask_numbers

# Of an address only the host is kept: our own prove something by their path.
_ADDRESS = re.compile(
    r"(https?:(?:\\?/){2}[^\s/\\?#\"'<>]+)[^\s\"'<>]*|/(?:carriers|recordings)/[^\s\"'<>]+", re.IGNORECASE
)


def safe_text(text: str) -> str:
    """The text with numbers and addresses masked, and without control characters."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return mask_numbers(_ADDRESS.sub(lambda found: f"{found[1] or ''}/…", plain))
