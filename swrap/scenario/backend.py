"""What a scenario runs on: a network with processes, real or fake.

Owns the seams, and nothing else. ``shim_backend`` implements them with real processes; the fake network can
with fake ones, on a loop whose clock is virtual: the runner waits with asyncio alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from swrap.document import JSON
from swrap.faults import Network
from swrap.topology import Topology

Notice = Callable[[str, Mapping[str, JSON]], None]
"""Takes the kind and the data of an event of the network: flow-opened, flow-sample, …"""


@dataclass(frozen=True, slots=True)
class Program:
    """What to start. ``protocol``: it gets a stream socket, whose number is in its SWRAP_ACTOR_FD.

    ``simulated`` is what does the same in a simulated process, as ``"module:name"``; None: nothing does.
    """

    name: str
    host: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path | None
    protocol: bool
    simulated: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: by ``status``, or by ``signal`` (a name without the SIG); the other is None."""

    status: int | None
    signal: str | None

    def __str__(self) -> str:
        return f"was ended by signal {self.signal}" if self.signal else f"exited with status {self.status}"


class Channel(Protocol):
    """Lines of JSON to and from an actor."""

    async def send(self, line: bytes) -> None:
        """One line, its end included. Raises ConnectionError where the other end is gone."""

    async def receive(self) -> bytes | None:
        """The next line, or None when there will be no more. Raises ValueError for one that is too long."""

    def close(self) -> None:
        """Tell the actor to end."""


class Process(Protocol):
    """A program that was started."""

    @property
    def pid(self) -> int:
        """Its process id."""

    @property
    def channel(self) -> Channel | None:
        """Where it speaks the protocol, if it does."""

    async def wait(self) -> Ended:
        """Return when it has ended; any number may wait."""

    def terminate(self, signal: str) -> None:
        """Send it a signal (``"TERM"``); harmless where it has ended."""

    def output(self) -> str:
        """The beginning of what it wrote to its standard output (the protocol is not there)."""

    def last_words(self) -> str:
        """The end of what it wrote to its standard error."""


class Backend(Protocol):
    """A network that a scenario can run on, once."""

    name: str

    @property
    def network(self) -> Network:
        """What faults act on; there from ``start`` to ``close``."""

    def now(self) -> float:
        """Its clock, in seconds; that of the running loop."""

    async def start(self, topology: Topology, lab: Path, seed: int, notice: Notice) -> None:
        """Bring the network up. Raises HarnessFailure."""

    async def spawn(self, program: Program) -> Process:
        """Start a program inside its host. Raises HarnessFailure, with what is wrong with the program too."""

    async def kill(self, pid: int, signal: str) -> bool:
        """Signal a process of the network; False where there is none. Raises ValueError for any other."""

    async def lost(self) -> str:
        """Return, with the reason, when the network has broken down."""

    async def close(self) -> None:
        """End all of it, every process included; also where ``start`` failed."""
