"""Bytes in a row: what a stream has received and nobody has read.

Owns chunks and their number of bytes; copies only what is cut. Called by TCP, once a segment and once a read.
"""

from __future__ import annotations

Chunk = bytes | memoryview

_LARGE = 16_384
"""Bytes of a chunk that is given as it is, though there are more: a copy would cost more than one more read."""


class ByteQueue:
    """``size`` bytes, as the chunks in which they came; a chunk must not change any more.

    A list, since an empty one takes no room and there are seldom many chunks.
    """

    __slots__ = ("chunks", "size")

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.size = 0

    def put(self, chunk: Chunk) -> None:
        """At the end; the chunk stays as it is."""
        self.chunks.append(chunk)
        self.size += len(chunk)

    def take(self, most: int) -> bytes:
        """The first bytes, at most so many, which are gone then. There must be some, and ``most`` > 0."""
        chunks = self.chunks
        if len(chunks) == 1 and self.size <= most:
            self.size = 0
            whole = chunks.pop()
        elif _LARGE <= len(chunks[0]) <= most:
            whole = chunks.pop(0)
            self.size -= len(whole)
        else:
            parts = self._cut(most)
            return bytes(parts[0]) if len(parts) == 1 else b"".join(parts)
        return whole if type(whole) is bytes else bytes(whole)

    def peek(self, most: int) -> bytes:
        """The same, but they stay."""
        parts: list[Chunk] = []
        for chunk in self.chunks:
            if most <= 0:
                break
            parts.append(chunk[:most])
            most -= len(chunk)
        return b"".join(parts)

    def take_into(self, buffer: memoryview) -> int:
        """Fill as much of ``buffer`` as there is; the number of bytes."""
        done = 0
        for part in self._cut(len(buffer)):
            buffer[done : done + len(part)] = part
            done += len(part)
        return done

    def clear(self) -> None:
        """Forget all of it."""
        self.chunks.clear()
        self.size = 0

    def _cut(self, most: int) -> list[Chunk]:
        """The chunks that the first ``most`` bytes are, taken off."""
        chunks, left, whole = self.chunks, most, 0
        for chunk in chunks:
            if len(chunk) > left:
                break
            left -= len(chunk)
            whole += 1
        parts = chunks[:whole]
        if left and whole < len(chunks):
            view = memoryview(chunks[whole])
            parts.append(view[:left])
            chunks[whole] = view[left:]
            left = 0
        del chunks[:whole]
        self.size -= most - left
        return parts
