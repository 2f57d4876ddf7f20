"""``kill``: processes get a signal that they do not expect.

Of an actor its own process; with ``role`` those of its processes that it announced under that role (its
``process-started`` events); or one process of the lab by its pid. The kernel ends their flows as ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, get_args

from swrap.faults.base import Fault, Target, Touched

Signal = Literal["KILL", "TERM", "STOP", "CONT", "INT", "HUP", "ABRT", "SEGV"]

_ROLE = {"type": "string", "description": "As the actor announced it."}
_BY_NAME = {"actor": {"type": "string"}, "role": _ROLE}
_SIGNAL = {"enum": list(get_args(Signal)), "title": "signal"}


@dataclass(frozen=True, slots=True)
class Kill(Fault):
    """``kill: server``, ``kill: {actor: server, role: worker}``, ``kill: {pid: $ready.pid}``."""

    actor: str | None = None
    role: str | None = None
    pid: int | None = None
    signal: Signal = "KILL"

    verb: ClassVar = "kill"
    sentence: ClassVar = "Processes of the lab get a signal, SIGKILL unless told otherwise."
    schema: ClassVar = {
        "title": "an actor, or a mapping with actor or pid",
        "anyOf": [
            {"type": "string"},
            {"type": "object", "properties": {**_BY_NAME, "signal": _SIGNAL}, "required": ["actor"]},
            {
                "type": "object",
                "properties": {"pid": {"type": "integer", "minimum": 2}, "signal": _SIGNAL},
                "required": ["pid"],
            },
        ],
    }
    said: ClassVar = {
        "actor": "whose processes",
        "role": "which of them",
        "pid": "the process, where there was one",
        "pids": "all of them",
        "signal": "without the SIG",
        "processes": "how many",
    }

    @classmethod
    def of(cls, value: Any) -> Self:
        return cls(**value) if isinstance(value, dict) else cls(actor=value)

    async def apply(self, target: Target) -> Touched:
        return await target.kill(self.actor, self.role, self.pid, self.signal)
