"""UDP between fake hosts, and what the network does to single datagrams."""

from __future__ import annotations

import asyncio
import select
import socket
import struct

from swrap.document import JSON
from swrap.fake import Network

PORT = 9
GROUP = "224.0.0.251"
IP_PKTINFO, IP_RECVTTL = 8, 12  # Python 3.11 has no names for them


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


def member(join: str | None) -> socket.socket:
    """A socket that hears groups, perhaps on the interface with that address."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    made.bind(("", PORT))
    if join is not None:
        made.setsockopt(
            socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton(join)
        )
    return made


def heard_by(sock: socket.socket) -> list[bytes]:
    heard = []
    try:
        while True:
            heard.append(sock.recv(100))
    except BlockingIOError:
        sock.close()
    return heard


def test_a_group_ends_at_its_segment_and_its_options_say_who_hears(network: Network) -> None:
    async def server(join: str | None) -> list[bytes]:
        own = member(join)
        await asyncio.sleep(2)
        return heard_by(own)

    async def laptop() -> list[bytes]:
        own = member("10.0.0.2")
        ip = socket.IPPROTO_IP

        async def say(text: bytes, **options: int | bytes) -> None:
            for name, value in options.items():
                own.setsockopt(ip, getattr(socket, name), value)
            own.sendto(text, (GROUP, PORT))
            await asyncio.sleep(0.1)

        await asyncio.sleep(1)
        await say(b"all")
        await say(b"others", IP_MULTICAST_LOOP=0)
        await say(b"nobody", IP_MULTICAST_TTL=0)
        await say(b"here", IP_MULTICAST_LOOP=1)
        await say(b"elsewhere", IP_MULTICAST_TTL=1, IP_MULTICAST_IF=socket.inet_aton("10.0.1.2"))
        own.setsockopt(ip, socket.IP_DROP_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton("10.0.0.2"))
        await say(b"left", IP_MULTICAST_IF=bytes(4))
        await asyncio.sleep(1)
        return heard_by(own)

    async def story() -> list[list[bytes]]:
        heard = await asyncio.gather(
            network.on("server", server, "10.0.0.1"), network.on("laptop", laptop), return_exceptions=True
        )
        return list(heard)

    assert network.run(story) == [[b"all", b"others", b"left"], [b"all", b"here"]]


def test_a_broadcast_that_is_cut_off_is_lost_for_those_behind_the_cut(network: Network) -> None:
    heard = Heard()

    async def hear() -> None:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: heard, local_addr=("0.0.0.0", PORT))
        await asyncio.Event().wait()

    async def shout(text: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.sendto(text, ("255.255.255.255", PORT))
            sock.sendto(text, ("10.0.1.255", PORT))

    async def story() -> None:
        network.spawn("server", hear)
        await asyncio.sleep(1)
        await network.on("laptop", shout, b"1")
        await asyncio.sleep(1)
        await network.do("block", {"interface": "server.eth0"})
        await network.on("laptop", shout, b"2")
        await asyncio.sleep(1)

    network.run(story)
    assert heard.data == [b"1", b"1", b"2"]


def test_control_messages_tell_the_way_and_choose_it() -> None:
    """ip(7): IP_PKTINFO, IP_TTL, IP_TOS; a router takes one from the TTL, and the last is not passed on."""
    network = Network(
        {
            "server": {"eth0": "10.0.1.1/24", "gateway": "10.0.1.9"},
            "router": {"eth0": "10.0.1.9/24", "eth1": "10.0.2.9/24", "forward": True},
            "laptop": {"eth0": "10.0.9.2/24", "wlan0": ["10.0.2.2/24", "10.0.2.3/24"], "gateway": "10.0.2.9"},
        }
    )
    info = struct.Struct("i4s4s")

    async def server() -> list[object]:
        loop = asyncio.get_running_loop()
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.bind(("", PORT))
            sock.setblocking(False)
            for option in (IP_PKTINFO, IP_RECVTTL, socket.IP_RECVTOS):
                sock.setsockopt(socket.IPPROTO_IP, option, 1)
            ready: asyncio.Future[None] = loop.create_future()
            loop.add_reader(sock, ready.set_result, None)
            await ready
            data, found, _, address = sock.recvmsg(100, 200)
            index, *ips = info.unpack(found[0][2])
            marks = [int.from_bytes(value, "little") for _, _, value in found[1:]]
            return [data, address[0], index, *map(socket.inet_ntoa, ips), *marks]

    async def laptop() -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            for ttl in (1, 2):
                from_there = info.pack(0, socket.inet_aton("10.0.2.3"), bytes(4))
                control = [
                    (socket.IPPROTO_IP, IP_PKTINFO, from_there),
                    (socket.IPPROTO_IP, socket.IP_TTL, struct.pack("i", ttl)),
                    (socket.IPPROTO_IP, socket.IP_TOS, b"\x10"),
                ]
                sock.sendmsg([b"ttl %d" % ttl], control, 0, ("10.0.1.1", PORT))

    async def story() -> object:
        listening = network.spawn("server", server)
        await asyncio.sleep(1)
        await network.on("laptop", laptop)
        await listening.wait()
        return listening.result

    assert network.run(story) == [b"ttl 2", "10.0.2.3", 2, "10.0.1.1", "10.0.1.1", 1, 0x10]


def test_who_has_joined_nothing_hears_its_hosts_groups_unless_it_says_no(network: Network) -> None:
    """ip(7): IP_MULTICAST_ALL, which is 49."""

    async def program() -> list[int]:
        level, member = socket.IPPROTO_IP, socket.inet_aton(GROUP) + socket.inet_aton("10.0.0.1")
        heard = []
        socks = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(3)]
        for number, sock in enumerate(socks):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(level, 49, int(number < 2))
            sock.bind(("", PORT))
            sock.setblocking(False)
        for join in (None, socks[0], socks[2]):
            if join is not None:
                join.setsockopt(level, socket.IP_ADD_MEMBERSHIP, member)
            socks[0].sendto(b"x", (GROUP, PORT))
            await asyncio.sleep(1)
            heard += [int(bool(select.select([sock], [], [], 0)[0]) and len(sock.recv(9))) for sock in socks]
        for sock in socks:
            sock.close()
        return heard

    assert network.run(lambda: network.on("server", program)) == [0, 0, 0, 1, 1, 0, 1, 1, 1]
