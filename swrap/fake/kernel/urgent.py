"""Urgent data of TCP (send(2), MSG_OOB): one byte that can be read before its turn, and the mark that it leaves.

Owns what a receiver knows of it. A read stops at the mark; one that begins there goes past it, and a byte that nobody
has asked for by then is gone, unless SO_OOBINLINE has left it among the others. An urgent byte that comes before the
last one was read takes its place. Used by ``tcp`` and ``half``.
"""

from __future__ import annotations


class Urgent(bytes):
    """A segment of one byte, which is urgent."""

    __slots__ = ()


class Mark:
    """``before``: bytes that are to be read until then; ``byte``: None once it was read, or where it is inline."""

    __slots__ = ("before", "byte", "inline")

    def __init__(self, before: int, byte: bytes | None, inline: bool) -> None:
        self.before = before
        self.byte = byte
        self.inline = inline

    @property
    def pending(self) -> bool:
        """Is it POLLPRI?"""
        return self.inline or self.byte is not None
