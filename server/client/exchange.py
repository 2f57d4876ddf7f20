"""Requests and answers of one established connection: message ids, credits, signatures, who waits for what.

Owns the connection's sequence (MS-SMB2 3.2.4.1.2, 3.2.4.1.5, 3.2.5.1). Sans-I/O: ``begin`` gives the parts
of a PDU to send, ``receive`` takes one PDU and gives the answers in it. Must not know sockets, futures or
what a body means. Called by ``channel``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.client.errors import ChannelLost
from server.wire.buffers import Buffer
from server.wire.encryption import Envelope
from server.wire.framing import prefix
from server.wire.header import MAGIC_ENCRYPTED, SIZE, UNSOLICITED, Command, Flags, Header, split_compound
from server.wire.signing import Signer
from server.wire.status import NTSTATUS

CREDIT_UNIT = 65536
"""Bytes of payload that one credit pays for (3.1.5.2)."""
_TARGET_CREDITS = 512

_SESSION_GONE = (NTSTATUS.USER_SESSION_DELETED, NTSTATUS.NETWORK_SESSION_EXPIRED)


def charge_for(payload: int) -> int:
    """Credits for a request that sends, or may receive, so many bytes of payload."""
    return max(1, -(-payload // CREDIT_UNIT))


@dataclass(frozen=True, slots=True)
class Reply:
    """The final answer to a request. ``body`` begins after the header and is a view into the received PDU."""

    header: Header
    body: memoryview

    @property
    def status(self) -> NTSTATUS:
        return NTSTATUS(self.header.status)


@dataclass(slots=True)
class Pending:
    """A request without its final answer. ``size`` in bytes of payload, ``since`` in seconds."""

    command: Command
    size: int
    since: float
    encrypted: bool = False
    async_id: int | None = None


class Exchange:
    """The state of one connection from the end of its handshake on."""

    def __init__(
        self,
        session_id: int,
        signer: Signer,
        credits: int,
        next_message_id: int,
        envelope: Envelope | None = None,
    ) -> None:
        self._session_id = session_id
        self._signer = signer
        self._envelope = envelope
        self._next_message_id = next_message_id
        self.credits = credits
        self.pending: dict[int, Pending] = {}
        self.outstanding_bytes = 0
        self.unsolicited: list[Reply] = []
        """Breaks and notifications, for whoever takes them away."""

    def begin(
        self,
        command: Command,
        body: Sequence[Buffer],
        *,
        now: float,
        tree_id: int = 0,
        charge: int = 1,
        size: int = 0,
        channel_sequence: int = 0,
        replay: bool = False,
        encrypt: bool = False,
    ) -> tuple[int, list[Buffer]]:
        """Allot a message id: (it, the parts to send, transport prefix first). ``now`` in seconds.

        ValueError: not enough credits; ask ``credits`` first. ChannelLost: there is no cipher to ``encrypt`` with.
        """
        if encrypt and self._envelope is None:
            raise ChannelLost("the server has agreed to no cipher")
        if charge > self.credits:
            raise ValueError(f"{command.name} needs {charge} credits, there are {self.credits}")
        message_id = self._next_message_id
        self._next_message_id += charge
        self.credits -= charge
        header = Header(
            command,
            flags=Flags.REPLAY_OPERATION if replay else 0,
            message_id=message_id,
            tree_id=tree_id,
            session_id=self._session_id,
            credit_charge=charge,
            credits=charge + max(0, min(_TARGET_CREDITS - self.credits, 128)),
            channel_sequence=channel_sequence,
        )
        # Small bodies go into one buffer with the header; a big payload is never copied.
        head, rest = bytearray(header.encode()), list(body)
        while rest and len(rest[0]) < CREDIT_UNIT:
            head += rest.pop(0)
        self.pending[message_id] = Pending(command, size, now, encrypt)
        self.outstanding_bytes += size
        if encrypt and self._envelope is not None:
            return message_id, self._envelope.seal(b"".join((head, *rest)) if rest else head)
        self._signer.sign_parts(head, rest, server=False)
        return message_id, [prefix(len(head) + sum(map(len, rest))) + head, *rest]

    @property
    def oldest(self) -> float | None:
        """When the oldest request without an answer was sent; None: all are answered."""
        return next((entry.since for entry in self.pending.values()), None)

    def receive(self, pdu: bytes | bytearray) -> list[tuple[int, Reply, Pending]]:
        """(message id, answer, request) for each that ``pdu`` settles; interim answers settle none.

        ChannelLost: an answer to nothing, or neither signed nor encrypted as it has to be. WireError: not SMB2.
        """
        settled: list[tuple[int, Reply, Pending]] = []
        encrypted = bytes(pdu[:4]) == MAGIC_ENCRYPTED
        if encrypted:
            if self._envelope is None:
                raise ChannelLost("an encrypted answer, without a key for it")
            pdu = self._envelope.open(pdu)
        for header, message in split_compound(pdu):
            reply = Reply(header, message[SIZE:])
            if header.message_id == UNSOLICITED:
                self.unsolicited.append(reply)
                continue
            entry = self.pending.get(header.message_id)
            if entry is None or not header.is_response or header.command is not entry.command:
                raise ChannelLost(f"an answer to no request: {header.command.name} {header.message_id}")
            self.credits += header.credits
            if header.status == NTSTATUS.PENDING and header.async_id is not None:
                entry.async_id = header.async_id
                continue
            # A server that no longer has the session has no key either: that answer alone comes unsigned.
            if encrypted or (not header.flags & Flags.SIGNED and header.status in _SESSION_GONE):
                pass
            elif entry.encrypted:
                raise ChannelLost(f"an answer to {header.command.name} that is not encrypted")
            elif not self._signer.verify(message, server=True):
                raise ChannelLost(f"wrong signature under the answer to {header.command.name}")
            del self.pending[header.message_id]
            self.outstanding_bytes -= entry.size
            settled.append((header.message_id, reply, entry))
        return settled
