"""As much DER (X.690) as SPNEGO needs: definite lengths, one-byte tags.

Owns tag-length-value. Must not know what a tag means. Called by ``spnego`` alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from server.wire.errors import MalformedError

OCTET_STRING = 0x04
OID = 0x06
ENUMERATED = 0x0A
GENERAL_STRING = 0x1B
SEQUENCE = 0x30
APPLICATION_0 = 0x60


def context(number: int) -> int:
    """The tag of a constructed, context-specific [number]."""
    return 0xA0 | number


def encode(tag: int, *parts: bytes) -> bytes:
    """One element whose content is ``parts`` one after the other."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def encode_oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER element."""
    first, second, *rest = (int(number) for number in dotted.split("."))
    out = bytearray()
    for number in (first * 40 + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        out += bytes(reversed(groups))
    return encode(OID, bytes(out))


def read(data: bytes) -> tuple[int, bytes, bytes]:
    """The first element: (tag, content, what follows). MalformedError: cut short, an indefinite length."""
    if len(data) < 2:
        raise MalformedError(f"DER element of {len(data)} bytes")
    tag, length, start = data[0], data[1], 2
    if length & 0x80:
        size = length & 0x7F
        if not 0 < size <= 4 or len(data) < 2 + size:
            raise MalformedError("DER length")
        length, start = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
    if start + length > len(data):
        raise MalformedError(f"DER element of {length} bytes, {len(data) - start} left")
    return tag, data[start : start + length], data[start + length :]


def expect(data: bytes, tag: int) -> bytes:
    """The content of the one element that ``data`` is. MalformedError: another tag."""
    got, content, _ = read(data)
    if got != tag:
        raise MalformedError(f"DER tag 0x{got:02x}, expected 0x{tag:02x}")
    return content


def elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, content) of each element of a SEQUENCE's content."""
    while content:
        tag, value, content = read(content)
        yield tag, value
