"""The hosts that a setup's credentials may name.

Without this restriction, an administrator of a setup could make the workers call any machine in their network. Real carriers have one
address; a simulated carrier is on one of the hosts in `RVM_SANDBOX_HOSTS`, which are never a vendor's.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings


def check_address(url: str, whose: str, *, published: str = "") -> None:
    """Raise ValueError, whose message contains no part of the address, unless it is HTTP to a listed host.

    `published` is the carrier's own address, whose host is no simulator's even if it is listed.
    """
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise ValueError(f"{whose} address is malformed.") from None
    if (
        parts.scheme not in ("http", "https")
        or not host
        or {"@", "\\"} & set(parts.netloc)
        or parts.query
        or parts.fragment
    ):
        raise ValueError(f"{whose} address must look like http://127.0.0.1:8800.")
    if published and host == urlsplit(published).hostname:
        raise ValueError(
            f"{whose} address names the vendor's own host in another way; leave it empty to reach the vendor."
        )
    if not {host, parts.netloc.lower()} & set(settings.RVM_SANDBOX_HOSTS):
        raise ValueError(
            f"{whose} address names a host that is not open to simulated carriers here; whoever runs this installation can add it "
            "to RVM_SANDBOX_HOSTS."
        )
