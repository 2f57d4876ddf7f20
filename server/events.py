"""What a server tells whoever drives it: one line of facts when something happened.
 Owns the sink's shape and the endpoint text. The kinds and their fields are listed in
`server.actor.schema_server`. Called by every part that has something to tell; workers send theirs to the
acceptor.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Any, Protocol


class Events(Protocol):
    def emit(self, kind: str, /, **fields: Any) -> None: ...


def endpoint(address: tuple[Any, ...]) -> str:
    """`10.0.1.1:445`, `[fd00::1]:445`; an IPv4 address that came in on an IPv6 socket is printed as what it
    is.
    """
    host, port = str(address[0]).partition("%")[0], address[1]
    parsed = ip_address(host)
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return f"[{parsed}]:{port}"
        parsed = parsed.ipv4_mapped
    return f"{parsed}:{port}"
