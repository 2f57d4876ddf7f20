"""What programs ask about interfaces is what their lab says: netdevice(7), ethtool(8)."""

from __future__ import annotations

import array
import fcntl
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from selftest.fake.conftest import SERVER
from server.posix.ethtool import Ethtool
from swrap.fake import Network

NAME, CONF, FLAGS, ADDRESS, BROADCAST, NETMASK = 0x8910, 0x8912, 0x8913, 0x8915, 0x8919, 0x891B
MTU, HARDWARE, INDEX = 0x8921, 0x8927, 0x8933
Run = Callable[[Callable[[], Awaitable[Any]]], Any]


def ask(request: int, name: str) -> bytes:
    """What comes behind the name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return fcntl.ioctl(sock, request, struct.pack("40s", name.encode()))[16:]


def address(request: int, name: str) -> str:
    return socket.inet_ntoa(ask(request, name)[4:8])


def number(request: int, name: str) -> int:
    return int.from_bytes(ask(request, name)[:4], "little")


def test_an_interface_has_the_labs_addresses_and_a_number(on_server: Run) -> None:
    async def program() -> None:
        assert [address(request, "wlan0") for request in (ADDRESS, NETMASK, BROADCAST)] == [
            "10.0.1.1",
            "255.255.255.0",
            "10.0.1.255",
        ]
        assert address(ADDRESS, "lo") == "127.0.0.1"
        assert [number(INDEX, name) for _, name in socket.if_nameindex()] == [1, 2, 3]
        assert (number(MTU, "lo"), number(MTU, "eth0"), number(FLAGS, "lo")) == (65536, 1500, 0x49)
        assert ask(HARDWARE, "eth0")[:8] == struct.pack("H", 1) + bytes.fromhex("025357000001")
        with socket.socket() as sock:
            named = bytearray(struct.pack("16xi20x", 3))
            fcntl.ioctl(sock, NAME, named)
            assert named[:16].rstrip(b"\0") == b"wlan0"
        with pytest.raises(OSError, match="No such device"):
            ask(ADDRESS, "eth7")

    on_server(program)


def test_all_are_listed_as_far_as_there_is_room(on_server: Run) -> None:
    async def program() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            room = array.array("B", bytes(1000))
            for size, count in ((1000, 3), (100, 2)):
                used = fcntl.ioctl(sock, CONF, struct.pack("iL", size, room.buffer_info()[0]))
                assert struct.unpack("iL", used)[0] == 40 * count
            rows = [bytes(room[at : at + 24]) for at in range(0, 120, 40)]
            assert [(row[:16].rstrip(b"\0"), socket.inet_ntoa(row[20:])) for row in rows] == [
                (b"lo", "127.0.0.1"),
                (b"eth0", SERVER),
                (b"wlan0", "10.0.1.1"),
            ]
            assert struct.unpack("iL", fcntl.ioctl(sock, CONF, struct.pack("iL", 0, 0)))[0] == 120

    on_server(program)


def test_a_cable_that_is_out_shows(network: Network) -> None:
    async def program() -> list[Any]:
        with Ethtool() as ethtool:
            found = [ethtool.link("eth0"), ethtool.speed("eth0"), ethtool.rings("eth0"), ethtool.speed("lo")]
        return [*found, number(FLAGS, "eth0")]

    async def story() -> None:
        assert await network.on("server", program) == [True, 10**10, 1, None, 0x1043]
        await network.do("link-down", "server.eth0")
        assert await network.on("server", program) == [False, 10**10, 1, None, 0x1003]

    network.run(story)
