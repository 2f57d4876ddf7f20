"""The network as a view shows it: ports, and the segments that join them.

Owns the reading of the topology that `run-started` carries and the up/down state of each port. Must not
know how it is drawn. Called by the model.

The topology is read leniently (a recorded run may be older than this code): what is not there is not
shown, and a link that is first heard of in an event appears then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Any

from swrap.document import units

_SPEED = 1_000_000_000
"""bits/s: what an interface reports where a lab file says nothing."""


@dataclass(slots=True)
class Port:
    """An interface of a host, and whether its cable is in (`since`: s since the run's start)."""

    name: str
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()
    speed: int | None = None
    rate: int | None = None
    first_rate: int | None = None
    """What it carries where nothing has changed that."""
    up: bool = True
    since: float = 0.0
    history: list[tuple[float, bool]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.name.partition(".")[0]

    def turn(self, up: bool, at: float) -> None:
        """The cable went in or out; telling twice changes nothing."""
        if up != self.up:
            self.up, self.since = up, at
            self.history.append((at, up))


@dataclass(frozen=True, slots=True)
class Segment:
    """Ports in one subnet: the first stands on the left, the others on the right."""

    left: Port
    right: tuple[Port, ...]


class Network:
    """All ports by name (`server.eth0`), in the order of the lab file."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.ports: dict[str, Port] = {}

    def load(self, topology: Any) -> None:
        """Take over a topology as `run-started` tells it."""
        for host, interfaces in _hosts(topology):
            if host not in self.hosts:
                self.hosts.append(host)
            for name, body in interfaces:
                port = self.port(f"{host}.{name}")
                port.addresses = tuple(_addresses(body))
                port.speed = _bits(body.get("speed", _SPEED))
                port.rate = port.first_rate = _bits(body.get("rate"))

    def port(self, name: str) -> Port:
        """The port called `name`, made known if it is not yet."""
        found = self.ports.get(name)
        if found is None:
            found = self.ports[name] = Port(name)
            if found.host not in self.hosts:
                self.hosts.append(found.host)
        return found

    def segments(self) -> list[Segment]:
        """The ports grouped by subnet (the first address counts), each group in the order of the file."""
        groups: dict[object, list[Port]] = {}
        for port in self.ports.values():
            key = port.addresses[0].network if port.addresses else port.name
            groups.setdefault(key, []).append(port)
        return [Segment(ports[0], tuple(ports[1:])) for ports in groups.values()]


def _hosts(topology: Any) -> Iterator[tuple[str, list[tuple[str, Mapping[str, Any]]]]]:
    hosts = topology.get("hosts", topology) if isinstance(topology, Mapping) else topology
    for name, body in _named(hosts):
        interfaces = body.get("interfaces") if isinstance(body, Mapping) and "interfaces" in body else body
        yield (
            name,
            [
                (interface, what if isinstance(what, Mapping) else {"addresses": what})
                for interface, what in _named(interfaces)
                if isinstance(what, (Mapping, str, list)) and interface not in ("gateway", "forward")
            ],
        )


def _named(value: Any) -> Iterator[tuple[str, Any]]:
    """A mapping name → body, or a list of bodies that hold their name."""
    if isinstance(value, Mapping):
        yield from ((str(name), body) for name, body in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from (
            (str(body["name"]), body) for body in value if isinstance(body, Mapping) and "name" in body
        )


def _addresses(body: Mapping[str, Any]) -> Iterator[IPv4Interface | IPv6Interface]:
    value = body.get("addresses", body.get("address", ()))
    for text in [value] if isinstance(value, str) else value or ():
        try:
            yield ip_interface(text)
        except ValueError:
            continue


def _bits(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return units.rate(value) if isinstance(value, str) else None
    except ValueError:
        return None
