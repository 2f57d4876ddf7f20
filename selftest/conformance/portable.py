"""Promises that ask for no process of their own: coroutines over asyncio and a `socket` module, on one host or two.

A back end that is processes runs a part with `python portable.py HOST PROMISE FAMILY SERVER LAPTOP`, under the asyncio of the
machine. A network inside one process runs the same coroutines as tasks on its own loop, with its own `socket` module. So they
await everything that may block, and know no sleep, thread, process or fd number.
"""

from __future__ import annotations

import asyncio
import errno
import struct
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Here:
    """What a part of a promise finds on its host."""

    socket: Any
    """A module with the interface of `socket`."""
    family: str
    """`ipv4` or `ipv6`: that of the addresses."""
    address: str
    """This host's own."""
    peer: str
    """The other host's."""
    ready: Callable[[], None]
    """Called by the server's part when the laptop's may begin."""

    @property
    def domain(self) -> int:
        """AF_INET or AF_INET6."""
        return int(self.socket.AF_INET6 if self.family == "ipv6" else self.socket.AF_INET)

    def tcp(self) -> Any:
        """A stream socket that does not block."""
        return self._fresh(self.socket.SOCK_STREAM)

    def udp(self, *where: object) -> Any:
        """A datagram socket that does not block, on an address and port if they are given."""
        made = self._fresh(self.socket.SOCK_DGRAM)
        if where:
            made.bind(where)
        return made

    def listener(self, port: int = 0, address: str | None = None) -> Any:
        """A listener that does not block."""
        made = self.tcp()
        made.bind((self.address if address is None else address, port))
        made.listen()
        return made

    async def pair(self) -> tuple[Any, Any]:
        """Both ends of a connection of this host with itself: what connected, and what was accepted."""
        loop = asyncio.get_running_loop()
        with self.listener() as listener:
            client = self.tcp()
            await loop.sock_connect(client, listener.getsockname()[:2])
            return client, (await loop.sock_accept(listener))[0]

    def _fresh(self, kind: int) -> Any:
        made = self.socket.socket(self.domain, kind)
        made.setblocking(False)
        return made


Part = Callable[[Here], Awaitable[None]]


@dataclass(slots=True)
class Promise:
    """A part on the server, and perhaps one on the laptop, which begins when the server's is ready."""

    server: Part
    laptop: Part | None = None


PROMISES: dict[str, Promise] = {}


def promise(part: Part) -> Promise:
    """What this coroutine does on the server is a promise; its name says which."""
    made = PROMISES[_words(part)] = Promise(part)
    return made


def on_laptop(part: Part) -> None:
    """The laptop's part of the promise of the same name."""
    PROMISES[_words(part)].laptop = part


def _words(part: Part) -> str:
    return part.__name__.removesuffix("_").replace("_", " ")  # type: ignore[attr-defined]


async def readable(sock: Any) -> None:
    """Return when a read of it would not wait."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sock, ready.set)
    await ready.wait()
    loop.remove_reader(sock)


async def fails(waiting: Awaitable[object]) -> str:
    """The name of the errno with which it fails; empty if it does not."""
    try:
        await waiting
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, repr(error))
    return ""


def refuses(call: Callable[..., object], *args: object) -> str:
    """The same of a call that does not wait."""
    try:
        call(*args)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, repr(error))
    return ""


@promise
async def streams_of_asyncio_carry_what_is_written_and_its_end(here: Here) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    server = await asyncio.start_server(echo, here.address, 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(b"x" * 300_000)
        writer.write_eof()
        assert await reader.read() == b"x" * 300_000
        writer.close()
        await writer.wait_closed()


@promise
async def both_ends_of_a_connection_know_both_names(here: Here) -> None:
    client, accepted = await here.pair()
    assert client.getsockname() == accepted.getpeername()
    assert client.getpeername() == accepted.getsockname()
    assert client.getsockname()[0] == here.address


@promise
async def a_port_where_nobody_listens_refuses(here: Here) -> None:
    loop = asyncio.get_running_loop()
    with here.listener() as gone:
        where = gone.getsockname()[:2]
    assert await fails(loop.sock_connect(here.tcp(), where)) == "ECONNREFUSED"


@promise
async def a_port_is_taken_until_its_listener_closes(here: Here) -> None:
    one = here.listener()
    where = one.getsockname()[:2]
    assert refuses(here.tcp().bind, where) == "EADDRINUSE"
    one.close()
    here.tcp().bind(where)


@promise
async def an_address_of_nobody_here_cannot_be_bound(here: Here) -> None:
    nobody = "2001:db8::1" if here.family == "ipv6" else "203.0.113.9"
    assert refuses(here.tcp().bind, (nobody, 0)) == "EADDRNOTAVAIL"


@promise
async def half_a_close_lets_the_other_half_live(here: Here) -> None:
    loop = asyncio.get_running_loop()
    client, accepted = await here.pair()
    await loop.sock_sendall(client, b"question")
    client.shutdown(here.socket.SHUT_WR)
    assert await loop.sock_recv(accepted, 100) == b"question"
    assert await loop.sock_recv(accepted, 100) == b""
    await loop.sock_sendall(accepted, b"answer")
    assert await loop.sock_recv(client, 100) == b"answer"


@promise
async def a_close_with_unread_data_is_a_reset(here: Here) -> None:
    loop = asyncio.get_running_loop()
    client, accepted = await here.pair()
    await loop.sock_sendall(client, b"half of it is never read")
    assert await loop.sock_recv(accepted, 12) == b"half of it i"
    accepted.close()
    assert await fails(loop.sock_recv(client, 10)) == "ECONNRESET"


@promise
async def a_sender_waits_for_a_receiver_that_does_not_read(here: Here) -> None:
    loop = asyncio.get_running_loop()
    client, accepted = await here.pair()
    data = bytes(range(256)) * (1 << 16)
    sending = asyncio.ensure_future(loop.sock_sendall(client, data))
    got = bytearray(await loop.sock_recv(accepted, 1))
    assert not sending.done()
    while len(got) < len(data):
        got += await loop.sock_recv(accepted, 1 << 20)
    await sending
    assert got == data


@promise
async def an_urgent_byte_can_be_read_before_its_turn(here: Here) -> None:
    loop = asyncio.get_running_loop()
    client, accepted = await here.pair()
    await loop.sock_sendall(client, b"before")
    client.send(b"!", here.socket.MSG_OOB)
    await loop.sock_sendall(client, b"behind")
    client.shutdown(here.socket.SHUT_WR)
    got = b""
    while len(got) < 12:
        piece = await loop.sock_recv(accepted, 100)
        if got + piece == b"before":
            await readable(accepted)  # what is behind it has come, and so has it
            assert accepted.recv(9, here.socket.MSG_OOB) == b"!"
        got += piece
    assert got == b"beforebehind"
    assert refuses(accepted.recv, 9, here.socket.MSG_OOB) == "EINVAL"


@promise
async def a_passed_connection_is_the_same_connection(here: Here) -> None:
    loop = asyncio.get_running_loop()
    client, accepted = await here.pair()
    names = accepted.getsockname(), accepted.getpeername()
    ours, theirs = here.socket.socketpair(here.socket.AF_UNIX, here.socket.SOCK_DGRAM)
    here.socket.send_fds(ours, [b"take it"], [accepted.fileno()])
    accepted.close()
    message, fds, _, _ = here.socket.recv_fds(theirs, 100, 1)
    passed = here.socket.socket(fileno=fds[0])
    passed.setblocking(False)
    assert message == b"take it"
    assert (passed.getsockname(), passed.getpeername()) == names
    await loop.sock_sendall(client, b"to whom it may concern")
    assert await loop.sock_recv(passed, 100) == b"to whom it may concern"


@promise
async def a_datagram_arrives_whole_and_says_who_sent_it(here: Here) -> None:
    loop = asyncio.get_running_loop()
    one, other = here.udp(here.address, 0), here.udp(here.address, 0)
    for data in (b"hello", b"", b"x" * 60_000):
        await loop.sock_sendto(one, data, other.getsockname())
        assert await loop.sock_recvfrom(other, 65_536) == (data, one.getsockname())


@promise
async def a_connected_datagram_socket_hears_its_peer_alone(here: Here) -> None:
    loop = asyncio.get_running_loop()
    one, friend, stranger = (here.udp(here.address, 0) for _ in range(3))
    one.connect(friend.getsockname())
    await loop.sock_sendto(stranger, b"stranger", one.getsockname())
    await loop.sock_sendto(friend, b"friend", one.getsockname())
    assert await loop.sock_recv(one, 100) == b"friend"


@promise
async def a_visitor_comes_from_its_own_address_to_a_low_port(here: Here) -> None:
    loop = asyncio.get_running_loop()
    with here.listener(80) as listener:
        here.ready()
        accepted, name = await loop.sock_accept(listener)
    assert name[0] == here.peer
    assert accepted.getsockname()[:2] == (here.address, 80)
    await loop.sock_sendall(accepted, b"welcome")
    assert await loop.sock_recv(accepted, 10) == b""


@on_laptop
async def a_visitor_comes_from_its_own_address_to_a_low_port_(here: Here) -> None:
    loop = asyncio.get_running_loop()
    with here.tcp() as client:
        await loop.sock_connect(client, (here.peer, 80))
        assert client.getsockname()[0] == here.address
        assert await loop.sock_recv(client, 100) == b"welcome"


@promise
async def each_host_has_a_loopback_of_its_own(here: Here) -> None:
    loop = asyncio.get_running_loop()
    own = "::1" if here.family == "ipv6" else "127.0.0.1"
    with here.listener(81, own), here.listener(82) as door:
        here.ready()
        assert (await loop.sock_accept(door))[1][0] == here.peer


@on_laptop
async def each_host_has_a_loopback_of_its_own_(here: Here) -> None:
    loop = asyncio.get_running_loop()
    own = "::1" if here.family == "ipv6" else "127.0.0.1"
    assert await fails(loop.sock_connect(here.tcp(), (own, 81))) == "ECONNREFUSED"
    assert await fails(loop.sock_connect(here.tcp(), (here.peer, 81))) == "ECONNREFUSED"
    await loop.sock_connect(here.tcp(), (here.peer, 82))


@promise
async def datagrams_go_from_host_to_host_and_back(here: Here) -> None:
    loop = asyncio.get_running_loop()
    own = here.udp(here.address, 83)
    here.ready()
    data, name = await loop.sock_recvfrom(own, 100)
    assert (data, name[0]) == (b"ping", here.peer)
    await loop.sock_sendto(own, b"pong", name)


@on_laptop
async def datagrams_go_from_host_to_host_and_back_(here: Here) -> None:
    loop = asyncio.get_running_loop()
    own = here.udp(here.address, 0)
    await loop.sock_sendto(own, b"ping", (here.peer, 83))
    data, name = await loop.sock_recvfrom(own, 100)
    assert (data, name[:2]) == (b"pong", (here.peer, 83))


@promise
async def a_broadcast_reaches_the_other_host(here: Here) -> None:
    if here.family == "ipv6":
        here.ready()
        return  # there are no broadcasts
    loop = asyncio.get_running_loop()
    everywhere, exact = here.udp("", 84), here.udp(here.address, 85)
    here.ready()
    data, name = await loop.sock_recvfrom(everywhere, 100)
    assert (data, name[0]) == (b"who?", here.peer)
    assert await loop.sock_recv(exact, 100) == b"only you"


@on_laptop
async def a_broadcast_reaches_the_other_host_(here: Here) -> None:
    if here.family == "ipv6":
        return
    loop = asyncio.get_running_loop()
    own, everybody = here.udp(), here.peer.rpartition(".")[0] + ".255"
    assert await fails(loop.sock_sendto(own, b"unasked", (everybody, 84))) == "EACCES"
    own.setsockopt(here.socket.SOL_SOCKET, here.socket.SO_BROADCAST, 1)
    for port in (84, 85):  # who is bound to one address hears none
        await loop.sock_sendto(own, b"who?", (everybody, port))
    await loop.sock_sendto(own, b"only you", (here.peer, 85))


def group(here: Here) -> tuple[str, int, int, int, bytes]:
    """A group, the level and names of the options to join it and to send to it, and this host's interface there."""
    socket = here.socket
    if here.family == "ipv6":
        index = struct.pack("i", socket.if_nametoindex("eth0"))
        return "ff02::fb", socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.IPV6_MULTICAST_IF, index
    own = socket.inet_aton(here.address)
    return "224.0.0.251", socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.IP_MULTICAST_IF, own


@promise
async def a_group_has_its_members(here: Here) -> None:
    address, level, join, _, own = group(here)
    member = here.udp("", 86)
    joined = here.socket.inet_pton(here.domain, address) + own
    member.setsockopt(level, join, joined)
    assert refuses(member.setsockopt, level, join, joined) == "EADDRINUSE"
    here.ready()
    data, name = await asyncio.get_running_loop().sock_recvfrom(member, 100)
    assert (data, name[0].partition("%")[0]) == (b"all of you", here.peer)


@on_laptop
async def a_group_has_its_members_(here: Here) -> None:
    address, level, _, send_by, own = group(here)
    sender = here.udp(here.address, 0)
    sender.setsockopt(level, send_by, own)
    await asyncio.get_running_loop().sock_sendto(sender, b"all of you", (address, 86))


@promise
async def what_is_on_no_network_of_ours_is_unreachable_at_once(here: Here) -> None:
    loop = asyncio.get_running_loop()
    nowhere = "2001:db8::1" if here.family == "ipv6" else "192.0.2.1"
    assert await fails(loop.sock_connect(here.tcp(), (nowhere, 80))) == "ENETUNREACH"
    assert refuses(here.udp().connect, (nowhere, 80)) == "ENETUNREACH"


def main(host: str, words: str, family: str, server: str, laptop: str) -> None:
    """Keep a host's part of a promise; AssertionError or OSError where it is broken."""
    import socket

    kept = PROMISES[words]
    own, peer = (server, laptop) if host == "server" else (laptop, server)
    part = kept.server if host == "server" else kept.laptop
    assert part is not None
    here = Here(socket, family, own, peer, lambda: print("ready", flush=True))

    async def within() -> None:
        await asyncio.wait_for(part(here), 20)

    asyncio.run(within())


if __name__ == "__main__":
    main(*sys.argv[1:])
