"""Which traffic a fault means.

Owns the one way to say it that all faults on traffic share. All parts that are given must fit; a flow fits
if any of its two ends does, or for ``sport`` and ``dport`` any of its two directions. How they are compared
is in ``rule``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from ipaddress import ip_address
from typing import Any, Literal, Self, get_args

from swrap.document import JSON, Schema
from swrap.topology import Topology

Direction = Literal["in", "out", "both"]
"""As seen from the first that is given of interface, host, address, port, and the first of ``between``."""

State = Literal["new", "established", "any"]
"""As a firewall tracks connections: new until the SYN, or the first datagram, was answered."""

Hosts = str | tuple[str, ...]
"""One host, or a set of them."""

_HOSTS: Schema = {
    "title": "a host, or a list of hosts",
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
    ],
}

_PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}

SCHEMA: Schema = {
    "type": "object",
    "title": "one of host, interface, address, port, sport, dport, between, flow",
    "properties": {
        "host": _HOSTS | {"description": "Either end is on this host, or on one of these."},
        "interface": {"type": "string", "description": "It crosses this interface (HOST.INTERFACE)."},
        "address": {"type": "string", "format": "address", "description": "Either end has this address."},
        "port": _PORT | {"description": "Either end has this port."},
        "sport": _PORT | {"description": "It is sent from this port."},
        "dport": _PORT | {"description": "It is sent to this port."},
        "between": {
            "type": "array",
            "items": _HOSTS,
            "minItems": 2,
            "maxItems": 2,
            "uniqueItems": True,
            "description": "One end is on the one host (or one of the one set), the other on the other.",
        },
        "flow": {"type": "integer", "minimum": 1, "description": "It belongs to the flow of this number."},
        "direction": {
            "enum": list(get_args(Direction)),
            "title": "direction",
            "description": "in, out or both, as seen from the first of interface, host, address, port, between",
        },
        "state": {
            "enum": list(get_args(State)),
            "title": "state",
            "description": "new, established or any: was the connection answered?",
        },
    },
    "minProperties": 1,
    "additionalProperties": False,
}

SELECTORS = ("interface", "host", "address", "port", "sport", "dport", "between", "flow")
"""One of them at least says what is meant."""

FIELDS: Mapping[str, str] = {key: part["description"] for key, part in SCHEMA["properties"].items()}


@dataclass(frozen=True, slots=True)
class Match:
    """Traffic: what is None does not count."""

    host: Hosts | None = None
    interface: str | None = None
    address: str | None = None
    port: int | None = None
    between: tuple[Hosts, Hosts] | None = None
    direction: Direction = "both"
    flow: int | None = None
    state: State = "any"
    sport: int | None = None
    dport: int | None = None

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """From a mapping that fits ``SCHEMA``, or from one that has more than that."""
        given = {key: part for key, part in value.items() if key in FIELDS}
        if "host" in given:
            given["host"] = _hosts(given["host"])
        if "between" in given:
            given["between"] = tuple(map(_hosts, given["between"]))
        return cls(**given)

    def data(self) -> dict[str, JSON]:
        """The parts that are given, as JSON; this is also what the switch's control socket takes."""
        said: dict[str, JSON] = {}
        for key, usual in _USUAL.items():
            value = getattr(self, key)
            if value != usual:
                said[key] = _plain(value)
        return said

    def against(self, topology: Topology) -> Iterator[tuple[tuple[str, ...], str]]:
        """What is named here and is not in the lab, or that nothing is."""
        if all(getattr(self, key) is None for key in SELECTORS):
            yield (), f"say which traffic: {', '.join(SELECTORS)}"
        asks: list[tuple[tuple[str, ...], Callable[[str], object], str]] = []
        if self.interface is not None:
            asks.append((("interface",), topology.interface, self.interface))
        asks += [(("host",), topology.host, name) for name in names(self.host or ())]
        asks += [(("between",), topology.host, name) for hosts in self.between or () for name in names(hosts)]
        for path, look_up, name in asks:
            try:
                look_up(name)
            except KeyError as error:
                yield path, str(error.args[0])
        if self.address is not None and topology.owner(ip_address(self.address)) is None:
            yield ("address",), f"no interface has the address {self.address}"


_USUAL: Mapping[str, Any] = {one.name: one.default for one in fields(Match)}


def names(hosts: Hosts) -> tuple[str, ...]:
    """The hosts of one, or of a set."""
    return (hosts,) if isinstance(hosts, str) else hosts


def _hosts(value: str | Sequence[str]) -> Hosts:
    return value if isinstance(value, str) else tuple(value)


def _plain(value: Any) -> JSON:
    return [_plain(part) for part in value] if isinstance(value, tuple) else value
