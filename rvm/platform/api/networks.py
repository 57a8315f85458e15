"""Networks from which an API key is accepted: how they are written, and whether an address or another network is among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from rvm.platform.errors import ServiceError

Network = IPv4Network | IPv6Network
MAX_NETWORKS = 50


def written(texts: Iterable[str]) -> list[str]:
    """The networks as they are stored, each once; a single address is a network of one. Raises ServiceError."""
    networks = list(dict.fromkeys(str(_read(text.strip())) for text in texts))
    if len(networks) > MAX_NETWORKS:
        raise _malformed(f"There are {len(networks)} networks; a key has at most {MAX_NETWORKS}.")
    return networks


def _read(text: str) -> Network:
    try:
        network = ip_network(text)
    except ValueError:
        raise _malformed(
            f"{text!r} is no network. Write 203.0.113.0/24 or 2001:db8::/32, with nothing set beyond the prefix, or one address."
        ) from None
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise _malformed(f"{text!r} is a network of IPv4; write it as such, like 203.0.113.0/24.")
    return network


def _malformed(message: str) -> ServiceError:
    return ServiceError("network_malformed", message, field="networks")


def has_address(networks: Sequence[str], address: IPv4Address | IPv6Address | None) -> bool:
    """Whether the address is in one of the networks; an unknown address is in none. Without networks, every address is."""
    return not networks or (address is not None and any(address in ip_network(text) for text in networks))


def within(inner: Sequence[str], outer: Sequence[str]) -> bool:
    """Whether each of the `inner` networks is a part of one of the `outer`; none means everywhere."""
    if not outer:
        return True
    return bool(inner) and all(any(_is_part(ip_network(one), ip_network(all_)) for all_ in outer) for one in inner)


def _is_part(one: Network, all_: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(all_, IPv4Network) and one.subnet_of(all_)
    return isinstance(all_, IPv6Network) and one.subnet_of(all_)
