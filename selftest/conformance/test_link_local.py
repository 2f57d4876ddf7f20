"""Link-local addresses (ipv6(7)): each is one of a link, and a scope says of which."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from ipaddress import ip_interface

import pytest

from selftest.conformance.backends import LOCAL_BACKENDS, Backend
from selftest.support.network import TOPOLOGY
from swrap.topology import Host, Interface, Topology

# The same addresses on both links: only the scope tells them apart.
TOPOLOGY_LOCAL = Topology(
    tuple(
        Host(
            host.name,
            tuple(
                Interface(one.name, (*one.addresses, ip_interface(f"fe80::{number}/64")))
                for one in host.interfaces
            ),
        )
        for number, host in enumerate(TOPOLOGY.hosts, start=1)
    )
)

PRELUDE = """
import errno, struct, sys
from socket import *
PORT = 4100
ETH0, WLAN0 = if_nametoindex("eth0"), if_nametoindex("wlan0")
def failure(call, *args):
    try: call(*args)
    except OSError as e: return errno.errorcode[e.errno]
def made(kind=SOCK_STREAM, where=None, device=None):
    s = socket(AF_INET6, kind); s.settimeout(10)
    s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    if device: s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, device)
    if where: s.bind(where)
    if where and kind == SOCK_STREAM: s.listen()
    return s
def ready(): print("ready", flush=True)
"""

ALONE = {
    "bind and connect need a scope, or an interface": """
for kind in (SOCK_STREAM, SOCK_DGRAM):
    s = socket(AF_INET6, kind)
    assert failure(s.bind, ("fe80::1", 0)) == "EINVAL" == failure(s.connect, ("fe80::2", PORT)), kind
    s = socket(AF_INET6, kind); s.bind(("fe80::1", 0, 0, WLAN0))
    assert s.getsockname()[0].split("%")[0] == "fe80::1" and s.getsockname()[3] == WLAN0
    made(kind, device=b"eth0").bind(("fe80::1", 0))
    assert failure(socket(AF_INET6, kind).bind, ("fe80::7", 0, 0, ETH0)) == "EADDRNOTAVAIL"
""",
    "names and numbers say the same": """
(found,) = getaddrinfo("fe80::1%eth0", 445, type=SOCK_STREAM)
assert found[4][0].split("%")[0] == "fe80::1" and found[4][1:] == (445, 0, ETH0), found
assert getaddrinfo(f"fe80::1%{WLAN0}", 445, type=SOCK_STREAM)[0][4][3] == WLAN0
assert getnameinfo(("fe80::9", 445, 0, WLAN0), NI_NUMERICHOST | NI_NUMERICSERV) == ("fe80::9%wlan0", "445")
""",
    "its interfaces are told with their scopes": """
import ctypes
class sockaddr_in6(ctypes.Structure): _fields_ = [("family", ctypes.c_uint16), ("port", ctypes.c_uint16), ("flow", ctypes.c_uint32), ("ip", ctypes.c_ubyte * 16), ("scope", ctypes.c_uint32)]
class ifaddrs(ctypes.Structure): pass
ifaddrs._fields_ = [("next", ctypes.POINTER(ifaddrs)), ("name", ctypes.c_char_p), ("flags", ctypes.c_uint), ("addr", ctypes.POINTER(sockaddr_in6)), ("mask", ctypes.POINTER(sockaddr_in6))]
first = ctypes.POINTER(ifaddrs)(); libc = ctypes.CDLL(None)
assert libc.getifaddrs(ctypes.byref(first)) == 0
found, one = [], first
while one:
    at = one.contents
    if at.addr and at.addr.contents.family == AF_INET6 and bytes(at.addr.contents.ip[:2]) == b"\\xfe\\x80":
        found.append((at.name, inet_ntop(AF_INET6, bytes(at.addr.contents.ip)), at.addr.contents.scope, bytes(at.mask.contents.ip)))
    one = at.next
libc.freeifaddrs(first)
assert sorted(found) == [(b"eth0", "fe80::1", ETH0, b"\\xff" * 8 + bytes(8)), (b"wlan0", "fe80::1", WLAN0, b"\\xff" * 8 + bytes(8))], found
""",
    "one address on two links is two": """
one, two = made(where=("fe80::1", PORT, 0, ETH0)), made(where=("fe80::1", PORT, 0, WLAN0))
c = made(); c.connect(("fe80::1", PORT, 0, WLAN0)); s, peer = two.accept()
assert peer[3] == s.getsockname()[3] == c.getpeername()[3] == WLAN0
one.close()
assert failure(made().connect, ("fe80::1", PORT, 0, ETH0)) == "ECONNREFUSED"
""",
}

BETWEEN = {
    "IPV6_PKTINFO tells the link, and chooses it": (
        """
r = made(SOCK_DGRAM, ("::", PORT)); r.setsockopt(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1); ready()
for link in (WLAN0, ETH0):
    data, ((level, kind, info),), _, peer = r.recvmsg(9, 99)
    assert (level, kind, info[:16], struct.unpack("i", info[16:])[0]) == (IPPROTO_IPV6, IPV6_PKTINFO, inet_pton(AF_INET6, "fe80::1"), link)
    assert peer[3] == link
    r.sendmsg([data], [(IPPROTO_IPV6, IPV6_PKTINFO, info)], 0, peer)
""",
        """
for link in (WLAN0, ETH0):
    s = made(SOCK_DGRAM)
    info = inet_pton(AF_INET6, "fe80::2") + struct.pack("i", link)
    s.sendmsg([b"!"], [(IPPROTO_IPV6, IPV6_PKTINFO, info)], 0, ("fe80::1", PORT, 0, link))
    data, peer = s.recvfrom(9)
    assert (data, peer[0].split("%")[0], peer[3]) == (b"!", "fe80::1", link)
    wrong = inet_pton(AF_INET6, "fe80::7") + struct.pack("i", link)
    assert failure(s.sendmsg, [b"!"], [(IPPROTO_IPV6, IPV6_PKTINFO, wrong)], 0, ("fe80::1", PORT, 0, link)) == "EINVAL"
""",
    ),
    "a datagram without a scope leaves by the first link": (
        """
r = made(SOCK_DGRAM, ("::", PORT)); ready()
assert r.recvfrom(9)[1][3] == ETH0
""",
        """
made(SOCK_DGRAM).sendto(b"?", ("fe80::1", PORT))
""",
    ),
    "the link for datagrams may be named apart from their address": (
        """
r = made(SOCK_DGRAM, ("::", PORT)); ready()
for link in (WLAN0, ETH0): assert r.recvfrom(9)[1][3] == link
""",
        """
for link in (WLAN0, ETH0):
    s = made(SOCK_DGRAM); s.setsockopt(IPPROTO_IPV6, 76, htonl(link)); s.sendto(b"?", ("fe80::1", PORT))
""",
    ),
    "a connection is made on the link of its scope, and both ends say which": (
        """
l = made(where=("::", PORT)); ready()
for link in (WLAN0, ETH0):
    s, peer = l.accept()
    assert (peer[0].split("%")[0], peer[3]) == ("fe80::2", link) == (s.getpeername()[0].split("%")[0], s.getpeername()[3])
    assert s.getsockname()[3] == link and s.getsockname()[0].startswith("fe80::1")
""",
        """
for link in (WLAN0, ETH0):
    c = made(); c.connect(("fe80::1", PORT, 0, link))
    assert c.getpeername()[3] == link == c.getsockname()[3] and c.getsockname()[0].startswith("fe80::2")
""",
    ),
    "a datagram likewise": (
        """
r = made(SOCK_DGRAM, ("::", PORT)); ready()
for link in (WLAN0, ETH0, WLAN0):
    data, peer = r.recvfrom(9)
    assert (peer[0].split("%")[0], peer[3]) == ("fe80::2", link), peer
    r.sendto(data, peer)
""",
        """
for link in (WLAN0, ETH0):
    s = made(SOCK_DGRAM); s.sendto(b"?", ("fe80::1", PORT, 0, link))
    data, peer = s.recvfrom(9)
    assert (peer[0].split("%")[0], peer[1], peer[3]) == ("fe80::1", PORT, link), (peer, link)
c = made(SOCK_DGRAM); c.connect(("fe80::1", PORT, 0, WLAN0)); c.send(b"!")
assert c.recv(9) == b"!"
assert c.getsockname()[3] == WLAN0 == c.getpeername()[3], (c.getsockname(), c.getpeername())
""",
    ),
}


@pytest.fixture(scope="module", params=LOCAL_BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Each back end in turn, with link-local addresses."""
    with LOCAL_BACKENDS[request.param](tmp_path_factory.mktemp("net") / "lab", TOPOLOGY_LOCAL) as running:
        if not running.two_hosts:
            pytest.skip("the machine's loopback has no link-local addresses: needs network namespaces")
        yield running


@pytest.mark.parametrize("promise", ALONE)
def test_a_promise(backend: Backend, promise: str) -> None:
    backend.python("server", PRELUDE + ALONE[promise])


@pytest.mark.parametrize("promise", BETWEEN)
def test_a_promise_between_hosts(backend: Backend, promise: str) -> None:
    there, here = BETWEEN[promise]
    with backend.start("server", [sys.executable, "-c", PRELUDE + there]) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n", server.stderr and server.stderr.read()
        try:
            backend.python("laptop", PRELUDE + here)
            _, complaint = server.communicate(timeout=20)
        finally:
            server.kill()
    assert server.returncode == 0, complaint
