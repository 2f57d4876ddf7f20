"""An address as the body of RTM_NEWADDR and RTM_DELADDR (linux/if_addr.h, rtnetlink(7))."""

from __future__ import annotations

import socket
import struct

from swrap.switch.rtnetlink import wire
from swrap.switch.rtnetlink.view import Address, IPInterface

IFA_ADDRESS, IFA_LOCAL, IFA_LABEL, IFA_BROADCAST, IFA_CACHEINFO, IFA_FLAGS = 1, 2, 3, 4, 6, 8
PERMANENT = 0x80
FOREVER = 0xFFFFFFFF
UNIVERSE, LINK, HOST = 0, 253, 254

_HEAD = struct.Struct("=BBBBI")  # struct ifaddrmsg
# Preferred and valid for how long, made and changed when.
_CACHEINFO = struct.pack("=4I", FOREVER, FOREVER, 0, 0)


def body(address: Address) -> bytes:
    """struct ifaddrmsg and the attributes, in the kernel's order."""
    value = address.value
    head = _HEAD.pack(family(value), value.network.prefixlen, PERMANENT, _scope(address), address.index)
    flags, cache = wire.u32(IFA_FLAGS, PERMANENT), wire.attribute(IFA_CACHEINFO, _CACHEINFO)
    if value.version == 6:
        return head + wire.attribute(IFA_ADDRESS, value.packed) + cache + flags
    broadcast = b""
    if value.network.prefixlen < 31 and not address.loopback:
        broadcast = wire.attribute(IFA_BROADCAST, value.network.broadcast_address.packed)
    label = wire.text(IFA_LABEL, address.name)
    own = wire.attribute(IFA_ADDRESS, value.packed) + wire.attribute(IFA_LOCAL, value.packed)
    return head + own + broadcast + label + flags + cache


def family(value: IPInterface) -> int:
    """AF_INET or AF_INET6."""
    return socket.AF_INET6 if value.version == 6 else socket.AF_INET


def index_in(raw: bytes) -> int:
    """ifa_index of a request; 0, all, where it is too short to say (a struct rtgenmsg)."""
    return int(_HEAD.unpack_from(raw)[4]) if len(raw) >= _HEAD.size else 0


def wanted(raw: bytes) -> bytes:
    """The address in a request for one, packed; empty where it has none. Raises struct.error if too short."""
    _HEAD.unpack_from(raw)
    found = wire.attributes(raw[_HEAD.size :])
    return found.get(IFA_LOCAL, found.get(IFA_ADDRESS, b""))


def _scope(address: Address) -> int:
    if address.loopback:
        return HOST
    return LINK if address.value.version == 6 and address.value.is_link_local else UNIVERSE
