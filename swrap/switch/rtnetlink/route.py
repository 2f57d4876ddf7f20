"""A route as the body of RTM_NEWROUTE and RTM_DELROUTE (linux/rtnetlink.h, rtnetlink(7))."""

from __future__ import annotations

import ipaddress
import socket
import struct
from dataclasses import dataclass

from swrap.abi.names import IPAddress
from swrap.switch.rtnetlink import wire
from swrap.switch.rtnetlink.view import RTN_LOCAL, RTN_UNICAST, Route

RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_CACHEINFO = 1, 4, 5, 6, 7, 12
RTA_TABLE, RTA_PREF = 15, 20
MAIN, LOCAL = 254, 255
PROTO_UNSPEC, PROTO_KERNEL, PROTO_BOOT = 0, 2, 3
UNIVERSE, LINK, HOST = 0, 253, 254
RTNH_F_LINKDOWN = 16
RTM_F_CLONED = 0x200
IPV6_METRIC = 256  # of a connected network
IPV6_STATIC = 1024  # of one that somebody has set

_HEAD = struct.Struct("=8BI")  # struct rtmsg
_SIZES = {socket.AF_INET: 4, socket.AF_INET6: 16}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which routes a dump is about; 0 is any."""

    table: int = 0
    index: int = 0

    def takes(self, route: Route) -> bool:
        """Is it one of them?"""
        return self.table in (0, table(route)) and self.index in (0, route.index)


def table(route: Route) -> int:
    """The routing table it is in: what leads to the host itself has its own."""
    return MAIN if route.kind == RTN_UNICAST else LOCAL


def family(route: Route) -> int:
    """AF_INET or AF_INET6."""
    return socket.AF_INET6 if route.to.version == 6 else socket.AF_INET


def body(route: Route) -> bytes:
    """struct rtmsg and the attributes."""
    six = route.to.version == 6
    scope = UNIVERSE if six or route.gateway else HOST if route.kind == RTN_LOCAL else LINK
    origin = PROTO_BOOT if route.gateway else PROTO_KERNEL
    metric = IPV6_STATIC if route.gateway else IPV6_METRIC if route.kind == RTN_UNICAST else 0
    flags = RTNH_F_LINKDOWN if route.linkdown else 0
    parts = [
        _head(route.to.version, route.to.prefixlen, table(route), origin, scope, route.kind, flags),
        wire.u32(RTA_TABLE, table(route)),
        wire.attribute(RTA_DST, route.to.network_address.packed) if route.to.prefixlen else b"",
        wire.attribute(RTA_GATEWAY, route.gateway.packed) if route.gateway else b"",
        wire.u32(RTA_OIF, route.index),
    ]
    if six:
        parts.append(wire.u32(RTA_PRIORITY, metric))
        parts.append(wire.u8(RTA_PREF, 0))  # medium (RFC 4191)
    elif not route.gateway:
        parts.append(wire.attribute(RTA_PREFSRC, route.source.packed))
    return b"".join(parts)


def looked_up(
    to: IPAddress, index: int, source: IPAddress, gateway: IPAddress | None = None, *, own: bool
) -> bytes:
    """The answer to «how does one get there?» (`ip route get`); `own`: the address is the host's."""
    where = LOCAL if own else MAIN
    kind = RTN_LOCAL if own else RTN_UNICAST
    return b"".join(
        (
            _head(to.version, to.max_prefixlen, where, PROTO_UNSPEC, UNIVERSE, kind, RTM_F_CLONED),
            wire.u32(RTA_TABLE, where),
            wire.attribute(RTA_DST, to.packed),
            wire.attribute(RTA_GATEWAY, gateway.packed) if gateway else b"",
            wire.u32(RTA_OIF, index),
            wire.attribute(RTA_PREFSRC, source.packed),
            wire.attribute(RTA_CACHEINFO, bytes(32)),
        )
    )


def filter_in(raw: bytes) -> Filter:
    """What a dump's request asks for; everything, where it is too short to say (a struct rtgenmsg)."""
    if len(raw) < _HEAD.size:
        return Filter()
    found = wire.attributes(raw[_HEAD.size :])
    return Filter(wire.number(found.get(RTA_TABLE)) or raw[4], wire.number(found.get(RTA_OIF)))


def destination_in(raw: bytes) -> IPAddress | None:
    """Where a request wants to get; None where it does not say. Raises struct.error where it is too short."""
    size = _SIZES.get(_HEAD.unpack_from(raw)[0])
    found = wire.attributes(raw[_HEAD.size :]).get(RTA_DST)
    return None if size is None or found is None or len(found) != size else ipaddress.ip_address(found)


def _head(version: int, bits: int, where: int, protocol: int, scope: int, kind: int, flags: int) -> bytes:
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    return _HEAD.pack(family, bits, 0, 0, where, protocol, scope, kind, flags)
