"""Security descriptors in self-relative form (MS-DTYP 2.4.2 to 2.4.6).

Pure values. A SID is its bytes. What an entry allows whom is in `server.core.access`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntFlag
from struct import Struct

from server.wire.buffers import Buffer, slice_of, unpack_at
from server.wire.errors import MalformedError

_HEADER = Struct("<BBHIIII")
_ACL = Struct("<BBHHH")
_ACE = Struct("<BBHI")
_WHAT = "security descriptor"

OWNER = 0x1
GROUP = 0x2
DACL = 0x4
SACL = 0x8


class Control(IntFlag):
    DACL_PRESENT = 0x0004
    DACL_AUTO_INHERITED = 0x0400
    DACL_PROTECTED = 0x1000
    SELF_RELATIVE = 0x8000


_KEPT = Control.DACL_PRESENT | Control.DACL_AUTO_INHERITED | Control.DACL_PROTECTED


class AceKind:
    """Those that a DACL here may have."""

    ALLOW = 0
    DENY = 1


class AceFlags(IntFlag):
    OBJECT_INHERIT = 0x01
    CONTAINER_INHERIT = 0x02
    NO_PROPAGATE = 0x04
    INHERIT_ONLY = 0x08
    INHERITED = 0x10


@dataclass(frozen=True, slots=True)
class Ace:
    """`kind`: AceKind; `mask`: access mask, which may have generic bits."""

    kind: int
    flags: int
    mask: int
    sid: bytes

    def encode(self) -> bytes:
        return _ACE.pack(self.kind, self.flags, _ACE.size + len(self.sid), self.mask) + self.sid


@dataclass(frozen=True, slots=True)
class Descriptor:
    """`dacl` None with DACL_PRESENT in `control` is the NULL DACL, which denies nobody anything; without it there is
    none at all. SACLs are not kept.
    """

    owner: bytes | None = None
    group: bytes | None = None
    dacl: tuple[Ace, ...] | None = None
    control: int = 0

    @property
    def has_dacl(self) -> bool:
        return bool(self.control & Control.DACL_PRESENT)

    @classmethod
    def decode(cls, data: Buffer) -> Descriptor:
        """MalformedError: not self-relative, parts out of bounds, or an entry that is neither allow nor deny."""
        revision, _, control, owner, group, _, dacl = unpack_at(_HEADER, data, 0, _WHAT)
        if revision != 1 or not control & Control.SELF_RELATIVE:
            raise MalformedError(f"{_WHAT}: revision {revision}, control 0x{control:x}")
        present = bool(control & Control.DACL_PRESENT)
        return cls(
            _sid(data, owner) if owner else None,
            _sid(data, group) if group else None,
            _acl(data, dacl) if dacl and present else None,
            control & _KEPT,
        )

    def encode(self) -> bytes:
        offset, body = _HEADER.size, b""
        places = []
        dacl = None if self.dacl is None else _encode_acl(self.dacl)
        for part in (self.owner, self.group, dacl):
            places.append(offset + len(body) if part is not None else 0)
            body += part or b""
        owner, group, list_ = places
        return _HEADER.pack(1, 0, self.control | Control.SELF_RELATIVE, owner, group, 0, list_) + body

    def only(self, parts: int) -> Descriptor:
        """With no more than these (OWNER, GROUP, DACL)."""
        found = replace(
            self,
            owner=self.owner if parts & OWNER else None,
            group=self.group if parts & GROUP else None,
        )
        return found if parts & DACL else replace(found, dacl=None, control=0)


def sid(authority: int, *below: int) -> bytes:
    """S-1-authority-below…"""
    numbers = b"".join(number.to_bytes(4, "little") for number in below)
    return bytes([1, len(below)]) + authority.to_bytes(6, "big") + numbers


def _sid(data: Buffer, offset: int) -> bytes:
    head = slice_of(data, offset, 8, "SID")
    if head[0] != 1 or head[1] > 15:
        raise MalformedError(f"SID: revision {head[0]}, {head[1]} parts")
    return bytes(slice_of(data, offset, 8 + 4 * head[1], "SID"))


def _acl(data: Buffer, offset: int) -> tuple[Ace, ...]:
    _, _, size, count, _ = unpack_at(_ACL, data, offset, "ACL")
    whole = slice_of(data, offset, size, "ACL")
    entries = []
    place = _ACL.size
    for _ in range(count):
        kind, flags, length, mask = unpack_at(_ACE, whole, place, "ACE")
        if kind not in (AceKind.ALLOW, AceKind.DENY) or length < _ACE.size + 8:
            raise MalformedError(f"ACE: type {kind}, {length} bytes")
        entry = slice_of(whole, place, length, "ACE")
        entries.append(Ace(kind, flags, mask, _sid(entry, _ACE.size)))
        place += length
    return tuple(entries)


def _encode_acl(entries: Iterable[Ace]) -> bytes:
    parts = [entry.encode() for entry in entries]
    return _ACL.pack(2, 0, _ACL.size + sum(map(len, parts)), len(parts), 0) + b"".join(parts)
