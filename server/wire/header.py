"""The SMB2 packet header (MS-SMB2 2.2.1) and the compound chain (3.3.5.2.7).

Owns the 64 bytes that begin every message and how several messages share one PDU. Must not know what any
body looks like, nor keys: the signature is carried, ``signing`` gives it a meaning. Called by everything that
reads or writes a message.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from server.wire.errors import FramingError

SIZE = 64
MAGIC = b"\xfeSMB"
MAGIC_ENCRYPTED = b"\xfdSMB"
MAGIC_COMPRESSED = b"\xfcSMB"
MAGIC_SMB1 = b"\xffSMB"

UNSOLICITED = 0xFFFF_FFFF_FFFF_FFFF
"""MessageId of what a server sends unasked: oplock and lease breaks (2.2.23)."""

NO_SIGNATURE = bytes(16)

_LAYOUT = struct.Struct("<4sHHIHHIIQIIQ16s")
_SYNC_ID = struct.Struct("<II")
_ASYNC_ID = struct.Struct("<Q")
_OFFSET_NEXT = 20
_OFFSET_FLAGS = 16


class Command(IntEnum):
    """Command codes (2.2.1)."""

    NEGOTIATE = 0x00
    SESSION_SETUP = 0x01
    LOGOFF = 0x02
    TREE_CONNECT = 0x03
    TREE_DISCONNECT = 0x04
    CREATE = 0x05
    CLOSE = 0x06
    FLUSH = 0x07
    READ = 0x08
    WRITE = 0x09
    LOCK = 0x0A
    IOCTL = 0x0B
    CANCEL = 0x0C
    ECHO = 0x0D
    QUERY_DIRECTORY = 0x0E
    CHANGE_NOTIFY = 0x0F
    QUERY_INFO = 0x10
    SET_INFO = 0x11
    OPLOCK_BREAK = 0x12
    SERVER_TO_CLIENT_NOTIFICATION = 0x13


class Flags(IntEnum):
    """Header flags (2.2.1). ``PRIORITY_MASK`` is a three-bit field, 3.1.1 only."""

    SERVER_TO_REDIR = 0x0000_0001
    ASYNC_COMMAND = 0x0000_0002
    RELATED_OPERATIONS = 0x0000_0004
    SIGNED = 0x0000_0008
    PRIORITY_MASK = 0x0000_0070
    DFS_OPERATIONS = 0x1000_0000
    REPLAY_OPERATION = 0x2000_0000


_COMMANDS = tuple(Command)
_RESPONSE, _ASYNC = int(Flags.SERVER_TO_REDIR), int(Flags.ASYNC_COMMAND)


@dataclass(slots=True)
class Header:
    """One SMB2 header, request or response. Never changed; not frozen, since one is made for every message.

    ``status`` is the NTSTATUS of a response; in a request the same four bytes hold ``channel_sequence``
    (3.x), so exactly one of the two is on the wire, as SERVER_TO_REDIR says. ``async_id`` is None for a sync
    header; an async header has no tree id (it reads as 0). ``credits`` is CreditRequest or CreditResponse.
    """

    command: Command
    status: int = 0
    flags: int = 0
    message_id: int = 0
    tree_id: int = 0
    session_id: int = 0
    async_id: int | None = None
    credit_charge: int = 0
    credits: int = 0
    next_command: int = 0
    channel_sequence: int = 0
    signature: bytes = NO_SIGNATURE
    process_id: int = 0

    @property
    def is_response(self) -> bool:
        return bool(self.flags & _RESPONSE)

    @classmethod
    def decode(cls, data: bytes | bytearray | memoryview) -> Header:
        """Read the first 64 bytes of ``data``. FramingError: too short, not SMB2, an unknown command."""
        if len(data) < SIZE:
            raise FramingError(f"SMB2 header: {len(data)} bytes, need {SIZE}")
        (
            magic,
            structure_size,
            charge,
            status,
            command_code,
            credits,
            flags,
            next_command,
            message_id,
            low,
            high,
            session_id,
            signature,
        ) = _LAYOUT.unpack_from(data)
        if magic != MAGIC:
            raise FramingError(f"SMB2 header: protocol id {magic.hex()}")
        if structure_size != SIZE:
            raise FramingError(f"SMB2 header: StructureSize {structure_size}")
        if command_code >= len(_COMMANDS):
            raise FramingError(f"SMB2 header: unknown command 0x{command_code:x}")
        response, is_async = flags & _RESPONSE, flags & _ASYNC
        return cls(
            _COMMANDS[command_code],
            status if response else 0,
            flags,
            message_id,
            0 if is_async else high,
            session_id,
            high << 32 | low if is_async else None,
            charge,
            credits,
            next_command,
            0 if response else status & 0xFFFF,
            signature,
            0 if is_async else low,
        )

    def encode(self) -> bytes:
        """The 64 bytes. ASYNC_COMMAND follows ``async_id``, whatever ``flags`` says of it."""
        flags, async_id = self.flags & ~_ASYNC, self.async_id
        low, high = self.process_id, self.tree_id
        if async_id is not None:
            flags |= _ASYNC
            low, high = async_id & 0xFFFF_FFFF, async_id >> 32
        return _LAYOUT.pack(
            MAGIC,
            SIZE,
            self.credit_charge,
            self.status if flags & _RESPONSE else self.channel_sequence,
            self.command,
            self.credits,
            flags,
            self.next_command,
            self.message_id,
            low,
            high,
            self.session_id,
            self.signature,
        )

    def answered(
        self, status: int, flags: int, tree_id: int, session_id: int, async_id: int | None, credits: int
    ) -> bytes:
        """The 64 bytes of the response to this request; its ``flags`` without ASYNC_COMMAND. As `encode` of another
        header would give them, which is not made for every answer.
        """
        low, high = self.process_id, tree_id
        if async_id is not None:
            flags |= _ASYNC
            low, high = async_id & 0xFFFF_FFFF, async_id >> 32
        return _LAYOUT.pack(
            MAGIC,
            SIZE,
            self.credit_charge,
            status,
            self.command,
            credits,
            flags | _RESPONSE,
            0,
            self.message_id,
            low,
            high,
            session_id,
            NO_SIGNATURE,
        )


def split_compound(pdu: bytes | bytearray | memoryview) -> list[tuple[Header, memoryview]]:
    """The messages of one PDU, in order, each with its header and its trailing padding (which its signature covers).

    Views, not copies. FramingError: a header that is none, or a NextCommand that is unaligned, shorter than a header
    or past the end.
    """
    view = memoryview(pdu)
    messages: list[tuple[Header, memoryview]] = []
    while True:
        header = Header.decode(view)
        offset = header.next_command
        if offset == 0:
            messages.append((header, view))
            return messages
        if offset % 8 or offset < SIZE or offset > len(view) - SIZE:
            raise FramingError(
                f"SMB2 message {len(messages)} of the PDU: NextCommand {offset} of {len(view)} bytes"
            )
        messages.append((header, view[:offset]))
        view = view[offset:]


def join_compound(messages: Sequence[bytes | bytearray]) -> list[bytearray]:
    """Chain ``messages`` (64-byte header and body each): pad all but the last to 8, set their NextCommand.

    Returns the messages apart, since each has to be signed over its own padded bytes before they are sent one
    after the other. RELATED_OPERATIONS is the caller's to set.
    """
    if not messages:
        raise ValueError("a compound of no messages")
    chain: list[bytearray] = []
    for message in messages[:-1]:
        padded = bytearray(message)
        padded += bytes(-len(padded) % 8)
        padded[_OFFSET_NEXT : _OFFSET_NEXT + 4] = len(padded).to_bytes(4, "little")
        chain.append(padded)
    last = bytearray(messages[-1])
    last[_OFFSET_NEXT : _OFFSET_NEXT + 4] = bytes(4)
    chain.append(last)
    return chain
