"""The fake network as a library: hosts, programs on them, and what befalls them, in a few lines.

Owns the spelling for tests. All that happens is ``world``'s; see the package for an example.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from swrap.document import JSON
from swrap.fake.process import Process
from swrap.fake.world import World
from swrap.faults import Touched, spelled
from swrap.topology import Topology, topology_from

_T = TypeVar("_T")

Lab = Topology | Mapping[str, Any]
"""A topology, or hosts as a lab file spells them."""


class Network:
    """``lab`` is a Topology, or ``{"server": {"eth0": "10.0.0.1/24"}, …}``; ``seed`` decides all that chance does.

    Raises BadInput for a lab that cannot be.
    """

    def __init__(self, lab: Lab, seed: int = 0) -> None:
        self.events: list[tuple[float, str, Mapping[str, JSON]]] = []
        """What happened on the network: when, what kind (``swrap events``), its fields."""
        self.world = World(topology_from(lab), seed, self._notice)

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.world.fabric.now

    def run(self, story: Callable[[], Awaitable[_T]], *, pace: float | None = None) -> _T:
        """``await story()``, and let everything run meanwhile; what it returns. Once a network.

        ``pace``: how many virtual seconds go by in a real one; None: no time is waited for. When the story is
        over all processes are killed. Raises ``scheduler.Deadlock`` when all wait for what never comes.
        """

        async def told() -> _T:
            return await story()

        self.world.scheduler.pace = pace
        return self.world.run(told())

    def spawn(self, host: str, main: Callable[..., Awaitable[object]], *args: Any) -> Process:
        """Start ``await main(*args)`` as a process on ``host``. Raises KeyError for one that is not there."""
        return self.world.spawn(host, main, *args)

    async def on(self, host: str, main: Callable[..., Awaitable[_T]], *args: Any) -> _T:
        """The same, and wait for it: what ``main`` returns or raises. Raises ChildProcessError if it is killed."""
        process = self.spawn(host, main, *args)
        status = await process.wait()
        if process.error is not None:
            raise process.error
        if status < 0:
            raise ChildProcessError(f"{process} was ended by signal {-status}")
        result: _T = process.result
        return result

    async def do(self, verb: str, value: JSON = None) -> Touched:
        """A fault by its verb, with what stands after it in a scenario: ``do("cut", ["a", "b"])``.

        Raises ValueError for one that makes no sense here.
        """
        made = spelled(verb, value, self.world.fabric.topology)
        return await made.apply(_Target(self.world))

    def _notice(self, kind: str, data: Mapping[str, JSON]) -> None:
        self.events.append((self.now, kind, data))


class _Target:
    """What faults act on."""

    def __init__(self, world: World) -> None:
        fabric = world.fabric
        self._world = world
        self.link, self.impose, self.lift, self.reset = fabric.link, fabric.impose, fabric.lift, fabric.reset
        self.rate, self.speed, self.move = fabric.rate, fabric.speed, fabric.move
        self.add_address, self.remove_address = fabric.add_address, fabric.remove_address

    async def kill(self, actor: str | None, role: str | None, pid: int | None, signal: str) -> Touched:
        raise ValueError("a process is killed by its own `signal`")
