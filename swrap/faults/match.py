"""Which traffic a fault means.

Owns the one way to say it that all faults on traffic share. All parts that are given must fit; a flow fits
if any of its two ends does. Must not know how a back end compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Literal, Self, get_args

from swrap.document import JSON, Schema
from swrap.topology import Topology

Direction = Literal["in", "out", "both"]
"""As seen from the host, interface or address that is named; from the first of ``between``."""

SCHEMA: Schema = {
    "type": "object",
    "title": "one of host, interface, address, port, between",
    "properties": {
        "host": {"type": "string", "description": "Either end is on this host."},
        "interface": {"type": "string", "description": "It crosses this interface (HOST.INTERFACE)."},
        "address": {"type": "string", "format": "address", "description": "Either end has this address."},
        "port": {
            "type": "integer",
            "minimum": 1,
            "maximum": 65535,
            "description": "Either end has this port.",
        },
        "between": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 2,
            "maxItems": 2,
            "uniqueItems": True,
            "description": "One end is on the one host, the other on the other.",
        },
        "direction": {"enum": list(get_args(Direction)), "title": "direction"},
    },
    "minProperties": 1,
    "additionalProperties": False,
}

FIELDS: Mapping[str, str] = {
    key: part.get("description", "in, out or both") for key, part in SCHEMA["properties"].items()
}


@dataclass(frozen=True, slots=True)
class Match:
    """Traffic: what is None does not count."""

    host: str | None = None
    interface: str | None = None
    address: str | None = None
    port: int | None = None
    between: tuple[str, str] | None = None
    direction: Direction = "both"

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """From a mapping that fits ``SCHEMA``."""
        between = value.get("between")
        rest = {key: part for key, part in value.items() if key != "between"}
        return cls(**rest, between=(between[0], between[1]) if between else None)

    def data(self) -> dict[str, JSON]:
        """The parts that are given, as JSON; this is also what the switch's control socket takes."""
        said: dict[str, JSON] = {
            key: value
            for key in ("host", "interface", "address", "port")
            if (value := getattr(self, key)) is not None
        }
        if self.between is not None:
            said["between"] = list(self.between)
        if self.direction != "both":
            said["direction"] = self.direction
        return said

    def against(self, topology: Topology) -> Iterator[tuple[tuple[str, ...], str]]:
        """What is named here and is not in the lab."""
        asks = [(("host",), topology.host, self.host), (("interface",), topology.interface, self.interface)]
        asks += [(("between",), topology.host, name) for name in self.between or ()]
        for path, look_up, name in asks:
            if name is not None:
                try:
                    look_up(name)
                except KeyError as error:
                    yield path, str(error.args[0])
        if self.address is not None and topology.owner(ip_address(self.address)) is None:
            yield ("address",), f"no interface has the address {self.address}"
