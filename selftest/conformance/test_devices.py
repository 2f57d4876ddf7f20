"""SO_BINDTODEVICE (socket(7)): a socket that is bound to an interface sends by it alone, and hears by it alone.

IP_UNICAST_IF and IPV6_UNICAST_IF (ip(7), ipv6(7)): its datagrams leave by it, and it hears all the same.
"""

from __future__ import annotations

import sys

import pytest

from selftest.conformance.backends import Backend

PRELUDE = """
import errno, os, select, sys
from socket import *
ETH0, WLAN0, PORT, IFINDEX = ("10.0.1.1", 4000), ("10.0.2.1", 4000), 4000, 62
def failure(call, *args):
    try: call(*args)
    except TimeoutError: return "timed out"
    except OSError as e: return errno.errorcode[e.errno]
def bound(device, kind=SOCK_STREAM, where=None, listen=False, family=AF_INET):
    s = socket(family, kind); s.settimeout(10)
    if device: s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, device.encode())
    if listen: s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)  # what ran before may be in TIME_WAIT
    if where: s.bind(where)
    if listen: s.listen()
    return s
def device(s): return s.getsockopt(SOL_SOCKET, SO_BINDTODEVICE, 16).rstrip(b"\\0").decode()
def may_change(): return int(open("/proc/self/status").read().split("CapEff:")[1].split()[0], 16) >> 13 & 1
LEVELS = {AF_INET: (IPPROTO_IP, 50), AF_INET6: (IPPROTO_IPV6, 76)}
def leave_by(s, index, family=AF_INET): s.setsockopt(*LEVELS[family], htonl(index))
def ready(): print("ready", flush=True)
"""

ALONE = {
    "a name that no interface has is ENODEV, and an empty one is none": """
s = socket()
assert failure(s.setsockopt, SOL_SOCKET, SO_BINDTODEVICE, b"nope") == "ENODEV" and device(s) == ""
s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b"")
s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b"wlan0\\0")
assert device(s) == "wlan0" and s.getsockopt(SOL_SOCKET, IFINDEX) == if_nametoindex("wlan0")
assert failure(s.getsockopt, SOL_SOCKET, SO_BINDTODEVICE, 8) == "EINVAL"
""",
    "anybody may bind a socket to an interface, and who has CAP_NET_RAW may bind it to another": """
s = bound("eth0")
for value in (b"wlan0", b"eth0", b""):
    got = failure(s.setsockopt, SOL_SOCKET, SO_BINDTODEVICE, value)
    assert got == (None if may_change() else "EPERM"), got
    assert device(s) == (value.decode() if may_change() else "eth0")
""",
    "an interface may be named by its number": """
s = socket()
assert failure(s.setsockopt, SOL_SOCKET, IFINDEX, -1) == "EINVAL"
s.setsockopt(SOL_SOCKET, IFINDEX, if_nametoindex("eth0"))
assert device(s) == "eth0"
""",
    "listeners on one port coexist if they are bound to different interfaces": """
one, two = bound("eth0", where=("", PORT), listen=True), bound("wlan0", where=("", PORT), listen=True)
assert failure(socket().bind, ("", PORT)) == "EADDRINUSE" == failure(socket().bind, ETH0)
assert failure(bound("eth0").bind, ("", PORT)) == "EADDRINUSE" == failure(bound("eth0").bind, ETH0)
bound("lo").bind(("", PORT))
any = bound(None, where=("", PORT + 1))
assert failure(bound("eth0").bind, ("", PORT + 1)) == "EADDRINUSE"
""",
    "datagram sockets likewise": """
one, two = bound("eth0", SOCK_DGRAM, ("", PORT)), bound("wlan0", SOCK_DGRAM, ("", PORT))
assert failure(bound(None, SOCK_DGRAM).bind, ("", PORT)) == "EADDRINUSE"
assert failure(bound("wlan0", SOCK_DGRAM).bind, WLAN0) == "EADDRINUSE"
""",
    "the host reaches its own address by that address's interface": """
eth0 = bound("eth0", where=("", PORT), listen=True)
c = create_connection(ETH0); s, _ = eth0.accept()
assert device(s) == "eth0" and device(c) == ""
assert failure(create_connection, WLAN0) == "ECONNREFUSED" == failure(create_connection, ("127.0.0.1", PORT))
lo = bound("lo", where=("", PORT), listen=True)
create_connection(("127.0.0.1", PORT)); lo.accept()
bound("eth0").connect(ETH0); eth0.accept()
""",
    "a port that was bound before the socket was bound to an interface is that interface's alone": """
late = bound(None, where=("", PORT)); late.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
late.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b"eth0")
assert late.getsockname() == ("0.0.0.0", PORT) and device(late) == "eth0"
late.listen()
bound("wlan0", where=("", PORT), listen=True)
c = create_connection(ETH0); s, peer = late.accept()
assert peer == c.getsockname() and device(s) == "eth0"
assert failure(create_connection, ("127.0.0.1", PORT)) == "ECONNREFUSED"
""",
    "the interface by which datagrams leave is named by its number in network byte order": """
for family, (level, name) in LEVELS.items():
    s = socket(family, SOCK_DGRAM)
    assert s.getsockopt(level, name) == 0
    assert failure(leave_by, s, 99, family) == "EADDRNOTAVAIL"
    leave_by(s, if_nametoindex("wlan0"), family)
    assert ntohl(s.getsockopt(level, name)) == if_nametoindex("wlan0")
    assert failure(s.setsockopt, level, name, b"\\0" * 5) == "EINVAL"
    leave_by(s, 0, family)
    assert s.getsockopt(level, name) == 0
    assert failure(leave_by, bound("eth0", SOCK_DGRAM, family=family), if_nametoindex("eth0"), family) == "EINVAL"
""",
    "IPv6 takes no address to be on a link that has no route to it": """
assert failure(bound("wlan0", family=AF_INET6).connect, ("fd00:1::2", PORT)) == "ENETUNREACH"
assert failure(bound("wlan0", SOCK_DGRAM, family=AF_INET6).sendto, b"x", ("fd00:1::2", PORT)) == "ENETUNREACH"
s = socket(AF_INET6, SOCK_DGRAM); leave_by(s, if_nametoindex("wlan0"), AF_INET6)
assert failure(s.sendto, b"x", ("fd00:1::2", PORT)) == "ENETUNREACH"
""",
}

BETWEEN = {
    "a connection leaves by the interface, and comes from its address": (
        """
l = bound(None, where=("", PORT), listen=True); ready()
for to, sender in ((WLAN0, "10.0.2.2"), (ETH0, "10.0.1.2"), (ETH0, "10.0.2.2")):
    s, peer = l.accept()
    assert peer[0] == sender and s.getsockname() == to, (peer, s.getsockname())
    s.send(b"!")
""",
        """
for device_, to, sender in (("wlan0", WLAN0, "10.0.2.2"), ("eth0", ETH0, "10.0.1.2"), ("wlan0", ETH0, "10.0.2.2")):
    c = bound(device_); c.connect(to)
    assert c.getsockname()[0] == sender and c.getpeername() == to and c.recv(1) == b"!"
""",
    ),
    "a datagram likewise, connected or not": (
        """
r = bound(None, SOCK_DGRAM, ("", PORT)); ready()
for _ in range(4):
    data, peer = r.recvfrom(99)
    assert data.decode() == peer[0], (data, peer)
    r.sendto(b"!", peer)
""",
        """
for device_, to, sender in (("wlan0", ETH0, b"10.0.2.2"), ("eth0", ETH0, b"10.0.1.2")):
    s = bound(device_, SOCK_DGRAM); s.sendto(sender, to)
    assert s.recvfrom(9) == (b"!", (sender.replace(b"2.2", b"2.1").replace(b"1.2", b"1.1").decode(), PORT)), to
    c = bound(device_, SOCK_DGRAM); c.connect(("10.0.2.1" if device_ == "wlan0" else "10.0.1.1", PORT))
    assert c.getsockname()[0] == sender.decode()
    c.send(sender); assert c.recv(9) == b"!"
""",
    ),
    "a datagram leaves by the interface that was named for that, connected or not, and the answer is heard": (
        """
r = bound(None, SOCK_DGRAM, ("", PORT)); ready()
for _ in range(5):
    data, peer = r.recvfrom(99)
    assert data.decode() == peer[0], (data, peer)
    r.sendto(b"!", peer)
""",
        """
for name, to, sender in (("wlan0", ETH0, "10.0.2.2"), ("eth0", ETH0, "10.0.1.2")):
    s = socket(AF_INET, SOCK_DGRAM); s.settimeout(10); leave_by(s, if_nametoindex(name))
    s.sendto(sender.encode(), to)
    assert s.recv(9) == b"!" and s.getsockname()[0] == "0.0.0.0"
    leave_by(s, 0); s.sendto(b"10.0.1.2", to); assert s.recv(9) == b"!"
c = socket(AF_INET, SOCK_DGRAM); c.settimeout(10); leave_by(c, if_nametoindex("wlan0"))
c.connect(WLAN0)
assert c.getsockname()[0] == "10.0.2.2"
c.send(b"10.0.2.2"); assert c.recv(9) == b"!"
c = socket(AF_INET, SOCK_DGRAM); leave_by(c, if_nametoindex("wlan0")); c.connect(ETH0)
assert c.getsockname()[0] == "10.0.2.2"
""",
    ),
    "a stream does not heed it": (
        """
l = bound(None, where=("", PORT), listen=True); ready()
s, peer = l.accept(); assert peer[0] == "10.0.1.2", peer
""",
        """
c = socket(); leave_by(c, if_nametoindex("wlan0")); c.connect(ETH0)
assert c.getsockname()[0] == "10.0.1.2"
""",
    ),
    "a listener hears what comes by its interface, and the port is closed on the others": (
        """
l = bound("wlan0", where=("", PORT), listen=True); ready()
s, _ = l.accept()
assert device(s) == "wlan0" and s.getsockname() == WLAN0
s, _ = l.accept()
assert s.getsockname() == ETH0
""",
        """
assert failure(create_connection, ETH0) == "ECONNREFUSED"
create_connection(WLAN0).close()
bound("wlan0").connect(ETH0)
""",
    ),
    "of two listeners on one port each gets what comes by its interface": (
        """
one, two = bound("eth0", where=("", PORT), listen=True), bound("wlan0", where=("", PORT), listen=True); ready()
for l, to in ((one, ETH0), (two, WLAN0), (one, ETH0)):
    s, _ = l.accept(); assert s.getsockname() == to
""",
        """
for to in (ETH0, WLAN0, ETH0): create_connection(to).close()
""",
    ),
    "a datagram socket that is bound to an interface beats one that is not, and neither hears what is not for it": (
        """
one, two = bound("eth0", SOCK_DGRAM, ("", PORT)), bound("wlan0", SOCK_DGRAM, ("", PORT)); ready()
assert two.recv(9) == b"wlan0" and one.recv(9) == b"eth0"
one.close()
two.sendto(b"closed", ("10.0.2.2", PORT))
assert two.recv(9) == b"last"
""",
        """
s = bound(None, SOCK_DGRAM, ("", PORT))
s.sendto(b"wlan0", WLAN0); s.sendto(b"eth0", ETH0)
assert s.recv(9) == b"closed"
s.sendto(b"lost", ETH0); s.sendto(b"last", WLAN0)
""",
    ),
    "a socket may be bound to an interface after its address, if it is a datagram's": (
        """
r = bound(None, SOCK_DGRAM, ("", PORT)); r.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b"wlan0"); ready()
assert r.recv(9) == b"last"
""",
        """
s = bound(None, SOCK_DGRAM)
s.sendto(b"lost", ETH0); s.sendto(b"last", WLAN0)
""",
    ),
}


@pytest.fixture(autouse=True)
def _interfaces(backend: Backend) -> None:
    if not backend.two_hosts:
        pytest.skip("the machine's loopback has no second interface: needs network namespaces")


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
