"""A capture as Wireshark's own dissectors read it. Knows tshark's options; not what was captured."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from selftest.support.service import installed

CHECKS = [f"{protocol}.check_checksum:TRUE" for protocol in ("ip", "tcp", "udp")]
ORDINARY = re.compile(
    r"Connection (establish|finish)|This frame (initiates|undergoes) the connection closing"
)
"""What tshark remarks of every TCP connection that begins and ends as it should."""


def run(file: Path, *arguments: str) -> str:
    """What tshark says of a file; an assertion fails where it finds the file itself wrong."""
    options = [word for check in CHECKS for word in ("-o", check)]
    done = subprocess.run(
        [installed("tshark", "tshark"), "-r", file, *options, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def packets(file: Path, *fields: str, only: str = "") -> list[tuple[str, ...]]:
    """These fields of every packet that the display filter `only` shows; what a packet lacks is empty."""
    wanted = [word for field in fields for word in ("-e", field)]
    told = run(file, "-Y", only, "-T", "fields", *wanted)
    return [tuple(line.split("\t")) for line in told.splitlines()]


def complaints(file: Path) -> list[str]:
    """What its expert finds, without what it finds in every connection and without our own comments."""
    found = []
    severity = ""
    for line in run(file, "-q", "-z", "expert").splitlines():
        if heading := re.match(r"(\w+) \(\d+\)", line):
            severity = heading[1]
        elif re.match(r"\s+\d+ ", line) and severity != "Comments" and not ORDINARY.search(line):
            found.append(f"{severity}: {' '.join(line.split())}")
    return found


def stream(file: Path, source: int, only: str = "tcp") -> bytes:
    """The bytes that came from this port, put together as a receiver does; a gap is an error."""
    whole = bytearray()
    for seq, payload in packets(
        file, "tcp.seq", "tcp.payload", only=f"{only} and tcp.srcport == {source} and tcp.len > 0"
    ):
        at, part = int(seq) - 1, bytes.fromhex(payload)
        assert at <= len(whole), f"bytes {len(whole)} to {at} are missing"
        assert whole[at : at + len(part)] == part[: max(0, len(whole) - at)], "sent again, and not the same"
        whole[at : at + len(part)] = part
    return bytes(whole)


def interfaces(file: Path) -> list[dict[str, Any]]:
    """The file's interfaces, as capinfos tells them."""
    told = subprocess.run(
        [installed("capinfos", "tshark"), "-I", file], capture_output=True, text=True, check=True
    ).stdout
    found: list[dict[str, Any]] = []
    for line in told.splitlines():
        if "Interface #" in line:
            found.append({})
        elif found and " = " in line:
            key, _, value = line.strip().partition(" = ")
            found[-1][key] = value
    return found


def dissected(file: Path, only: str) -> list[dict[str, Any]]:
    """All that tshark knows of the packets that the display filter shows."""
    return [packet["_source"]["layers"] for packet in json.loads(run(file, "-Y", only, "-T", "json"))]
