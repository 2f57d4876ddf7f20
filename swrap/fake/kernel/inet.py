"""What TCP and UDP sockets have in common: a host, an address, options.

Owns bind and the options' values. Must not know what is sent.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Any, ClassVar

from swrap.fake.kernel.address import ANY4, ANY6, Endpoint, shown
from swrap.fake.kernel.file import File, fail
from swrap.fake.kernel.ports import Ports

if TYPE_CHECKING:
    from swrap.fake.kernel.host import Host


class InetSocket(File):
    """``local`` is None until it is bound; ``explicit``: the program asked for that address."""

    __slots__ = ("explicit", "family", "host", "local", "options", "reuse_address", "reuse_port", "v6only")

    kind: ClassVar[int]
    protocol: ClassVar[int]
    datagrams: ClassVar[bool]

    def __init__(self, host: Host, family: int) -> None:
        super().__init__()
        self.host = host
        self.family = family
        self.local: Endpoint | None = None
        self.explicit = False
        self.reuse_address = self.reuse_port = self.v6only = False
        self.options: dict[tuple[int, int], Any] = {}
        """Those that are only remembered, by (level, name)."""

    @property
    def listening(self) -> bool:
        """Does it take connections?"""
        return False

    @property
    def table(self) -> Ports[Any]:
        """Where its port stands."""
        return self.host.udp if self.datagrams else self.host.tcp

    def bind(self, endpoint: Endpoint) -> None:
        """See bind(2). Raises EADDRINUSE, EADDRNOTAVAIL, EINVAL."""
        if self.local is not None:
            fail(errno.EINVAL)
        if self.family == socket.AF_INET6 and self.v6only and ":" not in endpoint.ip:
            fail(errno.EINVAL)
        self.host.check_own(endpoint.ip, self.datagrams)
        self.local = self.table.bind(self, endpoint)
        self.explicit = True

    def autobind(self, ip: str | None = None) -> Endpoint:
        """Give it a port, and ``ip`` or all addresses, if it has none."""
        if self.local is None:
            any_ip = ANY6 if self.family == socket.AF_INET6 else ANY4
            self.local = self.table.bind(self, Endpoint(ip or any_ip, 0))
        return self.local

    def shown(self, endpoint: Endpoint | None) -> Any:
        """An address as the program sees it."""
        return shown(self.family, endpoint)
