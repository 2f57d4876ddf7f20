"""The virtual sockets that listen, read from the kernel's own list of names.

Owns the reading of /proc/net/unix through `swrap.abi.names`; a forged name is not a listener. Called by
`swrap ss`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from swrap.abi.names import Endpoint, decode
from swrap.abi.page import Page
from swrap.lab import proc

_ACCEPTCON = 0x10000  # __SO_ACCEPTCON: listen(2) was called
_TCP = "t"


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket of a host. ``own`` has the address 0.0.0.0 or :: where it listens on all of them."""

    host: str
    own: Endpoint
    inode: int


def listeners(page: Page, *, pid: int) -> list[Listener]:
    """Those of the lab, seen from the network namespace of ``pid``, in the order of host, port and
    address.
    """
    hosts = page.hosts()
    found = [
        Listener(hosts[name.host], name.own, inode)
        for raw, inode in _listening(pid)
        if (name := decode(page, raw)) is not None and name.kind == _TCP and name.host < len(hosts)
    ]
    return sorted(
        found, key=lambda one: (hosts.index(one.host), one.own.port, one.own.ip.version, one.own.ip.packed)
    )


def _listening(pid: int) -> Iterator[tuple[bytes, int]]:
    """(abstract name with its NUL, inode) of every listening stream socket (proc_pid_net(5))."""
    for line in proc.read(pid, "net/unix").splitlines()[1:]:
        fields = line.split(maxsplit=7)
        if len(fields) == 8 and fields[7].startswith(b"@sw/") and int(fields[3], 16) & _ACCEPTCON:
            yield b"\0" + fields[7][1:], int(fields[6])
