"""Bytes in a row: what a stream has received and nobody has read.

Owns chunks and their number of bytes; copies only what is cut. Called by TCP, once a segment and once a read.
"""

from __future__ import annotations

from collections import deque


class ByteQueue:
    """``size`` bytes, as the chunks in which they came; a chunk must not change any more."""

    __slots__ = ("chunks", "size")

    def __init__(self) -> None:
        self.chunks: deque[bytes | memoryview] = deque()
        self.size = 0

    def put(self, chunk: bytes | memoryview) -> None:
        """At the end; the chunk stays as it is."""
        self.chunks.append(chunk)
        self.size += len(chunk)

    def take(self, most: int) -> bytes:
        """The first bytes, at most so many, which are gone then. There must be some, and ``most`` > 0."""
        chunks = self.chunks
        first = chunks[0]
        if len(first) > most:
            chunks[0] = memoryview(first)[most:]
            self.size -= most
            return bytes(first[:most])
        if len(first) == most or len(chunks) == 1:
            chunks.popleft()
            self.size -= len(first)
            return first if type(first) is bytes else bytes(first)
        parts: list[bytes | memoryview] = []
        left = most
        while chunks and left:
            chunk = chunks[0]
            if len(chunk) > left:
                chunks[0] = memoryview(chunk)[left:]
                chunk = chunk[:left]
            else:
                chunks.popleft()
            parts.append(chunk)
            left -= len(chunk)
        self.size -= most - left
        return b"".join(parts)

    def peek(self, most: int) -> bytes:
        """The same, but they stay."""
        parts: list[bytes | memoryview] = []
        for chunk in self.chunks:
            if most <= 0:
                break
            parts.append(chunk[:most])
            most -= len(chunk)
        return b"".join(parts)

    def take_into(self, buffer: memoryview) -> int:
        """Fill as much of ``buffer`` as there is; the number of bytes."""
        chunks, done, room = self.chunks, 0, len(buffer)
        while chunks and done < room:
            chunk = chunks[0]
            size = len(chunk)
            if size > room - done:
                size = room - done
                chunks[0] = memoryview(chunk)[size:]
                buffer[done:room] = chunk[:size]
            else:
                chunks.popleft()
                buffer[done : done + size] = chunk
            done += size
        self.size -= done
        return done

    def clear(self) -> None:
        """Forget all of it."""
        self.chunks.clear()
        self.size = 0
