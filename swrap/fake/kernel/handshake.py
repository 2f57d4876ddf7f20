"""How a TCP connection comes about: SYN, SYN-ACK, ACK, and their repetition (tcp(7)).

Owns one attempt to connect from connect(2) to its end. Must not know programs. Made by ``Host.connect``.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from swrap.fake.kernel.address import Endpoint
from swrap.fake.kernel.half import Half
from swrap.fake.kernel.net import Flow, Net, Way
from swrap.fake.kernel.tcp import TcpSocket

if TYPE_CHECKING:
    from swrap.fake.kernel.host import Host

_FIRST_RETRY = 1.0  # TCP_TIMEOUT_INIT
_PACKET = 60
"""Bytes of a packet without data."""


class Syn:
    """``client`` wants ``target``."""

    __slots__ = (
        "_attempt", "_back", "_client", "_deadline", "_flow", "_net", "_over", "_target", "_there", "_told", "_tries",
    )  # fmt: skip

    def __init__(self, net: Net, client: TcpSocket, target: Endpoint, ways: tuple[Way, Way]) -> None:
        assert client.local is not None  # noqa: S101  # connect has bound it
        self._net = net
        self._client = client
        self._target = target
        self._there, self._back = ways
        self._flow: Flow = net.flow(self, ways)
        self._tries = 0
        self._attempt = 0
        self._told = False
        self._over = False
        self._deadline = net.now + net.syn_timeout

    def send(self) -> None:
        """Send it now; it is repeated as long as nobody answers."""
        if self._over:
            return
        self._attempt += 1
        if self._there.rejects or self._back.rejects:
            self._net.at(self._net.now + self._there.latency, self._refused, self._attempt)
        elif self._there.dead or self._back.dead:
            self._silence(self._there.dead or self._back.dead)
        else:
            self._net.at(self._there.arrival(_PACKET), self._arrived, self._attempt)

    def review(self) -> None:
        """The network has changed: if it met silence, it is sent again at once."""
        if self._told:
            self.send()

    def abandon(self) -> None:
        """The program closed its socket."""
        if not self._over:
            self._over = True
            self._flow.refused(errno.ECANCELED)

    def refuse(self, number: int) -> None:
        """A RST or an ICMP message has come back."""
        if not self._over:
            self._over = True
            self._flow.refused(number)
            self._client.connect_failed(number)

    def _silence(self, reason: int) -> None:
        if not self._told:
            self._told = True
            self._flow.waiting(reason)
        retry = self._net.now + _FIRST_RETRY * (1 << min(self._tries, 6))
        self._net.at(min(retry, self._deadline), self._again, self._attempt)
        self._tries += 1

    def _again(self, attempt: int) -> None:
        if attempt == self._attempt:
            if self._net.now >= self._deadline:
                self.refuse(errno.ETIMEDOUT)
            else:
                self.send()

    def _arrived(self, attempt: int) -> None:
        """At the server's host."""
        if self._over or attempt != self._attempt:
            return
        if self._there.dead or self._there.lost():
            self._silence(self._there.dead or errno.ETIMEDOUT)
            return
        host: Host | None = self._net.holder(self._target.ip, self._client.host.name)
        listener = None if host is None else host.listener(self._target)
        if host is self._client.host and listener is None and self._target == self._client.local:
            self._net.at(self._back.arrival(_PACKET), self._crossed, attempt)
        elif host is None or listener is None:
            self._net.at(self._back.arrival(_PACKET), self._refused, attempt)
        elif len(listener.accept_queue) > listener.backlog:
            self._silence(errno.EAGAIN)
        else:
            self._net.at(self._back.arrival(_PACKET), self._answered, (attempt, host, listener))

    def _crossed(self, attempt: int) -> None:
        """Its SYN has met itself: it is its own peer (RFC 9293, 3.5)."""
        if attempt != self._attempt or self._over:
            return
        self._over = True
        client, net = self._client, self._net
        there = Half(net, client, client, self._there, self._back)
        client.established(self._target, there, there, self._flow)
        self._flow.opened(there, Half(net, client, client, self._back, self._there))
        client.changed()

    def _refused(self, attempt: int) -> None:
        if attempt == self._attempt and not self._over:
            if self._back.dead and not self._back.rejects:
                self._silence(self._back.dead)
            else:
                self.refuse(errno.ECONNREFUSED)

    def _answered(self, about: tuple[int, Host, TcpSocket]) -> None:
        """The SYN-ACK is back at the client."""
        attempt, host, listener = about
        if attempt != self._attempt or self._over:
            return
        if self._back.dead or self._back.lost():
            self._silence(self._back.dead or errno.ETIMEDOUT)
            return
        if not listener.listening:
            self.refuse(errno.ECONNREFUSED)
            return
        self._over = True
        client, net = self._client, self._net
        assert client.local is not None  # noqa: S101
        server = TcpSocket(host, listener.family)
        server.inherit(listener, self._target)
        there = Half(net, client, server, self._there, self._back)
        back = Half(net, server, client, self._back, self._there)
        server.established(client.local, back, there, self._flow)
        client.established(self._target, there, back, self._flow)
        self._flow.opened(there, back)
        client.changed()
        net.at(self._there.arrival(_PACKET), self._queue, (listener, server))

    def _queue(self, about: tuple[TcpSocket, TcpSocket]) -> None:
        """The ACK is at the server: its program can take the connection."""
        listener, server = about
        if not listener.listening:
            server.deaf = True
            server.refuse()
        elif not server.was_reset:
            listener.accept_queue.append(server)
            listener.changed()
