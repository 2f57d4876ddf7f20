"""What every fault is, and what it acts on.

Owns the shape of a fault and the seams to whatever carries it out. Must not know a back end. Implemented by
one small file a fault beside this one; called by the scenario runner, which gives a ``Target``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Protocol, Self

from swrap.document import JSON, Schema
from swrap.faults.match import Match
from swrap.faults.rule import Rule
from swrap.topology import Topology


@dataclass(frozen=True, slots=True)
class Touched:
    """What a fault took hold of at the moment of its application.

    ``flows`` counts the established flows, ``bytes`` those that were sent and not yet delivered on them,
    ``processes`` the processes; ``details`` goes into the event and the step's result (a rule's id, pids).
    """

    flows: int = 0
    bytes: int = 0
    processes: int = 0
    details: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        """Did the fault miss?"""
        return not (self.flows or self.bytes or self.processes)


class Network(Protocol):
    """The network of a running lab, as faults use it. Raises ValueError where it knows no such part."""

    async def link(self, interface: str, up: bool) -> Touched:
        """Pull the cable of ``interface`` (``"server.eth0"``), or plug it in again."""

    async def rate(self, interface: str, rate: int | None) -> Touched:
        """Let ``interface`` carry ``rate`` bits per second in each direction; None: without limit."""

    async def speed(self, interface: str, speed: int) -> Touched:
        """Let ``interface`` report ``speed`` bits per second."""

    async def add_address(self, interface: str, address: str) -> Touched:
        """Give ``interface`` one more address (``"10.0.1.9/24"``)."""

    async def remove_address(self, address: str) -> Touched:
        """Take ``address`` from whatever interface has it."""

    async def move(self, address: str, to: str, reset: bool) -> Touched:
        """Give ``address`` to the interface ``to``; ``reset``: its established flows get a RST."""

    async def impose(self, rule: Rule) -> Touched:
        """Put a rule in force, behind those that are; its id is in ``details["rule"]``."""

    async def lift(self, verb: str, rule: int | None) -> Touched:
        """Take back one rule, or all: with ``unblock`` those of block, with ``release`` those of hold.

        With ``heal`` that of any fault; and without a rule all that was ever done: cables, rates, addresses.
        """

    async def reset(self, match: Match) -> Touched:
        """End the flows that match with a RST at both ends."""


class Processes(Protocol):
    """The processes of a running lab. Raises ValueError for one that is none of the lab's."""

    async def kill(self, actor: str | None, role: str | None, pid: int | None, signal: str) -> Touched:
        """Send ``signal`` (``"KILL"``) to an actor, to all processes of one of its roles, or to a pid."""


class Target(Network, Processes, Protocol):
    """All that a fault can act on."""


@dataclass(frozen=True, slots=True)
class Fault(ABC):
    """One thing that goes wrong. ``verb`` is its word in YAML, in events, in the docs."""

    verb: ClassVar[str]
    sentence: ClassVar[str]
    """What it does, for a person."""
    schema: ClassVar[Schema]
    """What stands after the verb in YAML (JSON Schema)."""
    said: ClassVar[Mapping[str, str]]
    """The fields of its event beyond ``flows`` and ``bytes``, each with its meaning."""
    may_miss: ClassVar[bool] = False
    """True where touching nothing is no surprise: what heals."""

    @classmethod
    @abstractmethod
    def of(cls, value: Any) -> Self:
        """From what stands after the verb, once ``schema`` has passed it. Raises ValueError for what cannot be."""

    def against(self, topology: Topology) -> Iterator[tuple[tuple[str, ...], str]]:
        """What it names that the lab does not have: the path below the verb, and the message."""
        yield from ()

    def after(self, topology: Topology) -> Topology:
        """What later faults may name, where this one is to happen in ``topology``."""
        return topology

    @abstractmethod
    async def apply(self, target: Target) -> Touched:
        """Make it happen, and say what it touched."""

    def data(self) -> dict[str, JSON]:
        """What its event says of it."""
        said: dict[str, JSON] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, Match):
                said |= value.data()
            elif value is not None:
                said[one.name] = value
        return said


@dataclass(frozen=True, slots=True)
class InterfaceFault(Fault):
    """One that an interface meets (``"server.eth0"``)."""

    interface: str

    def against(self, topology: Topology) -> Iterator[tuple[tuple[str, ...], str]]:
        problem = interface_problem(topology, self.interface)
        if problem:
            yield ("interface",), problem


def interface_problem(topology: Topology, name: str) -> str | None:
    """Why there is no interface ``name``, with a suggestion, or None where there is one."""
    try:
        topology.interface(name)
    except KeyError as error:
        return str(error.args[0])
    return None
