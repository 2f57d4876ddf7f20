"""What an ELF file says of itself: class, machine, interpreter, and whether the Go linker made it (elf(5)).

Owns the reading of program headers. Must not judge. Called by target. Nothing is loaded or executed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAGIC = b"\x7fELF"
_PT_DYNAMIC, _PT_INTERP, _PT_NOTE = 2, 3, 4
_GO_NOTE = 4  # the type of the Go linker's build id, in a note whose name is "Go"
_MOST_NOTES = 1 << 16  # bytes: a note segment is some hundred, and a file may claim anything

MACHINES = {
    3: "i386",
    8: "MIPS",
    21: "PowerPC64",
    22: "S390",
    40: "ARM",
    62: "x86-64",
    183: "AArch64",
    243: "RISC-V",
}


class NotElf(ValueError):
    """The file only begins like an ELF file."""


@dataclass(frozen=True, slots=True)
class Elf:
    """``bits`` 32 or 64; ``machine`` is e_machine;
    ``interpreter`` the path in PT_INTERP, None where there is none.
    """

    bits: int
    machine: int
    interpreter: str | None
    dynamic: bool
    go: bool

    @property
    def architecture(self) -> str:
        """Such as `64-bit x86-64`."""
        return f"{self.bits}-bit {MACHINES.get(self.machine, f'machine {self.machine}')}"


@dataclass(frozen=True, slots=True)
class _Segment:
    kind: int
    offset: int
    size: int


def read(file: BinaryIO) -> Elf:
    """Read the headers of an open file. Raises NotElf where they are cut short or make no sense."""
    file.seek(0)
    head = file.read(64)
    if len(head) < 52 or head[:4] != MAGIC or head[4] not in (1, 2) or head[5] not in (1, 2):
        raise NotElf("the ELF header is damaged")
    bits = 32 if head[4] == 1 else 64
    order = "<" if head[5] == 1 else ">"
    try:
        (machine,) = struct.unpack_from(order + "H", head, 18)
        segments = list(_segments(file, head, bits, order))
        interpreter: str | None = None
        go = False
        for segment in segments:
            if segment.kind == _PT_INTERP:
                file.seek(segment.offset)
                interpreter = file.read(min(segment.size, 4096)).split(b"\0")[0].decode(errors="replace")
            elif segment.kind == _PT_NOTE:
                file.seek(segment.offset)
                go = go or _has_go_note(file.read(min(segment.size, _MOST_NOTES)), order)
    except (struct.error, OverflowError):
        raise NotElf("the program headers are damaged") from None
    return Elf(bits, machine, interpreter, any(s.kind == _PT_DYNAMIC for s in segments), go)


def _segments(file: BinaryIO, head: bytes, bits: int, order: str) -> Iterator[_Segment]:
    if bits == 64:
        (table,) = struct.unpack_from(order + "Q", head, 32)
        size, count = struct.unpack_from(order + "HH", head, 54)
    else:
        (table,) = struct.unpack_from(order + "I", head, 28)
        size, count = struct.unpack_from(order + "HH", head, 42)
    for index in range(count):
        file.seek(table + index * size)
        raw = file.read(size)
        if bits == 64:
            kind, _, offset, _, _, length = struct.unpack_from(order + "IIQQQQ", raw)
        else:
            kind, offset, _, _, length = struct.unpack_from(order + "IIIII", raw)
        yield _Segment(kind, offset, length)


def _has_go_note(notes: bytes, order: str) -> bool:
    position = 0
    while position + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from(order + "III", notes, position)
        name = notes[position + 12 : position + 12 + name_size]
        if name == b"Go\0\0" and kind == _GO_NOTE:
            return True
        position += 12 + (name_size + 3 & ~3) + (size + 3 & ~3)
    return False
