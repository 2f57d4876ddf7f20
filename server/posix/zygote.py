"""The process that workers are forked from: one thread, no loop, everything imported.
 Owns the forking, the reaping, and the end of all when whoever asked for it is gone. Speaks JSON in packets
on one socket: `{"spawn": role, "id": n, "settings": text}` with the child's lifeline as a passed descriptor,
answered by
`{"id": n, "pid": p}` or `{"id": n, "error": errno}`; and `{"exit": pid, "status": s}` unasked. Started by
`server.posix.processes`; knows of roles only that a function stands for each.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from server import fds

PACKET = 256 * 1024
_GRACE = 2.0
"""Seconds that children have to end by themselves once the parent is gone."""

Main = Callable[[str, socket.socket], None]


class Zygote:
    """Lives until its control socket reads EOF; then ends its children and removes `scratch`."""

    def __init__(self, control: socket.socket, mains: Mapping[str, Main], scratch: Path) -> None:
        self._control = control
        self._mains = mains
        self._scratch = scratch
        self._children: dict[int, int] = {}
        """By pidfd: the process id."""
        self._poll = select.poll()

    def run(self) -> None:
        name_process("smb-zygote")
        # Both may reach the whole process group; the parent decides what they mean, and its end is ours.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        gc.freeze()  # keeps the collector from touching, and so copying, the pages that all workers share
        self._poll.register(self._control, select.POLLIN)
        while self._step():
            pass
        self._end_children()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _step(self) -> bool:
        for fd, _ in self._poll.poll():
            if fd == self._control.fileno():
                if not self._command():
                    return False
            else:
                self._reap(fd)
        return True

    def _command(self) -> bool:
        try:
            raw, passed, _ = fds.receive(self._control, PACKET, 4)
        except ConnectionResetError:
            return False
        if not raw:
            return False
        asked = json.loads(raw)
        try:
            pid = self._fork(asked, passed)
            self._tell({"id": asked["id"], "pid": pid})
        except OSError as error:
            self._tell({"id": asked["id"], "error": error.errno})
        finally:
            fds.close(passed)
        return True

    def _fork(self, asked: Mapping[str, Any], passed: list[int]) -> int:
        main = self._mains[asked["spawn"]]
        pid = os.fork()
        if pid == 0:
            self._control.close()
            for fd in self._children:
                os.close(fd)
            _become(asked["spawn"], main, asked["settings"], socket.socket(fileno=passed[0]))
        pidfd = os.pidfd_open(pid)
        self._children[pidfd] = pid
        self._poll.register(pidfd, select.POLLIN)
        return pid

    def _reap(self, pidfd: int) -> None:
        pid = self._children.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(pid, 0)
        self._tell({"exit": pid, "status": os.waitstatus_to_exitcode(status)})

    def _tell(self, message: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):  # gone: the next read tells
            self._control.send(json.dumps(message).encode())

    def _end_children(self) -> None:
        """They see EOF on their lifelines and end; what does not is killed."""
        self._poll.unregister(self._control)
        deadline = time.monotonic() + _GRACE
        while self._children and (left := deadline - time.monotonic()) > 0:
            for fd, _ in self._poll.poll(left * 1000):
                self._reap(fd)
        for pid in self._children.values():
            os.kill(pid, signal.SIGKILL)
        for pidfd in list(self._children):
            self._reap(pidfd)


def _become(role: str, main: Main, settings: str, lifeline: socket.socket) -> None:
    """Run the child to its end; never returns."""
    status = 1
    try:
        name_process(f"smb-{role}")
        main(settings, lifeline)
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException as error:
        print(f"server: {role} {os.getpid()} failed: {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)


def name_process(name: str) -> None:
    """What `ps` and `top` show; 15 bytes at most."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name[:15])
