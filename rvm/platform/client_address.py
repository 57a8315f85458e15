"""The address of the client behind the deployment's own proxies, for limits by address and for the audit."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

# A household or a provider's customer has at least this much of IPv6, so a limit by single address would limit nobody.
_IPV6_PREFIX = 64
UNKNOWN = "unknown"


def seen_address(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """The client's address as the outermost of the deployment's own proxies saw it; None if that is no address.

    Each of the `RVM_PROXIES` proxies adds the address that it saw to the end of `X-Forwarded-For`; what stands before was sent by the
    client and may be made up.
    """
    proxies = settings.RVM_PROXIES
    seen = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    given = seen[-proxies] if 0 < proxies <= len(seen) and seen[-proxies] else request.META.get("REMOTE_ADDR", "")
    try:
        address = ip_address(given)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # A zone such as %eth0 names an interface of the proxy, and PostgreSQL's inet has none.
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


def client_address(request: HttpRequest) -> str:
    """The client's IPv4 address or IPv6 network, by which limits count; `unknown` if it is neither."""
    address = seen_address(request)
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), _IPV6_PREFIX), strict=False))
    return str(address)
