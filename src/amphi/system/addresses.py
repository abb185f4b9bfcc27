"""Whose a network address is, as far as one person can choose it."""

import ipaddress

IPV6_NETWORK = 64
"""Whoever has an IPv6 address has all of its /64."""


def network_of(address: str) -> str:
    """An IPv4 address as it is, also when IPv6 carries it; of an IPv6 address its /64; anything else as it is."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, IPV6_NETWORK), strict=False))
