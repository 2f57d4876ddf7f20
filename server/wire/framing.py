"""The direct TCP transport (MS-SMB2 2.1): a zero byte, a 24-bit big-endian length, then the message.
 Owns the prefix and its limits, nothing of what follows. Called by whatever moves bytes: the acceptor, which
must take exactly one message off a stream, and the streams of server and client.
"""

from __future__ import annotations

from struct import Struct

from server.wire.errors import FramingError

PREFIX_SIZE = 4
_PREFIX = Struct(">I")
MAX_LENGTH = 0xFF_FFFF
"""The largest message that the prefix can announce, in bytes."""

NEGOTIATE_LIMIT = 64 * 1024
"""No Negotiate is longer: bounds what a stranger may make the acceptor hold."""

KEEP_ALIVE = 0x85
"""NetBIOS session keep-alive (RFC 1002 4.3.1): type 0x85, length 0; to be dropped silently."""
_KEEP_ALIVE = KEEP_ALIVE << 24


def prefix(length: int) -> bytes:
    """The 4 bytes before a message of `length` bytes. FramingError: longer than 24 bits can say."""
    if length > MAX_LENGTH:
        raise FramingError(f"a message of {length} bytes does not fit the 24-bit length")
    return length.to_bytes(PREFIX_SIZE, "big")


def length_of(raw: bytes | bytearray | memoryview, limit: int = MAX_LENGTH, start: int = 0) -> int | None:
    """The length of the message that the 4 bytes at `start` announce; None for a keep-alive, which has no message.

    FramingError: another message type, or more than `limit` bytes.
    """
    length: int = _PREFIX.unpack_from(raw, start)[0]
    if length == _KEEP_ALIVE:
        return None
    if length > MAX_LENGTH:
        raise FramingError(f"transport message type 0x{raw[start]:02x}")
    if length > limit:
        raise FramingError(f"a message of {length} bytes, more than {limit}")
    return length
