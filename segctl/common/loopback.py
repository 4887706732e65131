"""Host names of the local machine, the only ones that may be reached over plain http.

Pure: looks up no name and does not decide what may be reached.
"""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether a host name, without port and brackets, is the local machine."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # A name, even one that begins with 127: the resolver decides where it points.
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address == ipaddress.IPv6Address("::1")
    return address.is_loopback
