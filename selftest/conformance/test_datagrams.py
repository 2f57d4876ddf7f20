"""UDP as programs expect it: what arrives, from whom, what is cut, lost or refused, and with which errno."""

from __future__ import annotations

import pytest

from selftest.conformance.backends import Backend

PRELUDE = """
import array, errno, fcntl, os, select, signal, struct, sys, tempfile, termios, time
from socket import *
A = {address!r}
FAMILY = AF_INET6 if ":" in A else AF_INET
def failure(call, *args):
    try: call(*args)
    except TimeoutError: return "timed out"
    except OSError as e: return errno.errorcode[e.errno]
def udp(*where, family=FAMILY, **options):
    s = socket(family, SOCK_DGRAM); s.settimeout(10)
    for name, value in options.items(): s.setsockopt(SOL_SOCKET, globals()[name], value)
    if where: s.bind(where)
    return s
def pair():
    a, b = udp(A, 0), udp(A, 0)
    return a, b, a.getsockname(), b.getsockname()
def empty(s):
    s.setblocking(False)
    try: return failure(s.recv, 9999) == "EAGAIN"
    finally: s.settimeout(10)
def drain(s):
    s.setblocking(False); got = []
    try:
        while True: got.append(s.recv(9999))
    except BlockingIOError: return got
def settle(s):
    "What this socket has sent has arrived, or is lost, when what it sends after that has arrived."
    last = udp(A, 0); s.sendto(b"last", last.getsockname()); assert last.recv(9) == b"last"
def put(s, data, to, *control, flags=0): return s.sendmsg([data], control, flags, to)
IP, V6 = IPPROTO_IP, IPPROTO_IPV6
LINK = 1 if A in ("127.0.0.1", "::1") else if_nametoindex("eth0")
IP_PKTINFO = 8; IP_RECVTTL = 12; IP_RECVTOS = 13; MC_ALL = 49
"""

PROMISES = {
    "a datagram arrives whole, and says who sent it": """
a, b, at_a, at_b = pair()
assert a.sendto(b"hello", at_b) == 5
assert b.recvfrom(100) == (b"hello", at_a)
""",
    "a socket that sends is bound: to an ephemeral port, on all addresses": """
a, b = udp(A, 0), udp()
assert b.getsockname()[1] == 0
b.sendto(b"x", a.getsockname())
assert b.getsockname()[0] in ("0.0.0.0", "::") and 32768 <= b.getsockname()[1] < 61000
assert a.recvfrom(1)[1][:2] == (A, b.getsockname()[1])
assert failure(b.bind, (A, 0)) == "EINVAL"
""",
    "an empty datagram is a datagram": """
a, b, at_a, at_b = pair()
a.sendto(b"", at_b); a.sendto(b"more", at_b)
assert b.recvfrom(10) == (b"", at_a) and b.recv(10) == b"more"
""",
    "64 KiB go through, and not a byte more": """
a, b, _, at_b = pair()
most = 65507 if FAMILY == AF_INET else 65527
data = os.urandom(most)
assert a.sendto(data, at_b) == most and b.recv(1 << 17) == data
assert failure(a.sendto, data + b"!", at_b) == "EMSGSIZE"
""",
    "what does not fit is cut, and MSG_TRUNC tells how long it was": """
a, b, _, at_b = pair()
for _ in range(3): a.sendto(b"0123456789", at_b)
data, _, flags, _ = b.recvmsg(4)
assert (data, flags & MSG_TRUNC) == (b"0123", MSG_TRUNC)
assert b.recv(4) == b"0123"
buffer = bytearray(4)
assert b.recv_into(buffer, 4, MSG_TRUNC) == 10 and buffer == b"0123"
""",
    "MSG_PEEK leaves it there": """
a, b, at_a, at_b = pair()
a.sendto(b"once", at_b)
assert b.recvfrom(2, MSG_PEEK) == (b"on", at_a)
assert b.recvfrom(9) == (b"once", at_a)
assert empty(b)
""",
    "one that does not wait, and one that waits no longer": """
a, b, _, at_b = pair()
assert empty(b)
b.settimeout(None); assert failure(b.recv, 1, MSG_DONTWAIT) == "EAGAIN"
b.setsockopt(SOL_SOCKET, SO_RCVTIMEO, struct.pack("ll", 0, 20000))
assert failure(b.recv, 1) == "EAGAIN"
assert empty(udp())
""",
    "read, write, readv and writev": """
a, b, _, at_b = pair()
a.connect(at_b); b.settimeout(None); a.settimeout(None)
assert os.write(a.fileno(), b"one") == 3 and os.read(b.fileno(), 100) == b"one"
assert os.writev(a.fileno(), [b"tw", b"", b"o"]) == 3
parts = [bytearray(1), bytearray(100)]
assert os.readv(b.fileno(), parts) == 3 and bytes(parts[0]) + bytes(parts[1][:2]) == b"two"
""",
    "many at once": """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
class iovec(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
class mmsghdr(ctypes.Structure): _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint), ("iov", ctypes.POINTER(iovec)), ("iovlen", ctypes.c_size_t), ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t), ("flags", ctypes.c_int), ("pad", ctypes.c_int), ("n", ctypes.c_uint)]
def messages(texts):
    buffers = [ctypes.create_string_buffer(t, 100) for t in texts]
    vectors = [iovec(ctypes.addressof(b), len(t)) for b, t in zip(buffers, texts)]
    return buffers, vectors, (mmsghdr * len(texts))(*(mmsghdr(iov=ctypes.pointer(v), iovlen=1) for v in vectors))
a, b, _, at_b = pair(); a.connect(at_b); a.settimeout(None)
kept = messages([b"one", b"", b"three"])
assert libc.sendmmsg(a.fileno(), kept[2], 3, 0) == 3 and [m.n for m in kept[2]] == [3, 0, 5]
settle(a)
buffers, kept2, got = messages([b" " * 100] * 5)
assert libc.recvmmsg(b.fileno(), got, 5, MSG_DONTWAIT, None) == 3, ctypes.get_errno()
assert [buffers[i].raw[:got[i].n] for i in range(3)] == [b"one", b"", b"three"]
assert libc.recvmmsg(b.fileno(), got, 5, MSG_DONTWAIT, None) == -1 and ctypes.get_errno() == errno.EAGAIN
""",
    "FIONREAD is the length of the next one": """
a, b, _, at_b = pair()
def next_one(): return struct.unpack("i", fcntl.ioctl(b, termios.FIONREAD, b"...."))[0]
assert next_one() == 0
a.sendto(b"x" * 100, at_b); a.sendto(b"y", at_b)
settle(a)
assert next_one() == 100
b.recv(100); assert next_one() == 1
""",
    "poll and select know when there is one": """
a, b, _, at_b = pair()
p = select.poll(); p.register(b, select.POLLIN | select.POLLOUT)
assert p.poll(0) == [(b.fileno(), select.POLLOUT)]
a.sendto(b"", at_b)
p.modify(b, select.POLLIN)
assert p.poll(10000) == [(b.fileno(), select.POLLIN)]
b.recv(1); assert p.poll(0) == []
""",
    "a connected socket hears its peer alone, until it is disconnected": """
a, b, at_a, at_b = pair(); c = udp(A, 0)
a.close(); a = udp(*at_a[:2]) # a port that nobody asked for would be lost with the peer
a.connect(at_b)
assert a.getpeername() == at_b and a.getsockname() == at_a
c.sendto(b"stranger", at_a)
b.sendto(b"friend", at_a)
assert a.recv(100) == b"friend"
a.send(b"to the peer"); assert b.recvfrom(100) == (b"to the peer", at_a)
import ctypes
assert ctypes.CDLL(None).connect(a.fileno(), struct.pack("H14x", AF_UNSPEC), 16) == 0
assert failure(a.getpeername) == "ENOTCONN" and failure(a.send, b"x") == "EDESTADDRREQ"
c.sendto(b"welcome", at_a)
assert a.recv(100) == b"welcome"
""",
    "a connected socket may be connected to another": """
a, b, at_a, at_b = pair(); c = udp(A, 0)
a.connect(at_b); a.connect(c.getsockname())
a.send(b"x"); assert c.recvfrom(9) == (b"x", at_a) and a.getpeername() == c.getsockname()
a.sendto(b"named", at_b); assert b.recv(9) == b"named"
""",
    "an unbound socket that connects knows its address": """
a, b = udp(A, 0), udp()
b.connect(a.getsockname())
assert b.getsockname()[0] == A
b.send(b"x"); assert a.recvfrom(1)[1] == b.getsockname()
""",
    "errors that are told at once": """
a, b, at_a, at_b = pair()
assert failure(a.send, b"x") == "EDESTADDRREQ"
assert failure(a.sendto, b"x", (A, 0)) == "EINVAL"
assert failure(a.getpeername) == "ENOTCONN"
a.settimeout(None)
assert failure(a.listen) == failure(a.accept) == "ENOTSUP"
assert failure(udp().bind, at_a) == "EADDRINUSE"
assert failure(udp().bind, ("203.0.113.9" if FAMILY == AF_INET else "2001:db8::1", 0)) == "EADDRNOTAVAIL"
assert failure(a.send, b"x", MSG_OOB) in ("ENOTSUP", "EDESTADDRREQ")
""",
    "a wildcard and an address of the host do not go together": """
one = udp("", 0); port = one.getsockname()[1]
assert failure(udp().bind, (A, port)) == "EADDRINUSE"
one.close()
one = udp(A, port)
assert failure(udp().bind, ("", port)) == "EADDRINUSE"
""",
    "a wildcard socket gets what any of the host's addresses is sent": """
one = udp("", 0); port = one.getsockname()[1]
for to in (A, "127.0.0.1" if FAMILY == AF_INET else "::1"):
    udp().sendto(to.encode(), (to, port))
    assert one.recv(99) == to.encode()
assert one.getsockname()[0] in ("0.0.0.0", "::")
""",
    "SO_DOMAIN, SO_TYPE and SO_PROTOCOL are UDP's": """
s = udp()
assert [s.getsockopt(SOL_SOCKET, o) for o in (39, SO_TYPE, 38, SO_ERROR, SO_ACCEPTCONN)] == [FAMILY, SOCK_DGRAM, 17, 0, 0]
assert socket(fileno=s.detach()).type == SOCK_DGRAM
""",
    "a receiver that does not read loses what is too much, and stops nobody": """
a, b, _, at_b = pair()
a.settimeout(None)
for n in range(5000): assert a.sendto(b"%04d" % n + b"x" * 996, at_b) == 1000
settle(a); seen = drain(b)
assert 0 < len(seen) < 5000 and [m[:4] for m in seen] == [b"%04d" % n for n in range(len(seen))]
""",
    "through fork, exec and SCM_RIGHTS it is the same socket": """
a, b, at_a, at_b = pair()
here, there = socketpair(AF_UNIX, SOCK_DGRAM)
if os.fork() == 0:
    send_fds(here, [b"take it"], [b.fileno()])
    a.sendto(b"from the child", at_b)
    os._exit(0)
_, fds, _, _ = recv_fds(there, 100, 1)
b.close(); assert os.wait()[1] == 0
passed = socket(fileno=fds[0]); passed.settimeout(10)
assert passed.getsockname() == at_b and passed.recvfrom(100) == (b"from the child", at_a)
high = fcntl.fcntl(fds[0], fcntl.F_DUPFD, 200) # far from all others
code = "import sys; from socket import *; s = socket(fileno=int(sys.argv[1])); assert s.type == SOCK_DGRAM; s.sendto(s.recv(9)[::-1], eval(sys.argv[2]))"
a.sendto(b"abc", at_b)
assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code, str(high), repr(at_a)]) == 0
assert a.recvfrom(9) == (b"cba", at_b)
""",
    "an IPv6 socket on all addresses hears IPv4 too, unless it is told not to": """
both = udp("::", 0, family=AF_INET6); port = both.getsockname()[1]
v4 = udp("127.0.0.1", 0, family=AF_INET)
v4.sendto(b"four", ("127.0.0.1", port))
data, sender = both.recvfrom(9)
assert (data, sender[0]) == (b"four", "::ffff:127.0.0.1")
both.sendto(b"back", sender); assert v4.recvfrom(9) == (b"back", ("127.0.0.1", port))
udp(family=AF_INET6).sendto(b"six", ("::1", port)); assert both.recv(9) == b"six"
only = socket(AF_INET6, SOCK_DGRAM); only.setsockopt(V6, IPV6_V6ONLY, 1)
assert failure(only.sendto, b"x", ("::ffff:127.0.0.1", port)) == "ENETUNREACH"
""",
    "ancillary data tells where it came in, its ttl and tos": """
a, b, at_a, at_b = pair()
if FAMILY == AF_INET:
    for o in (IP_PKTINFO, IP_RECVTTL, IP_RECVTOS): b.setsockopt(IP, o, 1)
    put(a, b"x", at_b, (IP, IP_TTL, struct.pack("i", 7)), (IP, IP_TOS, struct.pack("i", 0x20)))
    data, got, flags, _ = b.recvmsg(9, 200)
    got = {(level, kind): value for level, kind, value in got}
    index, own, to = struct.unpack("i4s4s", got[IP, IP_PKTINFO])
    assert (index, own, to) == (LINK, inet_aton(A), inet_aton(A))
    assert struct.unpack("i", got[IP, IP_TTL]) == (7,) and got[IP, IP_TOS] == b"\\x20"
else:
    for o in (IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS): b.setsockopt(V6, o, 1)
    put(a, b"x", at_b, (V6, IPV6_HOPLIMIT, struct.pack("i", 7)), (V6, IPV6_TCLASS, struct.pack("i", 0x20)))
    data, got, flags, _ = b.recvmsg(9, 200)
    got = {(level, kind): value for level, kind, value in got}
    assert got[V6, IPV6_PKTINFO] == inet_pton(AF_INET6, A) + struct.pack("i", LINK)
    assert struct.unpack("i", got[V6, IPV6_HOPLIMIT]) == (7,) and struct.unpack("i", got[V6, IPV6_TCLASS]) == (0x20,)
assert data == b"x" and flags == 0
""",
    "ancillary data that does not fit is cut, with MSG_CTRUNC": """
a, b, at_a, at_b = pair()
b.setsockopt(*((IP, IP_RECVTTL, 1) if FAMILY == AF_INET else (V6, IPV6_RECVHOPLIMIT, 1)))
for room, length in ((0, None), (CMSG_LEN(4) - 1, 3), (CMSG_LEN(4), 4)):
    a.sendto(b"x", at_b)
    _, got, flags, _ = b.recvmsg(1, room)
    assert flags & MSG_CTRUNC == (0 if length == 4 else MSG_CTRUNC), (room, flags)
    assert [len(value) for _, _, value in got] == ([] if length is None else [length]), (room, got)
""",
    "ancillary data that is nonsense is EINVAL": """
a, b, at_a, at_b = pair()
level, ttl = (IP, IP_TTL) if FAMILY == AF_INET else (V6, IPV6_HOPLIMIT)
assert failure(put, a, b"x", at_b, (level, ttl, struct.pack("i", 256))) == "EINVAL"
assert failure(put, a, b"x", at_b, (level, 99, b"abcd")) == "EINVAL"
put(a, b"y", at_b, (V6 if level == IP else IP, 99, b"for the other family"))
assert b.recv(9) == b"y"
if FAMILY == AF_INET:
    assert failure(put, a, b"x", at_b, (IP, IP_PKTINFO, struct.pack("i4s4s", 0, inet_aton("203.0.113.1"), bytes(4)))) == "ENETUNREACH"
""",
    "a shutdown ends reading and writing": """
a, b, _, at_b = pair()
assert failure(b.shutdown, SHUT_WR) == "ENOTCONN"
a.connect(at_b); a.shutdown(SHUT_WR)
assert failure(a.send, b"x") == "EPIPE"
c = udp(A, 0); c.connect(at_b); c.settimeout(None); c.shutdown(SHUT_RD)
assert c.recv(9) == b""
""",
    "UDP-Lite is UDP enough": """
s = socket(FAMILY, SOCK_DGRAM, 136) if not failure(socket, FAMILY, SOCK_DGRAM, 136) else None
if s:
    s.bind((A, 0)); s.settimeout(10); s.sendto(b"lite", s.getsockname())
    assert s.recv(9) == b"lite" and s.getsockopt(SOL_SOCKET, 38) == 136
""",
    "nobody listens: a connected socket is refused, once": """
gone = udp(A, 0); at = gone.getsockname(); gone.close()
a = udp(); a.connect(at)
a.send(b"x")
assert failure(a.recv, 9) == "ECONNREFUSED"
a.send(b"x")
p = select.poll(); p.register(a, select.POLLIN); p.poll(10000)
assert failure(a.send, b"x") == "ECONNREFUSED"
a.send(b"x"); p.poll(10000)
assert a.getsockopt(SOL_SOCKET, SO_ERROR) == errno.ECONNREFUSED
assert a.getsockopt(SOL_SOCKET, SO_ERROR) == 0 and empty(a)
u = udp(); u.sendto(b"x", at); settle(u)
assert empty(u)
""",
    "two that both say SO_REUSEADDR share a port, and the last one has it": """
one = udp(A, 0, SO_REUSEADDR=1); at = one.getsockname()
assert failure(udp().bind, at) == "EADDRINUSE"
two = udp(SO_REUSEADDR=1); two.bind(at)
assert two.getsockname() == at
udp().sendto(b"x", at)
assert two.recv(9) == b"x" and empty(one)
two.close()
udp().sendto(b"y", at); assert one.recv(9) == b"y"
assert failure(udp().bind, at) == "EADDRINUSE"
""",
    "the option of the first counts too": """
one = udp(A, 0)
assert failure(udp(SO_REUSEADDR=1).bind, one.getsockname()) == "EADDRINUSE"
assert failure(udp(SO_REUSEPORT=1).bind, one.getsockname()) == "EADDRINUSE"
""",
    "SO_REUSEPORT spreads senders, and each keeps to its receiver": """
group = [udp(A, 0, SO_REUSEPORT=1)]; at = group[0].getsockname()
for _ in range(7):
    group.append(udp(SO_REUSEPORT=1)); group[-1].bind(at)
seen = {}
for n in range(100):
    s = udp(A, 0)
    for _ in range(2): s.sendto(b"%d" % n, at)
while sum(map(len, seen.values())) < 200:
    ready = select.select(group, [], [], 10)[0]
    assert ready
    for g in ready: seen.setdefault(g.recv(9), []).append(group.index(g))
assert len(seen) == 100 and all(len(v) == 2 and v[0] == v[1] for v in seen.values())
assert len({v[0] for v in seen.values()}) > 3
""",
    "of several, the one that fits best": """
any_ = udp("", 0, SO_REUSEADDR=1); port = any_.getsockname()[1]
exact = udp(A, port, SO_REUSEADDR=1)
friend = udp(A, 0)
close = udp(A, port, SO_REUSEADDR=1); close.connect(friend.getsockname())
last = udp("", port, SO_REUSEADDR=1)
friend.sendto(b"friend", (A, port)); udp().sendto(b"other", (A, port))
udp().sendto(b"loop", ("127.0.0.1" if FAMILY == AF_INET else "::1", port)) if A not in ("127.0.0.1", "::1") else last.sendto(b"loop", ("127.0.0.9" if FAMILY == AF_INET else "::1", port))
assert close.recv(9) == b"friend" and exact.recv(9) == b"other"
if A != "::1": assert last.recv(9) == b"loop"
""",
    "an IPv6-only socket goes beside an IPv4 one, and a dual-stack one does not": """
four = udp("0.0.0.0", 0, family=AF_INET); port = four.getsockname()[1]
assert failure(udp(family=AF_INET6).bind, ("::", port)) == "EADDRINUSE"
six = socket(AF_INET6, SOCK_DGRAM); six.settimeout(10); six.setsockopt(V6, IPV6_V6ONLY, 1); six.bind(("::", port))
udp(family=AF_INET).sendto(b"4", ("127.0.0.1", port)); udp(family=AF_INET6).sendto(b"6", ("::1", port))
assert four.recv(9) == b"4" and six.recv(9) == b"6"
""",
    "ports come free with their sockets": """
for _ in range(20):
    one = udp(A, 0); at = one.getsockname(); one.sendto(b"unread", at); one.close()
    udp(*at[:2]).close()
""",
    "options that can be set read back, before and after a bind": """
s = udp()
options = [(IP, IP_TTL, 9), (IP, IP_TOS, 16), (IP, IP_MULTICAST_TTL, 0), (IP, MC_ALL, 0), (IP, IP_MULTICAST_LOOP, 0)]
if FAMILY == AF_INET6: options += [(V6, IPV6_UNICAST_HOPS, 9), (V6, IPV6_TCLASS, 16), (V6, IPV6_MULTICAST_HOPS, 5), (V6, IPV6_MULTICAST_IF, 1), (V6, IPV6_MULTICAST_LOOP, 0)]
assert s.getsockopt(IP, IP_TTL) == 64 and s.getsockopt(IP, IP_MULTICAST_TTL) == 1
for o in options: s.setsockopt(*o)
assert [s.getsockopt(*o[:2]) for o in options] == [o[2] for o in options]
s.bind((A, 0))
assert [s.getsockopt(*o[:2]) for o in options] == [o[2] for o in options]
s.setsockopt(IP, IP_MULTICAST_TTL, -1); assert s.getsockopt(IP, IP_MULTICAST_TTL) == 1
assert failure(s.setsockopt, IP, IP_TTL, 0) == "EINVAL" and failure(s.setsockopt, IP, IP_TTL, 256) == "EINVAL"
if FAMILY == AF_INET:
    s.setsockopt(IP, IP_MULTICAST_IF, inet_aton(A)); assert s.getsockopt(IP, IP_MULTICAST_IF, 4) == inet_aton(A)
    assert failure(s.setsockopt, IP, IP_MULTICAST_IF, inet_aton("203.0.113.1")) == "EADDRNOTAVAIL"
""",
    "the socket's ttl and tos are on what it sends": """
a, b, at_a, at_b = pair()
if FAMILY == AF_INET:
    a.setsockopt(IP, IP_TTL, 9); a.setsockopt(IP, IP_TOS, 0x10); b.setsockopt(IP, IP_RECVTTL, 1); b.setsockopt(IP, IP_RECVTOS, 1)
else:
    a.setsockopt(V6, IPV6_UNICAST_HOPS, 9); a.setsockopt(V6, IPV6_TCLASS, 0x10); b.setsockopt(V6, IPV6_RECVHOPLIMIT, 1); b.setsockopt(V6, IPV6_RECVTCLASS, 1)
a.sendto(b"x", at_b)
assert sorted(value[0] for _, _, value in b.recvmsg(9, 200)[1]) == [9, 0x10]
""",
    "each of many to one address says what its socket is at that moment": """
a, b, at_a, at_b = pair(); c = udp(A, 0); any_port = udp("", 0)
b.setsockopt(*((IP, IP_RECVTTL, 1) if FAMILY == AF_INET else (V6, IPV6_RECVHOPLIMIT, 1)))
def heard():
    data, control, _, sender = b.recvmsg(9, 200)
    return data, control[0][2][0], sender
for n in range(3): a.sendto(b"%d" % n, at_b); assert heard() == (b"%d" % n, 64, at_a)
for to in (at_b[1], any_port.getsockname()[1]) * 2: assert a.sendto(b"x", (A, to)) == 1
assert any_port.recvfrom(9) == (b"x", at_a) and any_port.recv(9) == b"x" and heard() == heard() == (b"x", 64, at_a)
a.setsockopt(*((IP, IP_TTL, 9) if FAMILY == AF_INET else (V6, IPV6_UNICAST_HOPS, 9)))
a.sendto(b"y", at_b); assert heard() == (b"y", 9, at_a)
os.dup2(c.fileno(), a.fileno())
a.sendto(b"z", at_b); assert heard() == (b"z", 64, c.getsockname())
c.connect(at_a); a.sendto(b"!", at_b); assert heard() == (b"!", 64, c.getsockname())
a.shutdown(SHUT_WR); assert failure(a.sendto, b"!", at_b) == "EPIPE"
""",
    "a file is read as one, whatever is said of how long it lives": """
F_SET_RW_HINT = 1036
s = udp(A, 0)
for hint in range(6):
    with tempfile.TemporaryFile() as file:
        fcntl.fcntl(file, F_SET_RW_HINT, struct.pack("Q", hint))
        assert os.write(file.fileno(), b"on disk") == 7 and os.lseek(file.fileno(), 0, 0) == 0
        assert os.read(file.fileno(), 100) == b"on disk"
        assert os.lseek(file.fileno(), 0, 0) == 0 and os.readv(file.fileno(), [bytearray(2), bytearray(9)]) == 7
        assert os.writev(file.fileno(), [b"!", b"?"]) == 2
""",
    "a group's members hear, all of them, as long as they are members": """
GROUP = "239.7.7.7" if FAMILY == AF_INET else "ff02::7:7"
def join(s, index=LINK):
    if FAMILY == AF_INET: s.setsockopt(IP, IP_ADD_MEMBERSHIP, struct.pack("4s4si", inet_aton(GROUP), bytes(4), index))
    else: s.setsockopt(V6, IPV6_JOIN_GROUP, inet_pton(AF_INET6, GROUP) + struct.pack("i", index))
def leave(s):
    if FAMILY == AF_INET: s.setsockopt(IP, IP_DROP_MEMBERSHIP, struct.pack("4s4si", inet_aton(GROUP), bytes(4), LINK))
    else: s.setsockopt(V6, IPV6_LEAVE_GROUP, inet_pton(AF_INET6, GROUP) + struct.pack("i", LINK))
one = udp("", 0, SO_REUSEADDR=1); port = one.getsockname()[1]
two = udp("", port, SO_REUSEADDR=1)
if FAMILY == AF_INET: two.setsockopt(IP, MC_ALL, 0)
else: two.setsockopt(V6, 29, 0)
a = udp()
if FAMILY == AF_INET: a.setsockopt(IP, IP_MULTICAST_IF, struct.pack("4s4si", bytes(4), bytes(4), LINK))
else: a.setsockopt(V6, IPV6_MULTICAST_IF, LINK)
a.sendto(b"nobody is a member", (GROUP, port))
join(one)
a.sendto(b"first", (GROUP, port))
join(two); assert failure(join, two) == "EADDRINUSE"
a.sendto(b"second", (GROUP, port))
assert [one.recv(99), one.recv(99), two.recv(99)] == [b"first", b"second", b"second"]
leave(two); assert failure(leave, two) == "EADDRNOTAVAIL"
a.sendto(b"third", (GROUP, port))
assert one.recv(99) == b"third" and empty(two)
assert failure(join, one, 99) == "ENODEV"
""",
    "a socket bound to a group hears nothing else": """
if FAMILY == AF_INET:
    s = udp("239.7.7.8", 0); port = s.getsockname()[1]
    s.setsockopt(IP, IP_ADD_MEMBERSHIP, struct.pack("4s4si", inet_aton("239.7.7.8"), bytes(4), LINK))
    a = udp(); a.setsockopt(IP, IP_MULTICAST_IF, struct.pack("4s4si", bytes(4), bytes(4), LINK))
    a.sendto(b"unicast", (A, port)); a.sendto(b"group", ("239.7.7.8", port))
    data, sender = s.recvfrom(99)
    assert data == b"group" and sender[1] == a.getsockname()[1]
""",
    "a resolver's probe: connect to port 0, and see which address it would be": """
s = udp()
s.connect((A, 0)); assert s.getsockname()[0] == A and failure(s.getpeername) == "ENOTCONN"
""",
    "what is sent before the end arrives after it": """
b = udp(A, 0)
if os.fork() == 0:
    a = udp(A, 0); a.sendto(b"unread", a.getsockname())
    for n in range(50): a.sendto(b"%d" % n, b.getsockname())
    os.kill(os.getpid(), signal.SIGKILL)
os.wait()
assert [b.recv(9) for _ in range(50)] == [b"%d" % n for n in range(50)]
""",
    "threads that use a fresh socket at once agree on its port": """
import threading
b = udp(A, 0)
for _ in range(20):
    a = udp(); start = threading.Barrier(4)
    def go(): start.wait(); a.sendto(b"x", b.getsockname())
    threads = [threading.Thread(target=go) for _ in range(4)]
    for t in threads: t.start()
    for t in threads: t.join()
    assert {b.recvfrom(9)[1][1] for _ in range(4)} == {a.getsockname()[1]}
""",
    "a broadcast takes leave": """
if FAMILY == AF_INET:
    everybody = "127.255.255.255" if A == "127.0.0.1" else "10.0.1.255"
    assert failure(udp().sendto, b"x", (everybody, 9)) == "EACCES"
    assert failure(udp().connect, (everybody, 9)) == "EACCES"
""",
}


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise(backend: Backend, promise: str, family: str) -> None:
    backend.python("server", PRELUDE.format(address=backend.address(family)) + PROMISES[promise])
