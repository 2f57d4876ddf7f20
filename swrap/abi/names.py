"""The abstract names of virtual sockets, as bytes for `socket.bind` and `socket.connect`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, Literal

from swrap.abi import ffi, lib
from swrap.abi.page import Page, pack_ip, unpack_ip

_PATH = 2  # offsetof(struct sockaddr_un, sun_path)
_SERVICES = {
    "stream": lib.SW_SERVICE_STREAM,
    "control": lib.SW_SERVICE_CONTROL,
    "route": lib.SW_SERVICE_ROUTE,
    "datagram": lib.SW_SERVICE_DATAGRAM,
}

__all__ = ["Endpoint", "IPAddress", "Name", "decode", "encode", "service_address", "unpack_ip"]

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An IP address and a port."""

    ip: IPAddress
    port: int

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if self.ip.version == 6 else f"{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True)
class Name:
    """A decoded name. Whose host; `kind` is `enum sw_kind` (name.h): `t` stream, `u` datagram, `n` netlink …"""

    host: int
    kind: str
    own: Endpoint
    peer: Endpoint | None


def service_address(page: Page, service: Literal["stream", "control", "route", "datagram"]) -> bytes:
    """The name of one of the switch's doors, its leading NUL included."""
    sun = ffi.new("struct sockaddr_un *")
    return _text(sun, lib.sw_name_service(page.address, _SERVICES[service], sun))


def encode(page: Page, name: Name) -> bytes:
    """The abstract name of a virtual socket, its leading NUL included."""
    raw = ffi.new(
        "struct sw_name *", {"host": name.host, "kind": ord(name.kind), "pair": name.peer is not None}
    )
    raw.own = (pack_ip(name.own.ip), name.own.port)
    if name.peer is not None:
        raw.peer = (pack_ip(name.peer.ip), name.peer.port)
    sun = ffi.new("struct sockaddr_un *")
    return _text(sun, lib.sw_name_encode(page.address, raw, sun))


def decode(page: Page, raw: bytes) -> Name | None:
    """The name behind the bytes of an abstract address; None where it is no name of this lab, or forged."""
    if len(raw) > 108 or not raw.startswith(b"\0"):
        return None
    sun = ffi.new("struct sockaddr_un *")
    ffi.buffer(sun)[0:_PATH] = (1).to_bytes(_PATH, "little")
    ffi.memmove(sun.sun_path, raw, len(raw))
    name = ffi.new("struct sw_name *")
    if lib.sw_name_decode(page.address, sun, _PATH + len(raw), name) != 0:
        return None
    return Name(name.host, chr(name.kind), _endpoint(name.own), _endpoint(name.peer) if name.pair else None)


def _endpoint(raw: Any) -> Endpoint:
    return Endpoint(unpack_ip(bytes(raw.ip)), raw.port)


def _text(sun: Any, length: int) -> bytes:
    return bytes(ffi.buffer(sun)[_PATH:length])
