"""OPLOCK_BREAK: notifications, acknowledgments and responses, of oplocks and of leases (MS-SMB2 2.2.23 to 2.2.25).

Pure values. The two kinds share a command; the StructureSize tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from server.wire.buffers import Buffer, unpack

_OPLOCK = Struct("<HBBI16s")
_LEASE_NOTIFICATION = Struct("<HHI16sIIIII")
_LEASE = Struct("<HHI16sIQ")

ACK_REQUIRED = 1


@dataclass(frozen=True, slots=True)
class OplockBreak:
    """Notification, acknowledgment and response alike. `level` stays a number: the server judges."""

    file_id: bytes
    level: int

    @classmethod
    def decode(cls, body: Buffer) -> OplockBreak:
        _, level, _, _, file_id = unpack(_OPLOCK, body, 24, "oplock break")
        return cls(file_id, level)

    def encode(self) -> bytes:
        return _OPLOCK.pack(24, self.level, 0, 0, self.file_id)


@dataclass(frozen=True, slots=True)
class LeaseBreakNotification:
    """`current` and `new` are lease states; `epoch` is 0 for a lease of version 1."""

    key: bytes
    current: int
    new: int
    flags: int = 0
    epoch: int = 0

    @classmethod
    def decode(cls, body: Buffer) -> LeaseBreakNotification:
        _, epoch, flags, key, current, new, _, _, _ = unpack(_LEASE_NOTIFICATION, body, 44, "lease break")
        return cls(key, current, new, flags, epoch)

    def encode(self) -> bytes:
        return _LEASE_NOTIFICATION.pack(44, self.epoch, self.flags, self.key, self.current, self.new, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class LeaseBreak:
    """Acknowledgment and response."""

    key: bytes
    state: int

    @classmethod
    def decode(cls, body: Buffer) -> LeaseBreak:
        _, _, _, key, state, _ = unpack(_LEASE, body, 36, "lease break acknowledgment")
        return cls(key, state)

    def encode(self) -> bytes:
        return _LEASE.pack(36, 0, 0, self.key, self.state, 0)


def decode_acknowledgment(body: Buffer) -> OplockBreak | LeaseBreak:
    """MalformedError: neither of the two."""
    if int.from_bytes(body[:2], "little") == 36:
        return LeaseBreak.decode(body)
    return OplockBreak.decode(body)
