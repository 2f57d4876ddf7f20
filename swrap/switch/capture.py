"""The capture as the control protocol sees it: begun, ended, asked after, annotated.

Owns the file, from its opening until its writer has ended, and the filter's words. Must not know what a packet
looks like: that is tap.c. Called by `network` and, when the writer has ended, by the main loop.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from swrap.switch.match import CommandError, Names, parse
from swrap.switch.plane import Plane

Args = Mapping[str, Any]
Command = tuple[Callable[[Args], Any], tuple[str, ...] | None]


class Capture:
    """At most one at a time. `emit` gets an event when one begins and when it has ended."""

    def __init__(
        self,
        plane: Plane,
        emit: Callable[[dict[str, Any]], None],
        names: Names,
    ) -> None:
        self._plane = plane
        self._emit = emit
        self._names = names
        self._fd = -1
        self._status: dict[str, Any] = {"state": "none"}

    def commands(self) -> dict[str, Command]:
        """What the control protocol can do with it."""
        return {
            "capture": (self.start, None),
            "capture-stop": (self.stop, ()),
            "capture-status": (self.status, ()),
            "capture-note": (self.note, ("flow", "text")),
        }

    def start(self, args: Args) -> None:
        """Write packets to `file`, of all traffic or of what the selectors say."""
        file, selectors = args.get("file"), {key: value for key, value in args.items() if key != "file"}
        if not isinstance(file, str) or not Path(file).is_absolute():
            raise CommandError("file is an absolute path")
        if self._fd >= 0:
            raise CommandError(f"a capture runs already, into {self._status['file']}")
        only = parse(selectors, self._names) if selectors else None
        try:
            opened = _open(file)
            try:
                self._fd = self._plane.capture(opened, only)
            finally:
                os.close(opened)
        except BlockingIOError:
            raise CommandError(f"{file}: another capture writes it") from None
        except OSError as error:
            raise CommandError(f"{file}: {_why(error)}") from None
        self._plane.watch(self._fd, select.EPOLLIN)
        self._status = {"state": "running", "file": file}
        self._tell("capture-started", file=file)

    def stop(self, _args: Args) -> None:
        """Capture no more. What is on its way to the file still gets there; `capture-ended` tells when it has."""
        if self._fd < 0:
            raise CommandError("no capture runs")
        self._status["state"] = "ending"
        self._plane.finish_capture()

    def status(self, _args: Args) -> dict[str, Any]:
        """`state` (none, running, ending, ended), `file`, and once it has ended what `capture-ended` says."""
        if self._fd >= 0 and select.select([self._fd], [], [], 0)[0]:
            self.ended()
        return dict(self._status)

    def note(self, args: Args) -> bool:
        """Say `text` with the next packet of `flow`, a number; False where that flow is not captured."""
        flow, text = args.get("flow"), args.get("text")
        if type(flow) is not int or flow < 0 or not isinstance(text, str) or "\0" in text:
            raise CommandError("flow is a number, text is a string")
        return self._plane.note(flow, text)

    def close(self) -> None:
        """End it now, and wait until all is written."""
        if self._fd >= 0:
            self.ended()

    def owns(self, fd: int) -> bool:
        """Is this ready fd ours?"""
        return fd == self._fd

    def ended(self) -> None:
        """The writer has ended: all is in the file, or no more can be."""
        self._plane.unwatch(self._fd)
        self._fd = -1
        captured, error = self._plane.end_capture()
        result = {"file": self._status["file"], "packets": captured.packets, "bytes": captured.bytes}
        if captured.missing:
            result["missing"] = captured.missing
        if error:
            result["error"] = "its writer was killed" if error == errno.EINTR else os.strerror(error)
        self._status = {"state": "ended", **result}
        self._tell("capture-ended", **result)

    def _tell(self, kind: str, **data: Any) -> None:
        self._emit({"kind": kind, "at": time.monotonic(), **data})


def _open(file: str) -> int:
    """The file, ours alone and empty. BlockingIOError where another capture has it."""
    # Non-blocking, since a pipe that nobody reads must not stop the network.
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY, 0o600)
    try:
        kind = os.fstat(fd).st_mode
        if not stat.S_ISCHR(kind):  # /dev/null is everybody's
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_ISREG(kind):
            os.ftruncate(fd, 0)
        os.set_blocking(fd, True)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _why(error: OSError) -> str:
    return "a pipe that nobody reads" if error.errno == errno.ENXIO else error.strerror or str(error)
