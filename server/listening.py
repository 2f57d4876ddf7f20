"""The sockets that a server listens on.

Owns how they are made. Called by the acceptor, and for the nodes of a cluster.
"""

from __future__ import annotations

import errno
import socket

from server.config import ServerConfig

BACKLOG = 512


def listen(config: ServerConfig) -> list[socket.socket]:
    """The listening sockets, non-blocking. Without addresses: all of them, by one dual-stack socket where
    there is IPv6. OSError: an address that cannot be bound.
    """
    if not config.addresses:
        try:
            return [listener("::", config.port, dual=True)]
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                raise
            # S104: no address was given, and that means all of them.
            return [listener("0.0.0.0", config.port)]  # noqa: S104
    listeners: list[socket.socket] = []
    try:
        for address in config.addresses:
            listeners.append(listener(address, config.port))
    except OSError:
        for one in listeners:
            one.close()
        raise
    return listeners


def listener(address: str, port: int, *, dual: bool = False) -> socket.socket:
    """One, non-blocking. `dual`: an IPv6 one that takes IPv4 as well. OSError: cannot."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual)
        sock.bind((address, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot listen on {address} port {port}: {error.strerror}") from error
    return sock
