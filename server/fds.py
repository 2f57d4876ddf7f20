"""Receiving descriptors (unix(7), SCM_RIGHTS), so that none leaks into a program started meanwhile.

Owns the one call; `socket.recv_fds` takes flags and, in Python 3.11, forgets them. Called by the post
and the zygote.
"""

from __future__ import annotations

import array
import os
import socket


def receive(sock: socket.socket, size: int, most: int) -> tuple[bytes, list[int], bool]:
    """(data, descriptors, whether it is whole). They are the caller's to close, whole or not."""
    fds = array.array("i")
    room = socket.CMSG_SPACE(most * fds.itemsize)
    data, ancillary, flags, _ = sock.recvmsg(size, room, socket.MSG_CMSG_CLOEXEC)
    for level, kind, raw in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(raw[: len(raw) - len(raw) % fds.itemsize])
    return data, list(fds), not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC)


def close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
