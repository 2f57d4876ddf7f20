"""An interface as the body of RTM_NEWLINK and RTM_DELLINK (linux/if_link.h, rtnetlink(7))."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from swrap.switch.plane import Count
from swrap.switch.rtnetlink import wire
from swrap.switch.rtnetlink.view import Link

IFLA_ADDRESS, IFLA_BROADCAST, IFLA_IFNAME, IFLA_MTU = 1, 2, 3, 4
IFLA_QDISC, IFLA_STATS, IFLA_TXQLEN, IFLA_OPERSTATE, IFLA_LINKMODE = 6, 7, 13, 16, 17
IFLA_STATS64, IFLA_GROUP, IFLA_PROMISCUITY, IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES = 23, 27, 30, 31, 32
IFLA_CARRIER, IFLA_MIN_MTU, IFLA_MAX_MTU, IFLA_ALT_IFNAME = 33, 50, 51, 53

IFF_UP, IFF_BROADCAST, IFF_LOOPBACK, IFF_RUNNING = 0x1, 0x2, 0x8, 0x40
IFF_MULTICAST, IFF_LOWER_UP = 0x1000, 0x10000
ARPHRD_ETHER, ARPHRD_LOOPBACK = 1, 772
OPER_UNKNOWN, OPER_DOWN, OPER_UP = 0, 2, 6  # RFC 2863
TXQLEN = 1000  # packets: Linux' default
MIN_MTU, MAX_MTU = 68, 65535  # ether_setup() and what virtual devices allow

_HEAD = struct.Struct("=BxHiII")  # struct ifinfomsg
# struct rtnl_link_stats: packets, bytes, errors and drops, each received and sent; and more, which is 0.
_FIELDS = 24
_FIELDS64 = 25


NOTHING = Count(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What an interface sent and received."""

    sent: Count = NOTHING
    received: Count = NOTHING

    def stats(self) -> list[int]:
        """The first fields of struct rtnl_link_stats."""
        sent, received = self.sent, self.received
        return [received.packets, sent.packets, received.bytes, sent.bytes, 0, 0, received.lost, sent.lost]


def body(link: Link, traffic: Traffic) -> bytes:
    """struct ifinfomsg and the attributes, in the kernel's order."""
    kind = ARPHRD_LOOPBACK if link.loopback else ARPHRD_ETHER
    stats = traffic.stats()
    return b"".join(
        (
            _HEAD.pack(0, kind, link.index, flags(link), 0),
            wire.text(IFLA_IFNAME, link.name),
            wire.u32(IFLA_TXQLEN, TXQLEN),
            wire.u8(IFLA_OPERSTATE, _state(link)),
            wire.u8(IFLA_LINKMODE, 0),
            wire.u32(IFLA_MTU, link.mtu),
            wire.u32(IFLA_MIN_MTU, 0 if link.loopback else MIN_MTU),
            wire.u32(IFLA_MAX_MTU, 0 if link.loopback else MAX_MTU),
            wire.u32(IFLA_GROUP, 0),
            wire.u32(IFLA_PROMISCUITY, 0),
            wire.u32(IFLA_NUM_TX_QUEUES, link.rings),
            wire.u32(IFLA_NUM_RX_QUEUES, link.rings),
            wire.u8(IFLA_CARRIER, link.carrier),
            wire.text(IFLA_QDISC, "noqueue"),
            wire.attribute(IFLA_ADDRESS, link.mac),
            wire.attribute(IFLA_BROADCAST, bytes(6) if link.loopback else b"\xff" * 6),
            wire.attribute(
                IFLA_STATS64, struct.pack(f"={_FIELDS64}Q", *stats, *[0] * (_FIELDS64 - len(stats)))
            ),
            wire.attribute(
                IFLA_STATS,
                struct.pack(f"={_FIELDS}I", *(n & 0xFFFFFFFF for n in stats), *[0] * (_FIELDS - len(stats))),
            ),
        )
    )


def flags(link: Link) -> int:
    """IFF_*: without carrier an interface is UP, but neither RUNNING nor LOWER_UP (netdevice(7))."""
    found = IFF_LOOPBACK if link.loopback else IFF_BROADCAST | IFF_MULTICAST
    found |= IFF_UP if link.up else 0
    return found | (IFF_RUNNING | IFF_LOWER_UP if link.up and link.carrier else 0)


def index_in(raw: bytes) -> int:
    """ifi_index of a request; 0 where it names none. Raises struct.error where it is too short to say."""
    return int(_HEAD.unpack_from(raw)[2])


def name_in(raw: bytes) -> str | None:
    """The name in a request, if it has one."""
    found = wire.attributes(raw[_HEAD.size :])
    name = found.get(IFLA_IFNAME, found.get(IFLA_ALT_IFNAME))
    return None if name is None else name.partition(b"\0")[0].decode(errors="replace")


def _state(link: Link) -> int:
    if link.loopback:
        return OPER_UNKNOWN
    return OPER_UP if link.up and link.carrier else OPER_DOWN
