"""An ELF file says what it is, and a damaged one is called damaged: nothing else ever comes out."""

from __future__ import annotations

import io
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrap.lab import elf


def test_the_interpreter_of_python_is_its_loader() -> None:
    with Path(sys.executable).open("rb") as file:
        found = elf.read(file)
    assert found.bits == struct.calcsize("P") * 8
    assert found.interpreter is not None
    assert Path(found.interpreter).exists()
    assert found.dynamic
    assert not found.go


def test_a_32_bit_big_endian_program_is_read_by_its_own_layout() -> None:
    interpreter = b"/lib/ld.so.1\0"
    head = elf.MAGIC + bytes([1, 2, 1]) + bytes(9)
    head += struct.pack(">HHIIIIIHHHHHH", 2, 20, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    segment = struct.pack(">IIIIIIII", 3, 84, 0, 0, len(interpreter), len(interpreter), 4, 1)
    found = elf.read(io.BytesIO(head + segment + interpreter))
    assert (found.bits, found.machine, found.interpreter) == (32, 20, "/lib/ld.so.1")
    assert found.architecture == "32-bit machine 20"


def test_a_file_that_is_cut_short_is_damaged_wherever_it_is_cut() -> None:
    with Path(sys.executable).open("rb") as file:
        whole = file.read(64 + 56 * 3)
    for length in range(len(whole)):
        try:
            elf.read(io.BytesIO(whole[:length]))
        except elf.NotElf:
            continue
        pytest.fail(f"{length} bytes of an ELF file passed for a whole one")


@given(st.binary(max_size=600))
def test_any_bytes_are_read_or_called_damaged(content: bytes) -> None:
    for raw in (
        content,
        elf.MAGIC + content,
        elf.MAGIC + b"\x02\x01" + content,
        elf.MAGIC + b"\x01\x02" + content,
    ):
        try:
            found = elf.read(io.BytesIO(raw))
        except elf.NotElf:
            continue
        assert found.bits in (32, 64)
