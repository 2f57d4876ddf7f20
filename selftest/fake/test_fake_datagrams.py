"""UDP between fake hosts, and what the network does to single datagrams."""

from __future__ import annotations

import asyncio
import socket

import pytest

from swrap.document import JSON
from swrap.fake import Network

PORT = 9


class Heard(asyncio.DatagramProtocol):
    """What came, in its order."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.errors: list[Exception] = []

    def datagram_received(self, data: bytes, address: object) -> None:
        self.data.append(data)

    def error_received(self, error: Exception) -> None:
        self.errors.append(error)


async def listen(heard: Heard) -> None:
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: heard, local_addr=("10.0.0.1", PORT))
    await asyncio.Event().wait()


async def say(count: int, own: Heard) -> None:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: own, remote_addr=("10.0.0.1", PORT)
    )
    for number in range(count):
        transport.sendto(b"%03d" % number)
        await asyncio.sleep(0.001)
    await asyncio.sleep(1)
    transport.close()


def heard_under(network: Network, verb: str, value: JSON) -> list[bytes]:
    """What a listener hears of 200 datagrams."""
    heard = Heard()

    async def story() -> None:
        network.spawn("server", listen, heard)
        await asyncio.sleep(1)
        if verb:
            await network.do(verb, value)
        await network.on("laptop", say, 200, Heard())

    network.run(story)
    return heard.data


ALL = [b"%03d" % number for number in range(200)]


def test_all_arrive_in_order_where_nothing_is_wrong(network: Network) -> None:
    assert heard_under(network, "", None) == ALL


def test_some_are_lost(network: Network) -> None:
    heard = heard_under(network, "loss", {"host": "server", "chance": 0.3})
    assert 100 < len(heard) < 180
    assert heard == sorted(heard)


def test_some_come_twice(network: Network) -> None:
    heard = heard_under(network, "duplicate", {"host": "server", "chance": 0.3})
    assert 220 < len(heard) < 300
    assert set(heard) == set(ALL)


def test_some_come_late(network: Network) -> None:
    heard = heard_under(network, "reorder", {"host": "server", "chance": 0.2, "time": 0.01})
    assert sorted(heard) == ALL
    assert heard != ALL


def test_some_are_damaged(network: Network) -> None:
    heard = heard_under(network, "corrupt", {"host": "server", "chance": 0.3})
    assert len(heard) == 200
    assert 20 < sum(one not in ALL or ALL.index(one) != index for index, one in enumerate(heard)) < 120


def test_where_nobody_listens_a_connected_sender_is_told(network: Network) -> None:
    own = Heard()
    network.run(lambda: network.on("laptop", say, 3, own))
    assert own.errors
    assert isinstance(own.errors[0], ConnectionRefusedError)


def test_what_is_held_comes_when_it_is_released(network: Network) -> None:
    heard = Heard()

    async def story() -> None:
        network.spawn("server", listen, heard)
        await asyncio.sleep(1)
        await network.do("hold", {"between": ["laptop", "server"]})
        await network.on("laptop", say, 5, Heard())
        assert heard.data == []
        await network.do("release", {})
        await asyncio.sleep(1)
        assert heard.data == ALL[:5]

    network.run(story)


def test_groups_are_a_gap_that_says_so(network: Network) -> None:
    async def join() -> str:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
            pytest.raises(NotImplementedError) as told,
        ):
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, bytes(8))
        return str(told.value)

    assert "no groups" in network.run(lambda: network.on("server", join))
