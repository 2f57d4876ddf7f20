"""NDR, the transfer syntax of DCE/RPC, as far as strings, numbers and unique pointers go (C706 chapter 14).

Little-endian alone. Owns alignment and referents; knows no interface.
"""

from __future__ import annotations

from server.wire.buffers import Buffer, slice_of, text, utf16
from server.wire.errors import MalformedError

_REFERENT = 0x0002_0000


class Reader:
    """Takes values off a stub in their order. MalformedError: there is none of that kind."""

    def __init__(self, data: Buffer) -> None:
        self._data = data
        self._at = 0

    def number(self) -> int:
        """An unsigned long."""
        self._at += -self._at % 4
        raw = slice_of(self._data, self._at, 4, "NDR long")
        self._at += 4
        return int.from_bytes(raw, "little")

    def string(self) -> str:
        """A conformant varying string of UTF-16, its NUL taken off."""
        most, offset, count = self.number(), self.number(), self.number()
        if offset or count > most:
            raise MalformedError("NDR string")
        raw = slice_of(self._data, self._at, 2 * count, "NDR string")
        self._at += 2 * count
        return text(raw, "NDR string").removesuffix("\0")

    def unique_string(self) -> str | None:
        return self.string() if self.number() else None


class Writer:
    def __init__(self) -> None:
        self._data = bytearray()
        self._referents = 0

    def number(self, value: int) -> Writer:
        self._data += bytes(-len(self._data) % 4) + value.to_bytes(4, "little")
        return self

    def pointer(self) -> Writer:
        """To something that is there; itself it comes later."""
        self._referents += 1
        return self.number(_REFERENT + 4 * (self._referents - 1))

    def string(self, value: str) -> Writer:
        raw = utf16(value + "\0")
        count = len(raw) // 2
        self.number(count).number(0).number(count)
        self._data += raw
        return self

    def done(self) -> bytes:
        return bytes(self._data)
