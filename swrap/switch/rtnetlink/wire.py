"""Netlink's format: messages with a 16-byte header, attributes as type-length-value, aligned to four bytes.

Pure functions over bytes; must not know what the messages mean. Numbers are in the machine's byte order.
Source: netlink(7), linux/netlink.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

NLMSG_ERROR = 2
NLMSG_DONE = 3
NLMSG_OVERRUN = 4
MIN_TYPE = 16
"""Types below are netlink's own."""

NLM_F_REQUEST = 1
NLM_F_MULTI = 2
NLM_F_ACK = 4
NLM_F_DUMP = 0x300

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_TYPE_MASK = 0x3FFF  # above it: nested, network byte order


@dataclass(frozen=True, slots=True)
class Message:
    """A message that came in: `body` is what follows the header, `raw` both."""

    type: int
    flags: int
    sequence: int
    body: bytes
    raw: bytes


def message(kind: int, flags: int, sequence: int, port: int, body: bytes = b"") -> bytes:
    """One message, padded."""
    length = _HEADER.size + len(body)
    return _HEADER.pack(length, kind, flags, sequence, port) + body + bytes(-length % 4)


def messages(datagram: bytes) -> Iterator[Message]:
    """The messages in a datagram, up to the first that is too short or cut off, as the kernel does it."""
    at = 0
    while len(datagram) - at >= _HEADER.size:
        length, kind, flags, sequence, _ = _HEADER.unpack_from(datagram, at)
        if not _HEADER.size <= length <= len(datagram) - at:
            return
        raw = datagram[at : at + length]
        yield Message(kind, flags, sequence, raw[_HEADER.size :], raw)
        at += length + -length % 4


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def u8(kind: int, value: int) -> bytes:
    """An attribute that is a byte."""
    return attribute(kind, bytes((value,)))


def u32(kind: int, value: int) -> bytes:
    """An attribute that is a 32-bit number."""
    return attribute(kind, struct.pack("=I", value))


def text(kind: int, value: str) -> bytes:
    """An attribute that is a string; it ends with a NUL."""
    return attribute(kind, value.encode() + b"\0")


def attributes(raw: bytes) -> dict[int, bytes]:
    """The attributes by type; the last of a type counts. What is behind a broken one is not looked at."""
    found = {}
    at = 0
    while len(raw) - at >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(raw, at)
        if not _ATTRIBUTE.size <= length <= len(raw) - at:
            break
        found[kind & _TYPE_MASK] = raw[at + _ATTRIBUTE.size : at + length]
        at += length + -length % 4
    return found


def number(raw: bytes | None) -> int:
    """A 32-bit number as an attribute carries it; 0 where there is none, or half of one."""
    return int(struct.unpack_from("=I", raw)[0]) if raw is not None and len(raw) >= 4 else 0
