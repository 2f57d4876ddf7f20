"""A host's network at one moment, as values: links, addresses, and the routes that follow from them.

Read from the lab's page, in the process that is its only writer. Must not know of netlink.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from swrap.abi import ffi, lib
from swrap.abi.names import IPAddress, unpack_ip
from swrap.abi.page import Page, pack_ip

IPInterface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Link:
    """An interface; `position` is its index in the page, `index` its number in its host, `mtu` in bytes.

    `speed` is in bits per second; no message has it, but a change of it is told as one of the link.
    """

    position: int
    index: int
    name: str
    mac: bytes
    mtu: int
    rings: int
    loopback: bool
    up: bool
    carrier: bool
    speed: int


@dataclass(frozen=True, slots=True)
class Address:
    """An address of the link number `index`."""

    index: int
    name: str
    value: IPInterface
    loopback: bool


@dataclass(frozen=True, slots=True)
class Route:
    """A way: to a network on a link or to the host's own address, as the kernel makes them; or by a gateway."""

    to: IPNetwork
    index: int
    kind: int
    """RTN_UNICAST, RTN_LOCAL or RTN_BROADCAST"""
    source: IPAddress
    linkdown: bool = False
    gateway: IPAddress | None = None


RTN_UNICAST, RTN_LOCAL, RTN_BROADCAST = 1, 2, 3


@dataclass(frozen=True, slots=True)
class View:
    """What one host has."""

    links: tuple[Link, ...]
    addresses: tuple[Address, ...]
    gateway: IPAddress | None = None

    def routes(self) -> Iterator[Route]:
        """As Linux makes them for each address: first to the networks on links, then to the host itself."""
        links = {link.index: link for link in self.links}
        there = [one for one in self.addresses if links[one.index].up]
        for one in (one for one in there if self.gateway is not None and self.gateway in one.value.network):
            everything = ipaddress.ip_network("0.0.0.0/0" if one.value.version == 4 else "::/0")
            down = not links[one.index].carrier
            yield Route(everything, one.index, RTN_UNICAST, one.value.ip, down, self.gateway)
            break
        for one in there:
            network = one.value.network
            if network.num_addresses > 1 and not one.loopback:
                down = not links[one.index].carrier
                yield Route(network, one.index, RTN_UNICAST, one.value.ip, down)
        for one in there:
            network = one.value.network
            if one.loopback and one.value.version == 4:
                yield Route(network, one.index, RTN_LOCAL, one.value.ip)
            yield Route(ipaddress.ip_network(one.value.ip), one.index, RTN_LOCAL, one.value.ip)
            if one.value.version == 4 and network.prefixlen < 31:
                last = ipaddress.ip_network(network.broadcast_address)
                yield Route(last, one.index, RTN_BROADCAST, one.value.ip)


def look(page: Page, host: int) -> View:
    """The network of the host with this index, now."""
    own = page.host(host)
    links = tuple(_link(page, i) for i in range(own.first_iface, own.first_iface + own.n_ifaces))
    by_position = {link.position: link for link in links}
    raw = (page.address_record(i) for i in range(own.first_addr, own.first_addr + own.n_addrs))
    return View(
        links,
        tuple(
            Address(
                by_position[one.iface].index,
                by_position[one.iface].name,
                ipaddress.ip_interface((unpack_ip(bytes(one.ip)), one.prefix)),
                by_position[one.iface].loopback,
            )
            for one in raw
        ),
        _given(own.gateway),
    )


def way(page: Page, host: int, to: IPAddress) -> tuple[int, IPAddress, IPAddress | None] | None:
    """How `host` reaches `to`: the interface (its index in the page), the source address, the gateway if by one."""
    source, hop = ffi.new("uint8_t[16]"), ffi.new("uint8_t[16]")
    iface = ffi.new("uint32_t *")
    if lib.sw_next_hop(page.address, host, 0, pack_ip(to), source, iface, hop) != 0:
        return None
    gateway = unpack_ip(bytes(hop))
    return iface[0], unpack_ip(bytes(source)), None if gateway == to else gateway


def _given(raw: Any) -> IPAddress | None:
    """An address of the page; None where it stands for none."""
    address = unpack_ip(bytes(raw))
    return None if address.is_unspecified else address


def _link(page: Page, position: int) -> Link:
    raw = page.interface(position)
    return Link(
        position,
        raw.ifindex,
        bytes(ffi.string(raw.name)).decode(),
        bytes(raw.mac),
        raw.mtu,
        raw.rings,
        bool(raw.flags & lib.SW_IF_LOOPBACK),
        bool(raw.flags & lib.SW_IF_UP),
        bool(raw.flags & lib.SW_IF_RUNNING),
        raw.speed,
    )
