"""Files in messages (SCM_RIGHTS, unix(7)): descriptors of one process on the way out, of another on the way in.

Owns that, and which control messages there are. Called by ``socket``.
"""

from __future__ import annotations

import array
import errno
import socket as real
from collections.abc import Iterable
from typing import Any

from swrap.fake.kernel import ancillary
from swrap.fake.kernel.file import File, fail
from swrap.fake.process import Process

MOST = 253
"""Files in a message (SCM_MAX_FD)."""


def passed(process: Process, ancdata: Iterable[Any], family: int, kind: int) -> tuple[File, ...]:
    """The files that a message of such a socket carries. Raises EBADF, EINVAL."""
    files: list[File] = []
    for level, name, raw in ancdata:
        if (level, name) == (real.SOL_SOCKET, real.SCM_RIGHTS):
            numbers = array.array("i", bytes(raw) if not isinstance(raw, array.array) else raw.tobytes())
            files += [process.descriptors.get(number) for number in numbers]
        elif (level, name) != (real.SOL_SOCKET, real.SCM_CREDENTIALS) and not (
            level in (ancillary.IP, ancillary.IP6) and kind == real.SOCK_DGRAM
        ):
            raise NotImplementedError(f"the fake network has no control message {level}/{name}")
    if len(files) > (MOST if family == real.AF_UNIX else 0):
        fail(errno.EINVAL)
    return tuple(files)


def installed(process: Process, files: tuple[File, ...], room: int) -> tuple[list[Any], int]:
    """What has come along, as a control message of at most ``room`` bytes, and MSG_CTRUNC where that is not all."""
    fit = max(0, room - real.CMSG_LEN(0)) // 4 if room else 0
    numbers = array.array("i")
    for file in files[:fit]:
        numbers.append(process.descriptors.open(file))
    for file in files:
        file.release()  # the message held it
    control = [(real.SOL_SOCKET, real.SCM_RIGHTS, numbers.tobytes())] if numbers else []
    return control, real.MSG_CTRUNC if len(files) > fit else 0
