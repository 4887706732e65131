"""Which host names mean this very machine, where alone plain http is let through.

Pure: looks no name up. What may be reached is the business of those who ask.
"""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Say whether a host name, without port and brackets, means this very machine."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # A name, even one that begins with 127: the resolver decides where it leads.
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address == ipaddress.IPv6Address("::1")
    return address.is_loopback
