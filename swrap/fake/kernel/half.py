"""One direction of a TCP connection: bytes on their way from one end to the other.

Owns what was sent and is not acknowledged: segments under way, those that wait for the window, their repetition
after a loss. Must not know programs. One timer a direction, however many are under way.

A segment is a chunk of bytes, or FIN. What was delivered counts as acknowledged when the ACK is back; the
sender learns of it when it looks, so that ACKs cost nothing while nobody waits for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swrap.fake.kernel.bytequeue import Chunk
from swrap.fake.kernel.net import Net, Way
from swrap.fake.kernel.urgent import Urgent

if TYPE_CHECKING:
    from swrap.fake.kernel.tcp import TcpSocket

FIN: Final = b""
RTO_MIN, RTO_MAX = 0.2, 120.0
"""Seconds; TCP_RTO_MIN and TCP_RTO_MAX of Linux."""


class Half:
    """From ``sender`` to ``receiver``, along ``way``; ACKs come along ``back``."""

    __slots__ = (
        "_acked", "_acks", "_flight", "_flying", "_retry", "_tries", "_unsent", "_waiting", "back", "delivered",
        "done", "flight_size", "mute", "net", "receiver", "sender", "sent", "stalled_since", "starved", "way",
    )  # fmt: skip

    def __init__(self, net: Net, sender: TcpSocket, receiver: TcpSocket, way: Way, back: Way) -> None:
        self.net = net
        self.sender = sender
        self.receiver = receiver
        self.way = way
        self.back = back
        self.sent = 0
        """Bytes that the program has sent."""
        self.delivered = 0
        """Bytes that are in the receiver's buffer, or were."""
        self.done = False
        """The FIN has arrived, or nothing more will."""
        self.stalled_since: float | None = None
        """Since when nothing was acknowledged though there was something to send."""
        self.mute = False
        """Do no ACKs come back?"""
        self.starved = False
        """The window is shut."""
        self.flight_size = 0
        self._acked = 0
        self._acks: list[tuple[float, int]] = []
        self._unsent: list[Chunk] = []
        self._flight: list[tuple[float, Chunk]] = []
        self._flying = False
        self._tries = 0
        self._retry = 0
        self._waiting = False
        """For the time-out, or for the network to change."""

    # --- the sender's side

    def unacked(self) -> int:
        """Bytes sent and not known to have arrived (SIOCOUTQ)."""
        acks = self._acks
        if acks:
            now = self.net.now
            while acks and acks[0][0] <= now:
                self._acked = acks.pop(0)[1]
        return self.sent - self._acked

    @property
    def rto(self) -> float:
        """The retransmission time-out as it is now, in seconds."""
        return min(RTO_MIN * (1 << self._tries), RTO_MAX)

    @property
    def retransmits(self) -> int:
        """How often in a row the same segment was sent again."""
        return self._tries

    def push(self, segment: Chunk) -> None:
        """Send a chunk, or FIN."""
        size = len(segment)
        self.sent += size
        way, receiver = self.way, self.receiver
        waits = self._waiting or self.starved
        if not (
            waits or self.flight_size or self._unsent or way.dead or self.done
            or size > way.segment or size > receiver.receive_buffer - receiver.inbox.size
        ):  # fmt: skip
            self._take_off(segment, size)  # what `pump` would come to, most of the time
            return
        self._unsent.append(segment)
        if not waits:
            self.pump()

    def pump(self) -> None:
        """Put on its way what the window has room for."""
        way, unsent = self.way, self._unsent
        if not unsent or self.done:
            return
        if way.dead:
            if way.rejects:
                self.sender.reset()
            else:
                self._stall()
            return
        receiver, gone = self.receiver, 0
        free = receiver.receive_buffer - receiver.inbox.size
        while gone < len(unsent):
            segment = unsent[gone]
            size = len(segment)
            if size:
                window = min(free - self.flight_size, way.segment)
                if window <= 0:
                    self.starved = True
                    break
                if self.flight_size and self.flight_size + min(size, window) > way.window:
                    break
                if size > window:
                    unsent[gone] = memoryview(segment)[window:]
                    segment, size = memoryview(segment)[:window], window
                    gone -= 1
            gone += 1
            self._take_off(segment, size)
        del unsent[:gone]

    def _take_off(self, segment: Chunk, size: int) -> None:
        at = self.way.arrival(size)
        self.flight_size += size
        self._flight.append((at, segment))
        if not self._flying:
            self._flying = True
            self.net.at(at, self._arrive, None)

    def window_opened(self) -> None:
        """The receiver has read: it says so, if the ACK that says it gets through."""
        self.net.at(self.net.now + self.back.latency, self._window_update, None)

    def _window_update(self, _: None) -> None:
        if self.starved and not self.mute:
            self.starved = False
            self.pump()

    # --- on the way

    def _arrive(self, _: None) -> None:
        self._flying = False
        flight, net = self._flight, self.net
        if not flight or self.done:
            return
        now = net.now
        if self.way.dead or self.way.lost():
            self._lose()
            return
        if self.receiver.was_reset:
            self._nobody()
            return
        if self._tries or self.stalled_since is not None:
            self._tries = 0
            self.stalled_since = None
        receiver, delivered = self.receiver, 0
        if receiver.refuses and any(segment for at, segment in flight if at <= now):
            receiver.refuse()
            return
        fin, landed = False, 0
        for at, segment in flight:
            if at > now:
                break
            landed += 1
            if type(segment) is Urgent:
                receiver.urgent_arrived(segment)
                delivered += 1
            elif segment:
                receiver.inbox.put(segment)
                delivered += len(segment)
            else:
                fin = True
        del flight[:landed]
        self.flight_size -= delivered
        self.delivered += delivered
        if delivered and not self.mute:
            self._acknowledge(now)
        if self._unsent and not (self._waiting or self.starved):
            self.pump()
        if flight and not self._flying:
            self._flying = True
            net.at(flight[0][0], self._arrive, None)
        if fin:
            self.done = True
            receiver.fin_arrived()
        else:
            receiver.changed()

    def _acknowledge(self, now: float) -> None:
        at = now + self.back.latency
        self._acks.append((at, self.delivered))
        if self.sender.awaits_room:
            self.net.at(at, self._room, None)

    def _room(self, _: None) -> None:
        sender = self.sender
        if sender.awaits_room and sender.writable():
            sender.awaits_room = False
            sender.changed()

    def _nobody(self) -> None:
        """The receiver has given the connection up: its host answers with a RST."""
        sender, back = self.sender, self.back
        self.net.at(self.net.now + back.latency, lambda _: None if back.dead else sender.reset(), None)

    # --- losses

    def _lose(self) -> None:
        """All that is under way is lost; it will be sent again."""
        self._unsent[:0] = [segment for _, segment in self._flight]
        self._flight.clear()
        self.flight_size = 0
        self._stall()

    def _stall(self) -> None:
        """Nothing gets through now: try again when the time-out is over, or when the network changes."""
        now, limit = self.net.now, self.net.retransmit_timeout
        if self.stalled_since is None:
            self.stalled_since = now
        self._waiting = True
        self._retry += 1
        left = self.stalled_since + limit - now
        if left <= 0:
            self.sender.timed_out()
        else:
            self.net.at(now + min(self.rto, left), self._again, self._retry)

    def _again(self, retry: int) -> None:
        if retry == self._retry and self._waiting and not self.done:
            self._tries += 1
            self._resume()

    def _resume(self) -> None:
        if self.way.dead or self.mute:
            self._stall()
        else:
            self._waiting = False
            self.pump()

    def review(self) -> None:
        """The network has changed: which segments and which ACKs get through now?"""
        if self.done:
            return
        now = self.net.now
        self.mute = bool(self.back.dead) or self.way.loses_acks
        if self.mute:
            unacked = self.unacked()
            self._acks.clear()
            if unacked and not self._waiting:
                self._stall()
        elif not self._acks and self._acked < self.delivered:
            self._acknowledge(now)
        if self.way.dead:
            if self.way.rejects and (self._flight or self._unsent):
                self.sender.reset()
            elif self._flight:
                self._lose()
            elif self._unsent and not self._waiting:
                self._stall()
        elif not self.mute:
            self.starved = self._waiting = False
            self.stalled_since = None
            self._tries = 0
            self.pump()

    def stop(self) -> None:
        """Nothing more arrives: a reset, a time-out."""
        self.done = True
        self._unsent.clear()
        self._flight.clear()
        self._acks.clear()
        self._acked = self.sent
        self.flight_size = 0
