"""One direction of a TCP connection: bytes on their way from one end to the other.

Owns what was sent and is not acknowledged: segments under way, those that wait for the window, their repetition
after a loss. Must not know programs.

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
_ACKS = 16
"""So many are kept before somebody looks which of them are there."""
RTO_MIN, RTO_MAX = 0.2, 120.0
"""Seconds; TCP_RTO_MIN and TCP_RTO_MAX of Linux."""


class Half:
    """From ``sender`` to ``receiver``, along ``way``; ACKs come along ``back``."""

    __slots__ = (
        "_acks", "_departure", "_flight", "_retry", "_tries", "_unsent", "_waiting", "acked", "back", "delivered",
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
        self.acked = 0
        """Bytes that were known to have arrived when somebody last looked."""
        self._acks: list[tuple[float, int]] = []
        self._unsent: list[Chunk] = []
        self._flight: list[Chunk] = []
        self._departure = 0
        """Changes with each loss: what took off before then does not arrive."""
        self._tries = 0
        self._retry = 0
        self._waiting = False
        """For the time-out, or for the network to change."""

    # --- the sender's side

    def unacked(self) -> int:
        """Bytes sent and not known to have arrived (SIOCOUTQ)."""
        acks = self._acks
        if acks:
            now, gone = self.net.now, 0
            for at, acked in acks:
                if at > now:
                    break
                self.acked = acked
                gone += 1
            del acks[:gone]
        return self.sent - self.acked

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
        way, receiver, flying = self.way, self.receiver, self.flight_size + size
        if (
            self._unsent or self._waiting or way.dead or flying > way.segment
            or flying > receiver.receive_buffer - receiver.inbox.size
        ):  # fmt: skip
            self._unsent.append(segment)
            if not (self._waiting or self.starved):
                self.pump()
        else:
            self._take_off(segment, size)  # what `pump` would come to, most of the time

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
        self.flight_size += size
        self._flight.append(segment)
        self.net.at(self.way.arrival(size), self._arrive, self._departure)

    def window_opened(self) -> None:
        """The receiver has read: it says so, if the ACK that says it gets through."""
        self.net.at(self.net.now + self.back.latency, self._window_update, None)

    def _window_update(self, _: None) -> None:
        if self.starved and not self.mute:
            self.starved = False
            self.pump()

    # --- on the way

    def _arrive(self, departure: int) -> None:
        """The first of what is under way is there, unless it was lost since."""
        if departure != self._departure:
            return
        way, receiver, segment = self.way, self.receiver, self._flight[0]
        if way.dead or way.lost():
            self._lose()
            return
        if receiver.was_reset:
            self._nobody()
            return
        self._tries = 0
        self.stalled_since = None
        del self._flight[0]
        if not segment:
            self.done = True
            receiver.fin_arrived()
        elif receiver.refuses:
            receiver.refuse()
        else:
            size = len(segment)
            self.flight_size -= size
            self.delivered += size
            if type(segment) is Urgent:
                receiver.urgent_arrived(segment)
            else:
                receiver.inbox.put(segment)
            if not self.mute:
                self._acknowledge()
            if self._unsent and not (self._waiting or self.starved):
                self.pump()
            receiver.changed()

    def _acknowledge(self) -> None:
        at, acks = self.net.now + self.back.latency, self._acks
        acks.append((at, self.delivered))
        if len(acks) > _ACKS:
            self.unacked()
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
        self._unsent[:0] = self._flight
        self._empty()
        self._stall()

    def _empty(self) -> None:
        """Nothing that is under way arrives."""
        self._flight.clear()
        self.flight_size = 0
        self._departure += 1

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
        self.mute = bool(self.back.dead) or self.way.loses_acks
        if self.mute:
            unacked = self.unacked()
            self._acks.clear()
            if unacked and not self._waiting:
                self._stall()
        elif not self._acks and self.acked < self.delivered:
            self._acknowledge()
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
        self._empty()
        self._acks.clear()
        self.acked = self.sent
