"""Which addresses an action may reach: the public ones, and what the settings allow.

An action's URL may come from a reading, and the worker stands inside the plant's network: without this, whoever sends a
reading could ask the router's web page, a cloud's metadata service or the database (server-side request forgery).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NAT64 = ip_network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
SITE_LOCAL = ip_network("fec0::/10")
"""RFC 3513: a site's own, which ``ipaddress`` counts as global; deprecated, and still routed here and there."""
METADATA = frozenset({ip_address("168.63.129.16"), ip_address("192.0.0.192")})
"""Clouds' own services at addresses that count as public; the others' are private ones."""


class Allowed(NamedTuple):
    """``WEIR_HTTP_ALLOW``: networks, and hosts by name, in lower case."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> "Allowed":
        """Networks (CIDR), addresses and names with commas between.  Raises ``ValueError``."""
        networks, hosts = list[Network](), set[str]()
        for one in filter(None, (part.strip() for part in text.split(","))):
            if ":" in one or one.replace(".", "").replace("/", "").isdigit():
                networks.append(ip_network(one))
            else:
                hosts.add(one.lower())
        return cls(tuple(networks), frozenset(hosts))

    def refuses(self, host: str, address: Address) -> str | None:
        """Why ``address``, which ``host`` resolved to, may not be reached; ``None`` when it may."""
        if host.lower() in self.hosts or any(address in network for network in self.networks):
            return None
        inside = embedded(address)
        if inside is not None:
            return self.refuses(host, inside)
        if address in METADATA or address in SITE_LOCAL or not address.is_global:
            return f"{address} is no public address"
        if address.is_multicast or address.is_reserved:
            return f"{address} is no public address"
        return None


def embedded(address: Address) -> Address | None:
    """The IPv4 address that an IPv6 address stands for: mapped, 6to4, Teredo, NAT64."""
    if not isinstance(address, IPv6Address):
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour
