"""Blocks are what every reader of pcapng expects, and a strict one finds nothing to complain of."""

from __future__ import annotations

import json
import struct
import subprocess
from ipaddress import ip_address
from pathlib import Path

import pytest

from selftest.abi.test_packet import V4, tcp
from selftest.support.service import installed
from swrap.abi import ffi, lib
from swrap.abi.page import pack_ip


def section() -> bytes:
    """A section header."""
    out = ffi.new("uint8_t[]", 256)
    return bytes(ffi.buffer(out, lib.sw_pcapng_section(out, b"swrap")))


def interface(name: str, *addresses: tuple[str, int], speed: int = 0) -> bytes:
    """An interface description."""
    out = ffi.new("uint8_t[]", 1024)
    keep = [
        ffi.new("char[]", name.encode()),
        ffi.new("char[]", b"what it is"),
        ffi.new("uint8_t[]", b"\2SW\0\0\1"),
    ]
    ips = [ffi.new("uint8_t[]", pack_ip(ip_address(ip))) for ip, _ in addresses]
    rows = [(ip, prefix) for ip, (_, prefix) in zip(ips, addresses, strict=True)]
    table = ffi.new("struct sw_pcapng_address[]", rows)
    iface = ffi.new("struct sw_pcapng_iface *", (*keep, speed, table, len(rows)))
    return bytes(ffi.buffer(out, lib.sw_pcapng_interface(out, iface)))


def packet(frame: bytes, *, at_us: int = 0, iface: int = 0, comment: str | None = None) -> bytes:
    """A packet that went out."""
    out = ffi.new("uint8_t[]", len(frame) + 512)
    ffi.memmove(out + lib.SW_PCAPNG_HEAD, frame, len(frame))
    text = ffi.NULL if comment is None else ffi.new("char[]", comment.encode())
    raw = ffi.new("struct sw_pcapng_packet *", (at_us, iface, len(frame), 2, text))
    return bytes(ffi.buffer(out, lib.sw_pcapng_packet(out, raw)))


@pytest.mark.parametrize(
    "block",
    [
        section(),
        interface("server.eth0", ("10.0.1.1", 24), ("fd00::1", 64), speed=10**10),
        *(
            packet(bytes(n), comment=comment)
            for n in range(60, 66)
            for comment in (None, "a", "four", "c" * 300)
        ),
    ],
)
def test_a_block_says_its_length_at_both_ends(block: bytes) -> None:
    assert len(block) % 4 == 0
    assert struct.unpack("=I", block[4:8]) == struct.unpack("=I", block[-4:]) == (len(block),)


def test_tshark_reads_back_what_was_written(tmp_path: Path) -> None:
    tshark, capinfos = installed("tshark", "tshark"), installed("capinfos", "tshark")
    file = tmp_path / "a.pcapng"
    moment = 1_700_000_000_123_456
    blocks = [
        section(),
        interface("server.eth0", ("10.0.1.1", 24), ("fd00::1", 64), speed=10**10),
        interface("laptop.wlan0"),
        packet(tcp(V4, b"hello", flags=lib.SW_TCP_ACK), at_us=moment, iface=1, comment="lost: no carrier"),
    ]
    file.write_bytes(b"".join(blocks))
    fields = [
        "frame.time_epoch",
        "frame.interface_name",
        "frame.comment",
        "tcp.payload",
        "ip.checksum.status",
    ]
    wanted = [word for field in fields for word in ("-e", field)]
    checks = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"]
    done = subprocess.run(
        [tshark, "-r", file, *checks, "-T", "json", *wanted, "-e", "tcp.checksum.status"],
        capture_output=True,
        text=True,
        check=True,
    )
    (seen,) = json.loads(done.stdout)
    layers = {key: value[0] for key, value in seen["_source"]["layers"].items()}
    assert layers["frame.interface_name"] == "laptop.wlan0"
    assert float(layers["frame.time_epoch"]) == pytest.approx(moment / 1e6, abs=1e-6)
    assert layers["frame.comment"] == "lost: no carrier"
    assert bytes.fromhex(layers["tcp.payload"]) == b"hello"
    assert (layers["ip.checksum.status"], layers["tcp.checksum.status"]) == ("1", "1")
    told = subprocess.run([capinfos, file], capture_output=True, text=True, check=True).stdout
    assert "Name = server.eth0" in told
    assert "Speed = 10000000000" in told
