"""Socket addresses: the `socket` module's tuples, and what the kernel makes of them.

Owns the spelling. Inside, an IP address is its canonical text, IPv4 always as IPv4: a dual-stack socket shows
it as ::ffff:a.b.c.d only to its program.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache
from typing import Any, NamedTuple

ANY4, ANY6 = "0.0.0.0", "::"  # noqa: S104  # addresses that are compared with, not listened on


class Endpoint(NamedTuple):
    """An address and a port."""

    ip: str
    port: int

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


@lru_cache(4096)
def canonical(text: str) -> str:
    """An IP address in its canonical text; mapped IPv4 as IPv4. Raises ValueError."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


@lru_cache(4096)
def is_loopback(ip: str) -> bool:
    """127.0.0.0/8 or ::1."""
    return ip.startswith("127.") or ip == "::1"


@lru_cache(4096)
def is_multicast(ip: str) -> bool:
    """224.0.0.0/4 or ff00::/8."""
    return ipaddress.ip_address(ip).is_multicast


def parse(family: int, address: Any, names: Any) -> Endpoint:
    """What a program gave: (host, port[, flowinfo, scope]). ``names`` resolves a name (gaierror if it cannot).

    TypeError and OverflowError as the `socket` module raises them.
    """
    if family == socket.AF_INET:
        if not isinstance(address, tuple):
            raise TypeError(f"connect(): AF_INET address must be tuple, not {type(address).__name__}")
        if len(address) != 2:
            raise TypeError("AF_INET address must be a pair (host, port)")
    elif not isinstance(address, tuple) or not 2 <= len(address) <= 4:
        raise TypeError("AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])")
    host, port = address[0], address[1]
    if not isinstance(port, int):
        raise TypeError(f"{type(port).__name__!r} object cannot be interpreted as an integer")
    if not 0 <= port <= 0xFFFF:
        raise OverflowError("port must be 0-65535.")
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode()
    if host == "":
        return Endpoint(ANY4 if family == socket.AF_INET else ANY6, port)
    if family == socket.AF_INET and host == "<broadcast>":
        return Endpoint("255.255.255.255", port)
    try:
        ip = canonical(host)
    except ValueError:
        ip = names(host, family)
    if family == socket.AF_INET and ":" in ip:
        raise socket.gaierror(socket.EAI_ADDRFAMILY, "Address family for hostname not supported")
    if family == socket.AF_INET6 and ":" not in ip and ":" not in host:
        raise socket.gaierror(socket.EAI_ADDRFAMILY, "Address family for hostname not supported")
    return Endpoint(ip, port)


def shown(family: int, endpoint: Endpoint | None) -> Any:
    """What getsockname(2), accept(2) … give a program."""
    if family == socket.AF_INET:
        return (ANY4, 0) if endpoint is None else (endpoint.ip, endpoint.port)
    if endpoint is None:
        return (ANY6, 0, 0, 0)
    ip = endpoint.ip if ":" in endpoint.ip else f"::ffff:{endpoint.ip}"
    return (ip, endpoint.port, 0, 0)
