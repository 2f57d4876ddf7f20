"""The lab's own helpers, keeper and switch: started, and waited for until they are ready.

Owns how they are started: in a session of their own, so that Ctrl-C is not for them; without the variables of
any host; with what they complain about in a file of the lab. Called by lab alone.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from swrap.lab import environment
from swrap.lab.errors import LabError

_READY_WITHIN = 30.0  # seconds; a guard: on an idle machine it takes a tenth of one
_TAIL = 2000  # bytes of a helper's last words


@dataclass(frozen=True, slots=True)
class Helper:
    """A helper that runs: its process, and our end of the pipe whose closing tells it to end."""

    name: str
    process: asyncio.subprocess.Process
    pipe: int
    log: Path


async def start(
    name: str, module: str, arguments: Sequence[str], directory: Path, *, fds: Sequence[int] = ()
) -> Helper:
    """Start `python -m MODULE DIRECTORY ARGUMENTS --owner-fd N --ready-fd M`; wait for its first line on M.

    ``fds`` are inherited too. LabError with its last words if it ends instead, or never says a word.
    """
    log = directory / f"{name}.log"
    theirs, ours = os.pipe()
    ready, ready_theirs = os.pipe()
    try:
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *environment.PYTHON,
                *("-m", module, str(directory), *arguments),
                *("--owner-fd", str(theirs), "--ready-fd", str(ready_theirs)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                env=environment.of_helper(),
                start_new_session=True,
                pass_fds=(theirs, ready_theirs, *fds),
            )
    except BaseException:
        for fd in (ours, ready, ready_theirs):
            os.close(fd)
        raise
    finally:
        os.close(theirs)
    os.close(ready_theirs)
    helper = Helper(name, process, ours, log)
    try:
        async with asyncio.timeout(_READY_WITHIN):
            line = await _line(ready)
    except TimeoutError:
        line = b""
    except BaseException:
        await abandon(helper)
        raise
    if not line:
        await abandon(helper)
        raise LabError(f"the {name} did not start{last_words(log)}")
    return helper


async def abandon(helper: Helper) -> None:
    """Close its pipe, kill it if that was not enough for it to have ended, and reap it."""
    os.close(helper.pipe)
    if helper.process.returncode is None:
        helper.process.kill()
    await helper.process.wait()


def last_words(log: Path) -> str:
    """The last line that a helper wrote, as the end of a sentence; empty where it said nothing."""
    try:
        lines = log.read_bytes()[-_TAIL:].decode(errors="replace").split("\n")
    except OSError:
        return ""
    said = [line.strip() for line in lines if line.strip()]
    return f": {said[-1]}" if said else ""


async def _line(fd: int) -> bytes:
    """The first line that comes out of a pipe, which is closed then; empty at end-of-file."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", 0)
    )
    try:
        return await reader.readline()
    finally:
        transport.close()
