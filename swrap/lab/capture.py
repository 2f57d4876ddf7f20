"""The capture of a lab from its first packet to its last: begun, annotated where a socket changes hands, ended.

Owns the wait for its file to be whole, even if the switch has been killed, and the look at who holds which end.
Must not know how packets come to be. Called by lab.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swrap.lab import members
from swrap.lab.errors import Refused
from swrap.lab.holders import Holder, holders
from swrap.switch.client import ControlClient, ControlError

EVERY = 0.25
"""Seconds between two looks at who holds the ends of flows."""

PROGRAMS_EVERY = 4
"""Looks at sockets between two looks for new processes, which cost more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to capture into `file`: all traffic, or what the switch's selectors (`host`, `port`, …) say."""

    file: Path
    only: Mapping[str, Any] = field(default_factory=dict)


class Capture:
    """A capture that runs. Made by `start`; ends with the switch, which `finish` awaits."""

    def __init__(self, file: Path, directory: Path, control: ControlClient) -> None:
        self._file = file
        self._directory = directory
        self._control = control
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._follow())]
        self._ended: dict[str, Any] | None = None

    @classmethod
    async def start(cls, wanted: Wanted, directory: Path) -> Capture:
        """Begin it, before anything else happens in the lab. Refused with the switch's words where it cannot."""
        control = await ControlClient.connect(directory)
        file = wanted.file.absolute()
        try:
            await control.call("capture", file=str(file), **wanted.only)
        except ControlError as error:
            await control.close()
            raise Refused(f"no capture: {error}") from None
        return cls(file, directory, control)

    async def finish(self) -> str | None:
        """Wait for the switch to end, and until all is in the file. What is wrong with that file, if something is."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._control.close()
        await asyncio.to_thread(_wait_for_writer, self._file)
        if self._ended is None:
            return f"{self._file} ends where the switch did"
        if "error" in self._ended:
            return "{file} ended early, after {packets} packets: {error}".format_map(self._ended)
        if "missing" in self._ended:
            return "{file} has gaps: it was too slow for {missing} of its packets".format_map(self._ended)
        return None

    async def _listen(self) -> None:
        """Hear how it ends, which may be before the lab does."""
        async for event in self._control.events("capture-ended"):
            self._ended = self._ended or event

    async def _follow(self) -> None:
        """Look who holds the ends of flows, and note it in the file when that changes; until the switch ends."""
        known: dict[tuple[int, str], set[int]] = {}
        turn = 0
        pids: list[int] = []
        while True:
            flows = await self._control.call("flows")
            if flows and turn % PROGRAMS_EVERY == 0:
                pids = [program.pid for program in members.programs(self._directory)]
            turn += 1
            held = holders([flow[f"{end}_ino"] for flow in flows for end in ("client", "server")], pids=pids)
            seen: dict[tuple[int, str], set[int]] = {}
            for flow in flows:
                for end in ("client", "server"):
                    who = held.get(flow[f"{end}_ino"], ())
                    before = known.get((flow["id"], end), set())
                    seen[flow["id"], end] = now = {one.pid for one in who} or before
                    if before and now != before:
                        await self._control.call("capture-note", flow=flow["id"], text=_handed(end, who))
            known = seen
            await asyncio.sleep(EVERY)


def _handed(end: str, who: tuple[Holder, ...] | list[Holder]) -> str:
    """`the server's socket changed hands: process 12 (smbd -F)`"""
    return f"the {end}'s socket changed hands: " + ", ".join(
        f"process {one.pid} ({one.command})" for one in who
    )


def _wait_for_writer(file: Path) -> None:
    """Its writer has a lock on it for as long as it lives."""
    with contextlib.suppress(OSError):
        fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            fcntl.flock(fd, fcntl.LOCK_SH)
        finally:
            os.close(fd)
