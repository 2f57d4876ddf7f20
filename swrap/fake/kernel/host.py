"""One host's kernel: its sockets, ports and names, and where what arrives goes.

Owns the tables. Must not know time or routes, which are ``net``'s, nor processes. Its interfaces are values of
the topology; whether a cable is in is ``net``'s.
"""

from __future__ import annotations

import errno
import socket
import zlib
from random import Random

from swrap.fake.kernel import groups
from swrap.fake.kernel.address import ANY4, ANY6, Endpoint, is_loopback, is_multicast
from swrap.fake.kernel.file import fail
from swrap.fake.kernel.handshake import Syn
from swrap.fake.kernel.net import Net
from swrap.fake.kernel.ports import Ports
from swrap.fake.kernel.tcp import TcpSocket
from swrap.fake.kernel.udp import UdpSocket
from swrap.topology import Host as Described


class Host:
    """``described`` is what the topology says of it."""

    def __init__(self, net: Net, described: Described, random: Random) -> None:
        self.net = net
        self.name = described.name
        self.described = described
        self.own: set[str] = set()
        """Its addresses, without those of lo; ``net`` keeps them."""
        self.tcp: Ports[TcpSocket] = Ports(random)
        self.udp: Ports[UdpSocket] = Ports(random)
        self._listeners: dict[int, list[TcpSocket]] = {}
        self._turn = 0

    # --- addresses

    def has(self, ip: str) -> bool:
        """Is a packet to ``ip`` for this host?"""
        return ip in self.own or is_loopback(ip)

    def check_own(self, ip: str, datagrams: bool) -> None:
        """Raise EADDRNOTAVAIL where a socket cannot be bound to ``ip`` here."""
        if self.has(ip) or ip in (ANY4, ANY6):
            return
        if datagrams and (is_multicast(ip) or self._broadcast(ip)):
            return
        fail(errno.EADDRNOTAVAIL)

    def _broadcast(self, ip: str) -> bool:
        return ip == "255.255.255.255" or any(
            own.version == 4 and str(own.network.broadcast_address) == ip
            for _, own in self.net.networks(self.name)
        )

    def resolve(self, name: str, family: int) -> str:
        """A name's address, as the lab knows names. Raises gaierror."""
        return self.net.resolve(name, family, self.name)

    # --- TCP

    def listen(self, listener: TcpSocket) -> None:
        """See ``TcpSocket.listen``. Raises EADDRINUSE."""
        if listener.listening:
            return
        local = listener.autobind()
        same = self._listeners.setdefault(local.port, [])
        for other in same:
            both = other.reuse_port and listener.reuse_port
            if other.local is not None and other.local.ip == local.ip and not both:
                fail(errno.EADDRINUSE)
        same.append(listener)

    def unlisten(self, listener: TcpSocket) -> None:
        """Take connections no more."""
        if listener.local is not None:
            same = self._listeners.get(listener.local.port, [])
            if listener in same:
                same.remove(listener)

    def listener(self, target: Endpoint) -> TcpSocket | None:
        """Who takes a connection to ``target``: the most exact address first, those that share it in turn."""
        best: list[TcpSocket] = []
        rank = 0
        for listener in self._listeners.get(target.port, ()):
            score = _score(listener, target.ip)
            if score > rank:
                best, rank = [listener], score
            elif score and score == rank:
                best.append(listener)
        if len(best) < 2:
            return best[0] if best else None
        self._turn += 1
        return best[self._turn % len(best)]

    def connect(self, client: TcpSocket, target: Endpoint) -> None:
        """Send a SYN. Raises ENETUNREACH, EADDRNOTAVAIL, EADDRINUSE."""
        ip = target.ip
        if ip in (ANY4, ANY6):
            ip = "127.0.0.1" if client.family == socket.AF_INET else "::1"
            target = Endpoint(ip, target.port)
        if (client.family == socket.AF_INET6 and client.v6only and ":" not in ip) or is_multicast(ip):
            fail(errno.ENETUNREACH)
        wanted = None if client.local is None else client.local.ip
        source = self.net.source(self.name, ip) if wanted in (None, ANY4, ANY6) else str(wanted)
        if (":" in source) != (":" in ip):
            fail(errno.ENETUNREACH if client.family == socket.AF_INET6 else errno.EINVAL)
        bound = client.local is not None
        local = Endpoint(source, client.autobind(source).port)
        there = self.net.way("tcp", local, target, self.name)
        back = self.net.way("tcp", target, local, self.net.name_of(target.ip, self.name))
        if there.dead == errno.ENETUNREACH:
            if not bound:
                self.tcp.release(client, local.port)
                client.local = None
            fail(errno.ENETUNREACH)
        client.local = local
        client.state = "syn-sent"
        client.syn = Syn(self.net, client, target, (there, back))
        client.syn.send()

    # --- UDP

    def receivers(self, target: Endpoint, source: Endpoint) -> UdpSocket | None:
        """Who gets a datagram to ``target``: a socket that is connected to its sender, then the most exact.

        Of several, the last that was bound; where they share the port by SO_REUSEPORT, the same for each sender.
        """
        best: list[UdpSocket] = []
        rank = 0
        for candidate in self.udp.at(target.port):
            score = _score(candidate, target.ip)
            if score and candidate.remote is not None:
                score = score + 4 if candidate.remote == source else 0
            if score > rank:
                best, rank = [candidate], score
            elif score and score == rank:
                best.append(candidate)
        if len(best) > 1 and all(one.reuse_port for one in best):
            return best[zlib.crc32(str(source).encode()) % len(best)]
        return best[-1] if best else None

    def hearers(self, target: Endpoint, source: Endpoint, interface: str) -> list[UdpSocket]:
        """Who gets a broadcast, or what is sent to a group, that comes in there; of a group if any has joined."""
        found = [
            one for one in self.udp.at(target.port) if _score(one, target.ip) and one.remote in (None, source)
        ]
        member = target.ip, interface
        if not is_multicast(target.ip):
            return found
        if not any(member in one.groups for one in self.udp):
            return []
        return [one for one in found if groups.hears(one, member)]


def _score(candidate: TcpSocket | UdpSocket, ip: str) -> int:
    """How well what ``candidate`` is bound to fits ``ip``; 0: not at all."""
    if candidate.local is None:
        return 0
    own = candidate.local.ip
    if own == ip:
        return 3
    if own == ANY4:
        return 2 if ":" not in ip else 0
    if own == ANY6:
        return 1 if ":" in ip or not candidate.v6only else 0
    return 0
