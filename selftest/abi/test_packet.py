"""Packets are what a wire would carry: every length, checksum and fragment as the RFCs have it."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrap.abi import ffi, lib
from swrap.abi.page import pack_ip

ROOM = 70_000
V4 = ("10.0.1.2", "10.0.1.1")
V6 = ("fd00:1::2", "fd00:1::1")
FAMILIES = pytest.mark.parametrize("ends", [V4, V6], ids=["ipv4", "ipv6"])


def route(ends: tuple[str, str]) -> Any:
    """From port 40000 to port 445, between two MAC addresses."""
    return ffi.new(
        "struct sw_packet_route *",
        {
            "from_mac": bytes.fromhex("025357000001"),
            "to_mac": bytes.fromhex("025357000002"),
            "from_ip": pack_ip(ip_address(ends[0])),
            "to_ip": pack_ip(ip_address(ends[1])),
            "from_port": 40_000,
            "to_port": 445,
            "id": 7,
            "ttl": 64,
        },
    )


def tcp(ends: tuple[str, str], payload: bytes, **fields: int) -> bytes:
    """A segment as the C makes it."""
    out = ffi.new("uint8_t[]", ROOM)
    n = lib.sw_tcp_packet(out, route(ends), ffi.new("struct sw_tcp *", fields), payload, len(payload))
    return bytes(ffi.buffer(out, n))


def udp(ends: tuple[str, str], payload: bytes, mtu: int) -> Iterator[bytes]:
    """A datagram as the C makes it, in one packet or in fragments."""
    out, at = ffi.new("uint8_t[]", ROOM), ffi.new("uint32_t *")
    while True:
        n = lib.sw_udp_packet(out, route(ends), payload, len(payload), mtu, at)
        yield bytes(ffi.buffer(out, n))
        if not at[0]:
            return


def ones_sum(data: bytes) -> int:
    """The one's complement sum of RFC 1071; 0xffff where a checksum in it is right."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def opened(frame: bytes) -> tuple[int, bytes]:
    """What follows the IP header and its protocol, after a look at the header."""
    assert frame[:12] == bytes.fromhex("025357000002025357000001")
    kind, raw = int.from_bytes(frame[12:14]), frame[14:]
    if kind == 0x86DD:
        assert raw[0] >> 4 == 6
        assert int.from_bytes(raw[4:6]) == len(raw) - 40
        assert (IPv6Address(raw[8:24]), IPv6Address(raw[24:40])) == tuple(map(ip_address, V6))
        return raw[6], raw[40:]
    assert kind == 0x0800
    assert raw[0] == 0x45
    assert int.from_bytes(raw[2:4]) == len(raw)
    assert ones_sum(raw[:20]) == 0xFFFF
    assert (IPv4Address(raw[12:16]), IPv4Address(raw[16:20])) == tuple(map(ip_address, V4))
    return raw[9], raw[20:]


def checked(ends: tuple[str, str], protocol: int, segment: bytes) -> None:
    """The checksum over the pseudo-header and the segment is right."""
    addresses = b"".join(ip_address(end).packed for end in ends)
    assert ones_sum(addresses + struct.pack("!II", len(segment), protocol) + segment) == 0xFFFF


@FAMILIES
@given(payload=st.binary(max_size=3000), seq=st.integers(0, 2**32 - 1), window=st.integers(0, 2**23))
def test_a_segment_is_what_was_said(ends: tuple[str, str], payload: bytes, seq: int, window: int) -> None:
    flags = lib.SW_TCP_ACK | lib.SW_TCP_PSH
    protocol, segment = opened(tcp(ends, payload, seq=seq, ack=99, window=window, flags=flags))
    assert protocol == 6
    checked(ends, 6, segment)
    ports = struct.unpack("!HHIIBBH", segment[:16])
    assert ports == (40_000, 445, seq, 99, 5 << 4, flags, min(window >> lib.SW_WINDOW_SCALE, 0xFFFF))
    assert segment[20:] == payload


@FAMILIES
def test_a_syn_says_its_mss_and_that_windows_are_scaled(ends: tuple[str, str]) -> None:
    _, segment = opened(tcp(ends, b"", flags=lib.SW_TCP_SYN, mss=1460, window=65_535))
    checked(ends, 6, segment)
    assert segment[12] >> 4 == 8
    assert int.from_bytes(segment[14:16]) == 65_535
    assert segment[20:] == bytes.fromhex("020405b40101040201030307")


@pytest.mark.parametrize(
    ("payload", "checksum"),
    [
        # By hand: the pseudo-header, the ports and the lengths add up to 0xb421 without the payload.
        (b"", 0xFFFF - 0xB421),
        (b"\x01", 0xFFFF - (0xB421 + 0x0102)),
    ],
)
def test_a_checksum_that_was_reckoned_by_hand(payload: bytes, checksum: int) -> None:
    (frame,) = udp(V4, payload, 1500)
    assert int.from_bytes(frame[40:42]) == checksum


def test_a_udp_checksum_of_zero_is_written_as_its_other_form() -> None:
    (frame,) = udp(V4, struct.pack("!H", 0xFFFF - 0xB421 - 4), 1500)
    assert frame[40:42] == b"\xff\xff"


@FAMILIES
@given(size=st.integers(0, 65_507), mtu=st.sampled_from([1280, 1500, 9000, 65_535]))
def test_a_datagram_is_whole_again_when_its_fragments_are_put_together(
    ends: tuple[str, str], size: int, mtu: int
) -> None:
    payload = random.Random(size).randbytes(size)
    datagram = b""
    frames = list(udp(ends, payload, mtu))
    for number, frame in enumerate(frames):
        assert len(frame) - 14 <= mtu
        protocol, part = opened(frame)
        last = number == len(frames) - 1
        if ends == V4:
            word = int.from_bytes(frame[20:22])
            assert protocol == 17
            assert (word & 0x1FFF) * 8 == len(datagram)
            assert bool(word & 0x2000) is not last
            assert frame[18:20] == b"\0\7"
        elif len(frames) > 1:
            inner, _, word, number = struct.unpack("!BBHI", part[:8])
            assert (protocol, inner, number) == (44, 17, 7)
            assert word & ~7 == len(datagram)
            assert bool(word & 1) is not last
            part = part[8:]
        datagram += part
    checked(ends, 17, datagram)
    assert struct.unpack("!HHH", datagram[:6]) == (40_000, 445, len(datagram))
    assert datagram[8:] == payload
