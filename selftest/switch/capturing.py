"""A capture under way, and what Wireshark reads in its file."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selftest.support import tshark
from selftest.switch.driver import Switched, soon
from swrap.switch.client import ControlError

BLOCKS = (0x0A0D0D0A, 1, 6)
"""Section, interface, enhanced packet: the kinds that are written."""


class Captured:
    """A file that is being captured into."""

    def __init__(self, lab: Switched, file: Path) -> None:
        self.lab = lab
        self.file = file

    def end(self) -> dict[str, Any]:
        """End it, and say how it was."""
        with contextlib.suppress(ControlError):
            self.lab.do("capture-stop")
        soon(lambda: self.lab.do("capture-status")["state"] == "ended")
        return dict(self.lab.do("capture-status"))


@pytest.fixture
def captured(lab: Switched, tmp_path: Path) -> Captured:
    """A capture of all traffic."""
    file = tmp_path / "a.pcapng"
    lab.do("capture", file=str(file))
    return Captured(lab, file)


def blocks(file: Path) -> Iterator[tuple[int, bytes]]:
    """The blocks of a file, which must be whole."""
    raw = file.read_bytes()
    at = 0
    while at < len(raw):
        kind, length = struct.unpack_from("=II", raw, at)
        assert kind in BLOCKS
        assert raw[at + length - 4 : at + length] == raw[at + 4 : at + 8]
        yield kind, raw[at : at + length]
        at += length


def infos(file: Path, only: str = "") -> list[str]:
    """The packets in Wireshark's words, without what differs from run to run."""
    rows = tshark.packets(
        file, "frame.interface_name", "tcp.flags.str", "tcp.len", "frame.comment", only=only
    )
    return [
        " ".join(f"{name} {flags.replace('·', '')} {size} {comment}".split())
        for name, flags, size, comment in rows
    ]
