"""How every flow of a real lab is, a few times a second: what a live view draws from.

Owns the pace and who holds which end. Must not know who looks. Used by ``shim_backend``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePath
from typing import Any

from swrap.document import JSON
from swrap.lab import members
from swrap.lab.holders import Holder, holders
from swrap.scenario.backend import Notice

EVERY = 0.25
"""Seconds between two samples."""

PROGRAMS_EVERY = 4
"""Samples between two looks for new processes of the lab; a look costs more than a sample."""

MOST = 256
"""Flows in a sample, the youngest: more than a person can follow, little enough to cost nothing."""


async def sample(
    directory: Path, flows: Callable[[], Awaitable[list[dict[str, Any]]]], notice: Notice
) -> None:
    """Tell ``flow-sample`` of each flow, until cancelled. ``directory`` is the lab's."""
    turn = 0
    pids: list[int] = []
    while True:
        found = (await flows())[-MOST:]
        if found and turn % PROGRAMS_EVERY == 0:
            pids = [program.pid for program in members.programs(directory)]
        turn += 1
        ends = ("client", "server")
        held = holders([flow[f"{end}_ino"] for flow in found for end in ends], pids=pids)
        for flow in found:
            said = {key: value for key, value in flow.items() if not key.endswith("_ino")}
            for end in ends:
                said[f"{end}_holders"] = [_named(one) for one in held.get(flow[f"{end}_ino"], ())]
            notice("flow-sample", said)
        await asyncio.sleep(EVERY)


def _named(holder: Holder) -> JSON:
    return [holder.pid, program_name(holder.command)]


def program_name(command: str) -> str:
    """A command line → what a person calls it: the program, or the module or file that Python runs."""
    words = command.split()
    if not words:
        return "?"
    name = PurePath(words[0]).name
    if name.startswith("python") and len(words) > 1:
        if "-m" in words[:-1]:
            return words[words.index("-m") + 1]
        script = next((word for word in words[1:] if not word.startswith("-")), None)
        if script is not None:
            return PurePath(script).name
    return name
