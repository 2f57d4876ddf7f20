"""Faults on processes: which pids a ``kill`` means, and their signals.

Owns the finding of an actor's processes by role, from the events in which it announces them. Must not know
how a signal is sent; the back end does, and refuses pids that are not of its network.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from swrap.document import JSON, did_you_mean
from swrap.faults import Touched
from swrap.scenario.actor import RunningActor
from swrap.scenario.log import Log

ENDING = frozenset({"KILL", "TERM", "INT", "HUP", "ABRT", "SEGV"})
"""Signals after which nobody is surprised that a process is gone."""


class Kills:
    """Implements ``swrap.faults.Processes``. ``send`` is the back end's ``kill``."""

    def __init__(
        self, send: Callable[[int, str], Awaitable[bool]], log: Log, actors: Mapping[str, RunningActor]
    ) -> None:
        self._send = send
        self._log = log
        self._actors = actors

    async def kill(self, actor: str | None, role: str | None, pid: int | None, signal: str) -> Touched:
        """See ``swrap.faults.Processes``."""
        pids = [pid] if pid is not None else self._pids(str(actor), role)
        hit: list[JSON] = []
        for one in pids:
            if signal in ENDING:
                for running in self._actors.values():
                    running.expected = running.expected or running.process.pid == one
            if await self._send(one, signal):
                hit.append(one)
        details: dict[str, JSON] = {"pids": hit}
        if len(hit) == 1:
            details["pid"] = hit[0]
        return Touched(processes=len(hit), details=details)

    def _pids(self, actor: str, role: str | None) -> list[int]:
        """The processes of an actor, in the order in which they started. Raises ValueError."""
        running = self._actors.get(actor)
        if running is None:
            raise ValueError(f"{actor} was not started yet")
        if role is None:
            return [] if running.over else [running.process.pid]
        roles: dict[int, str] = {}
        ever: set[str] = set()
        for event in self._log.events:
            pid = event.data.get("pid")
            if event.source == actor and isinstance(pid, int):
                if event.kind == "process-started":
                    roles[pid] = str(event.data.get("role"))
                    ever.add(roles[pid])
                elif event.kind == "process-ended":
                    roles.pop(pid, None)
        if role not in ever:
            raise ValueError(f"{actor} announced no process with the role {role!r}{did_you_mean(role, ever)}")
        return [pid for pid, found in roles.items() if found == role]
