"""Tells network addresses apart: who may own them (one person can choose among many IPv6 addresses), and whether they are public."""

import ipaddress

IPV6_NETWORK = 64
"""Length of the prefix that a provider gives to one customer: all addresses below it count as one."""


IPV4_BLOCK, IPV6_BLOCK = 24, 48
"""Lengths of the prefixes that one organisation has."""


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


def block_of(network: str) -> str:
    """The block that a network is in, as providers hand them out: the /24 of an IPv4 address, the /48 of an IPv6 network; any other text unchanged."""
    try:
        found = ipaddress.ip_network(network)
    except ValueError:
        return network
    length = IPV4_BLOCK if found.version == 4 else IPV6_BLOCK  # noqa: PLR2004 -- of IP
    return str(found.supernet(new_prefix=length)) if found.prefixlen > length else network


NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the Internet: no network of one's own, no machine's own, no group. Of an IPv6 address that leads to an IPv4 one, that counts."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo and found.teredo[1])
        if found in NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast
