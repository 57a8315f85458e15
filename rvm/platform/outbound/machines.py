"""Which machines may be reached: those of the public internet, by the registries of special addresses. Pure.

`is_global` of the standard library alone lets multicast, relays and translators through, and differs between releases of Python.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

# IANA's registries of special-purpose addresses for IPv4 (RFC 6890), and multicast.
_SPECIAL_IPV4 = [
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # private
    "100.64.0.0/10",  # shared by carriers (CGNAT); the metadata of a cloud too
    "127.0.0.0/8",  # loopback
    "168.63.129.16/32",  # the host of each machine in one cloud, although it is a public address
    "169.254.0.0/16",  # link-local; the metadata of most clouds
    "172.16.0.0/12",  # private
    "192.0.0.0/24",  # protocol assignments; the metadata of a cloud too
    "192.0.2.0/24",  # documentation
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # automatic multicast tunnels
    "192.88.99.0/24",  # relays of 6to4
    "192.168.0.0/16",  # private
    "192.175.48.0/24",  # AS112
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
]
# Only 2000::/3 is given to machines; of it these are special, or lead to an IPv4 address that they contain.
_GIVEN_IPV6 = IPv6Network("2000::/3")
_SPECIAL_IPV6 = [
    "2001::/23",  # protocol assignments, with Teredo and ORCHID
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4
    "2620:4f:8000::/48",  # AS112
    "3fff::/20",  # documentation
    "3ffe::/16",  # the network of tests that has ended
]
_SPECIAL: list[IPv4Network | IPv6Network] = [ip_network(text) for text in (*_SPECIAL_IPV4, *_SPECIAL_IPV6)]


def is_public(address: str) -> bool:
    """Whether the IP address is of a machine on the public internet. Addresses that contain another, such as ::ffff:10.0.0.1, are
    not: NAT64 (64:ff9b::/96) and IPv4-mapped ones are outside of 2000::/3."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip not in _GIVEN_IPV6:
        return False
    return ip.is_global and not any(ip in network for network in _SPECIAL)


def is_loopback(address: str) -> bool:
    return ip_address(address).is_loopback
