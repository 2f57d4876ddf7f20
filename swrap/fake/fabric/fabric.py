"""The network between the hosts: who has which address, what crosses what, what stops it.

Owns cables, rules, flows and the way of every packet; implements ``kernel.net.Net`` for the hosts' kernels and
``faults.Network`` for whoever makes things go wrong. Must not know programs. One is made a world.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from swrap.document import JSON
from swrap.fake.fabric.addresses import Addresses
from swrap.fake.fabric.clock import Clock
from swrap.fake.fabric.flow import FabricFlow
from swrap.fake.fabric.link import Link
from swrap.fake.fabric.routes import Route, Routes
from swrap.fake.fabric.rules import Rules
from swrap.fake.fabric.way import PASSES, Way
from swrap.fake.kernel.address import Endpoint, canonical, is_loopback
from swrap.fake.kernel.ancillary import Marks, Told
from swrap.fake.kernel.file import fail
from swrap.fake.kernel.handshake import Syn
from swrap.fake.kernel.host import Host
from swrap.fake.kernel.udp import UdpSocket
from swrap.faults import Match, Touched
from swrap.faults.effects import Hold
from swrap.faults.rule import Rule, matches
from swrap.topology import Topology

Notice = Callable[[str, Mapping[str, JSON]], None]

_Sent = tuple[UdpSocket, Endpoint, Endpoint, Any, bytes, Marks | None]
_PLAIN = Marks(64, 0)


class Fabric(Clock):
    """``random`` decides all that chance decides; ``notice`` gets the network's events."""

    def __init__(self, topology: Topology, random: Random, notice: Notice = lambda kind, data: None) -> None:
        super().__init__()
        self.topology = topology
        self.random = random
        self.notice = notice
        self.syn_timeout = topology.limits.syn_timeout
        self.retransmit_timeout = topology.limits.retransmit_timeout
        self.epoch = 0
        self.rules = Rules()
        self.links = {
            f"{host.name}.{one.name}": Link(f"{host.name}.{one.name}", one)
            for host in topology.hosts
            for one in host.interfaces
        }
        self.hosts = {host.name: Host(self, host, random) for host in topology.hosts}
        self._known: dict[tuple[str, str], Route | None] = {}
        self.addresses = Addresses(topology)
        self._routes = Routes(topology, self.addresses)
        self._speeds: dict[str, int] = {}
        self._flows: dict[int, FabricFlow] = {}
        self._last_flow = 0
        self._on_hold: list[_Sent] = []
        self._readdressed()

    # --- kernel.net.Net

    def source(self, host: str, target: str) -> str:
        """See ``kernel.net.Net``."""
        found = self._routes.source(host, target)
        return found if found is not None else fail(errno.ENETUNREACH)

    def way(self, protocol: str, source: Endpoint, target: Endpoint, host: str) -> Way:
        """See ``kernel.net.Net``."""
        return Way(self, protocol, source, target, host)

    def route(self, host: str, target: str) -> Route | None:
        """The route from ``host`` to an address, now."""
        key = host, target
        if key not in self._known:
            self._known[key] = self._routes.route(host, target)
        return self._known[key]

    def holder(self, ip: str, seen_from: str) -> Host | None:
        """See ``kernel.net.Net``."""
        if is_loopback(ip):
            return self.hosts[seen_from]
        owner = self._routes.owners.get(ip)
        return None if owner is None else self.hosts[owner[0]]

    def networks(self, host: str) -> list[tuple[str, Any]]:
        """See ``kernel.net.Net``."""
        return self.addresses.host(host)

    def segment(self, interface: str, ip: str) -> list[str]:
        """See ``kernel.net.Net``."""
        version = 6 if ":" in ip else 4
        networks = {own.network for own in self.addresses.of[interface] if own.version == version}
        found = (
            [str(own.ip) for own in there if own.network in networks] for there in self.addresses.of.values()
        )
        return [there[0] for there in found if there]

    def name_of(self, ip: str, seen_from: str) -> str:
        """See ``kernel.net.Net``."""
        host = self.holder(ip, seen_from)
        return seen_from if host is None else host.name

    def flow(self, syn: Syn, ways: tuple[Any, Any]) -> FabricFlow:
        """See ``kernel.net.Net``."""
        self._last_flow += 1
        flow = self._flows[self._last_flow] = FabricFlow(self, self._last_flow, syn, ways)
        return flow

    def datagram(
        self,
        sender: UdpSocket,
        source: Endpoint,
        target: Endpoint,
        way: Any,
        data: bytes,
        marks: Marks | None,
    ) -> None:
        """See ``kernel.net.Net``."""
        if way.epoch != self.epoch:
            way.review()
        if way.rejects:
            self.at(self.now + way.latency, sender.unreachable, target)
        elif isinstance(way.verdict.fate, Hold):
            self._on_hold.append((sender, source, target, way, data, marks))
        elif not way.dead:
            self._send((sender, source, target, way, data, marks))

    def _send(self, sent: _Sent) -> None:
        """On its way, with all that chance and rules do to it."""
        sender, source, target, way, data, marks = sent
        at, verdict = way.arrival(len(data)), way.verdict
        if verdict is not PASSES:
            if way.chance(verdict.loss):
                return
            if way.chance(verdict.corrupt) and data:
                bit = self.random.randrange(8 * len(data))
                data = data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]
            if way.chance(verdict.reorder):
                at += 1e-9 * verdict.late
            if way.chance(verdict.duplicate):
                self.at(at, self._arrived, (sender, source, target, way, data, marks))
        self.at(at, self._arrived, (sender, source, target, way, data, marks))

    def _arrived(self, sent: _Sent) -> None:
        sender, source, target, way, data, marks = sent
        if way.epoch != self.epoch:
            way.review()
        if way.dead:
            if isinstance(way.verdict.fate, Hold):
                self._on_hold.append(sent)
            return
        host = self.hosts.get(way.route.host)
        routers = max(0, len(way.route.out) - 1)
        if host is None or (routers and marks is not None and marks.ttl <= routers):
            return
        if target.ip != way.target.ip:
            for member in host.hearers(target, source, self._routes.owners[way.target.ip][1]):
                told = self._told(target, way, marks or _PLAIN, routers) if member.asks else None
                member.arrived(source, data, told)
            return
        receiver = host.receivers(target, source)
        if receiver is not None:
            told = self._told(target, way, marks or _PLAIN, routers) if receiver.asks else None
            receiver.arrived(source, data, told)
        elif sender.remote is not None:
            self.at(self.now + way.latency, sender.unreachable, target)

    def _told(self, target: Endpoint, way: Any, marks: Marks, routers: int) -> Told:
        """What a program may ask of a datagram that has come in there."""
        index, owner = 1, self._routes.owners.get(way.target.ip)
        if owner is not None:
            names = [f"{owner[0]}.{one.name}" for one in self.topology.host(owner[0]).interfaces]
            index = 2 + names.index(owner[1])
        return Told(index, way.target.ip, target.ip, marks._replace(ttl=marks.ttl - routers))

    def resolve(self, name: str, family: int, seen_from: str) -> str:
        """See ``kernel.net.Net``: hosts of the topology by name, the addresses in its order."""
        for ip in self.addresses_of(name):
            if (":" in ip) == (family == socket.AF_INET6):
                return ip
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def addresses_of(self, name: str) -> list[str]:
        """All addresses of a name."""
        try:
            return [canonical(name)]
        except ValueError:
            pass
        if name.rstrip(".") in ("localhost", "localhost.localdomain"):
            return ["127.0.0.1", "::1"]
        return [str(own.ip) for _, own in self.addresses.host(name)] if name in self.hosts else []

    def speed_of(self, interface: str) -> int:
        """What it reports, in bits per second."""
        return self._speeds.get(interface) or self.links[interface].described.speed

    # --- flows

    def flows(self) -> list[FabricFlow]:
        """All that are being made or are there, the oldest first."""
        return list(self._flows.values())

    def forget(self, flow: FabricFlow) -> bool:
        """It is over; False where that is known already."""
        return self._flows.pop(flow.number, None) is not None

    # --- faults.Network

    async def link(self, interface: str, up: bool) -> Touched:
        """See ``faults.Network``."""
        link = self.links.get(interface)
        if link is None:
            raise ValueError(f"no interface {interface}")
        touched = self._touched(Match(interface=interface))
        if link.up != up:
            link.up = up
            link.cut()
            self.changed()
        return touched

    async def rate(self, interface: str, rate: int | None) -> Touched:
        """See ``faults.Network``."""
        link = self.links.get(interface)
        if link is None:
            raise ValueError(f"no interface {interface}")
        link.rate = rate
        self.changed()
        return self._touched(Match(interface=interface))

    async def speed(self, interface: str, speed: int) -> Touched:
        """See ``faults.Network``."""
        if interface not in self.links:
            raise ValueError(f"no interface {interface}")
        self._speeds[interface] = speed
        return self._touched(Match(interface=interface))

    async def add_address(self, interface: str, address: str) -> Touched:
        """See ``faults.Network``."""
        held = self._held()
        self.addresses.add(interface, address)
        self._readdressed()
        return self._freed(held)

    async def remove_address(self, address: str) -> Touched:
        """See ``faults.Network``."""
        touched = self._touched(Match(address=address))
        self.addresses.remove(address)
        self._readdressed()
        return touched

    async def move(self, address: str, to: str, reset: bool) -> Touched:
        """See ``faults.Network``."""
        match = Match(address=address, state="established")
        self.addresses.move(address, to)
        touched = await self.reset(match) if reset else self._touched(match)
        self._readdressed()
        return touched

    async def impose(self, rule: Rule) -> Touched:
        """See ``faults.Network``."""
        touched = self._touched(rule.what)
        number = self.rules.add(rule)
        self.changed()
        return Touched(touched.flows, touched.bytes, details={"rule": number})

    async def lift(self, verb: str, rule: int | None) -> Touched:
        """See ``faults.Network``."""
        held = self._held()
        self.rules.remove(verb, rule)
        if verb == "heal" and rule is None:
            for link in self.links.values():
                link.up, link.rate = True, link.described.rate
            self._speeds.clear()
            self.addresses.restore()
            self._readdressed()
        self.changed()
        return self._freed(held)

    async def reset(self, match: Match) -> Touched:
        """See ``faults.Network``."""
        touched = self._touched(match)
        for flow in self.flows():
            if any(matches(match, way.packet) for way in flow.ways):
                flow.reset()
        return touched

    def changed(self) -> None:
        """Have everything look again at what may pass."""
        self.epoch += 1
        for flow in self.flows():
            flow.review()
        held, self._on_hold = self._on_hold, []
        for datagram in held:
            self.datagram(*datagram)

    def _touched(self, match: Match) -> Touched:
        """What ``match`` takes hold of now."""
        flows = size = 0
        for flow in self.flows():
            found = [matches(match, way.packet) for way in flow.ways]
            flows += any(found)
            size += sum(
                half.unacked() for half, meant in zip(flow.halves or (), found, strict=False) if meant
            )
        return Touched(flows, size)

    def _readdressed(self) -> None:
        """Addresses have changed: routes, and with them what may pass."""
        self._known.clear()
        for name, host in self.hosts.items():
            host.own = {str(own.ip) for _, own in self.addresses.host(name)}
        self.changed()

    def _freed(self, held: dict[FabricFlow, int]) -> Touched:
        freed = [size for flow, size in held.items() if not flow.held]
        return Touched(len(freed), sum(freed))

    def _held(self) -> dict[FabricFlow, int]:
        return {flow: flow.unacked() for flow in self.flows() if flow.held}
