"""Groups network addresses by who may own them: one person can choose among many IPv6 addresses."""

import ipaddress

IPV6_NETWORK = 64
"""Length of the prefix that a provider gives to one customer: all addresses below it count as one."""


def network_of(address: str) -> str:
    """The /64 of an IPv6 address; an IPv4 address, also one mapped into IPv6, and any other text unchanged."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, IPV6_NETWORK), strict=False))
