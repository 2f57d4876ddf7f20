"""TCP as programs expect it: the right errno at the right moment, names, and the end of a stream."""

from __future__ import annotations

import pytest

from selftest.conformance.backends import Backend

PRELUDE = """
import errno, fcntl, os, select, socket, struct
A = {address!r}
def name(error): return errno.errorcode[error]
def failure(call, *args):
    try: return call(*args)
    except OSError as e: return name(e.errno)
def pair():
    listener = socket.create_server((A, 0))
    c = socket.create_connection(listener.getsockname())
    s, _ = listener.accept()
    return c, s
def at_mark(s): return struct.unpack("i", fcntl.ioctl(s, 0x8905, bytes(4)))[0]
def urgent(s):
    p = select.poll(); p.register(s, select.POLLPRI)
    assert p.poll(5000) == [(s.fileno(), select.POLLPRI)]
"""

PROMISES = {
    "MSG_TRUNC throws away what it counts, by every receive that takes flags": """
c, s = pair()
c.sendall(b"0123456789" * 3)
buffer = bytearray(10)
assert s.recv_into(buffer, 10, socket.MSG_TRUNC) == 10 and s.recvfrom_into(buffer, 5, socket.MSG_TRUNC)[0] == 5
assert s.recvmsg_into([memoryview(buffer)[:3], memoryview(buffer)[3:5]], 0, socket.MSG_TRUNC)[0] == 5
assert buffer == bytes(10) and s.recv(99) == b"0123456789"
""",
    "nothing is in the error queue of a stream": """
c, s = pair()
c.sendall(b"not an error")
for call in (s.recv, s.recvfrom): assert failure(call, 9, 0x2000) == "EAGAIN"
assert failure(s.recvmsg, 9, 99, 0x2000) == "EAGAIN"
""",
    "a socket whose connect was refused has nobody to hear from": """
s = socket.socket()
assert failure(s.connect, (A, 9)) == "ECONNREFUSED"
assert failure(s.recv, 9) == "ENOTCONN" and failure(s.send, b"x") == "EPIPE"
""",
    "a connection that was reset has no peer any more": """
c, s = pair()
c.sendall(b"never read"); select.select([s], [], []); s.close()
p = select.poll(); p.register(c, 0); p.poll()
assert failure(c.getpeername) == "ENOTCONN" == failure(c.shutdown, socket.SHUT_RDWR)
assert failure(c.recv, 9) == "ECONNRESET"
assert failure(c.getpeername) == "ENOTCONN" == failure(c.shutdown, socket.SHUT_WR)
""",
    "after both FINs a connection is over": """
c, s = pair()
c.shutdown(socket.SHUT_WR); c.shutdown(socket.SHUT_WR)
assert s.recv(1) == b"" and s.getpeername() == c.getsockname()
s.shutdown(socket.SHUT_RDWR)
assert c.recv(1) == b""
for end in (c, s): assert failure(end.shutdown, socket.SHUT_WR) == "ENOTCONN" == failure(end.getpeername)
""",
    "shutdown ends a listener, but only that of its receiving side": """
listener = socket.create_server((A, 0)); at = listener.getsockname()
listener.shutdown(socket.SHUT_WR)
socket.create_connection(at); listener.accept()
listener.shutdown(socket.SHUT_RD)
assert failure(listener.accept) == "EINVAL" and failure(socket.create_connection, at) == "ECONNREFUSED"
assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 0
assert failure(listener.shutdown, socket.SHUT_RD) == "ENOTCONN"
listener.listen()
c = socket.create_connection(listener.getsockname()); listener.accept()
""",
    "a closed port refuses a blocking connect": """
assert failure(socket.socket().connect, (A, 9)) == "ECONNREFUSED"
""",
    "a closed port refuses a non-blocking connect, and SO_ERROR says so once": """
s = socket.socket(); s.setblocking(False)
first = s.connect_ex((A, 9))
assert name(first) in ("EINPROGRESS", "ECONNREFUSED")
if name(first) == "EINPROGRESS":
    p = select.poll(); p.register(s, select.POLLOUT)
    assert p.poll(5000)[0][1] & select.POLLERR
    assert name(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)) == "ECONNREFUSED"
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
""",
    "a socket whose connect was refused may try again": """
s = socket.socket()
assert failure(s.connect, (A, 9)) == "ECONNREFUSED"
listener = socket.create_server((A, 0))
s.connect(listener.getsockname())
assert s.getpeername() == listener.getsockname()
""",
    "a non-blocking connect is writable when it is connected": """
listener = socket.create_server((A, 0))
s = socket.socket(); s.setblocking(False)
assert s.connect_ex(listener.getsockname()) in (0, errno.EINPROGRESS)
p = select.epoll(); p.register(s, select.EPOLLOUT)
assert p.poll(5) == [(s.fileno(), select.EPOLLOUT)]
assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
assert s.getpeername() == listener.getsockname()
assert failure(s.connect, listener.getsockname()) in (None, "EISCONN")
""",
    "a second connect is EISCONN": """
c, s = pair()
assert failure(c.connect, s.getsockname()) == "EISCONN"
""",
    "two listeners on one address are EADDRINUSE": """
one = socket.create_server((A, 0), reuse_port=False)
assert failure(socket.socket().bind, one.getsockname()) == "EADDRINUSE"
""",
    "a wildcard and an address on one port are EADDRINUSE, in either order": """
one = socket.create_server((A, 0))
assert failure(socket.socket().bind, ("0.0.0.0", one.getsockname()[1])) == "EADDRINUSE"
any_ = socket.create_server(("0.0.0.0", 0))
assert failure(socket.socket().bind, (A, any_.getsockname()[1])) == "EADDRINUSE"
""",
    "a dual-stack wildcard holds both families, an IPv6-only one its own": """
dual = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
assert failure(socket.socket().bind, ("0.0.0.0", dual.getsockname()[1])) == "EADDRINUSE"
only = socket.create_server(("::", 0), family=socket.AF_INET6)
port = only.getsockname()[1]
both = socket.create_server(("0.0.0.0", port))
c = socket.create_connection((A, port)); s, _ = both.accept()
c6 = socket.create_connection(("::1", port)); s6, _ = only.accept()
assert s.getsockname() == (A, port) and s6.getsockname()[:2] == ("::1", port) and only.getsockname()[:2] == ("::", port)
both.close()
assert failure(socket.create_connection, (A, port)) == "ECONNREFUSED"
""",
    "listeners share a port by SO_REUSEPORT, and each gets some": """
one = socket.create_server((A, 0), reuse_port=True)
two = socket.create_server(one.getsockname(), reuse_port=True)
assert two.getsockname() == one.getsockname()
assert failure(socket.socket().bind, one.getsockname()) == "EADDRINUSE"
one.setblocking(False); two.setblocking(False)
got = {one: 0, two: 0}
for _ in range(60):
    c = socket.create_connection(one.getsockname())
    for l in select.select([one, two], [], [], 5)[0]:
        l.accept()[0].close(); got[l] += 1
    c.close()
assert sum(got.values()) == 60 and min(got.values()) > 5, got
""",
    "a port that is free again can be bound": """
one = socket.create_server((A, 0)); name = one.getsockname(); one.close()
socket.create_server(name).close(); socket.create_server(("0.0.0.0", name[1])).close()
""",
    "an address of another host is EADDRNOTAVAIL": """
assert failure(socket.socket().bind, ("203.0.113.9", 0)) == "EADDRNOTAVAIL"
""",
    "both ends know both names": """
c, s = pair()
assert c.getsockname() == s.getpeername() and c.getpeername() == s.getsockname()
assert c.getsockname()[0] == A and 32768 <= c.getsockname()[1] < 61000
""",
    "a socket that was bound before it connects keeps its port": """
listener = socket.create_server((A, 0))
c = socket.socket(); c.bind((A, 0)); own = c.getsockname()
c.connect(listener.getsockname())
s, peer = listener.accept()
assert c.getsockname() == own == peer == s.getpeername()
assert c.getpeername() == listener.getsockname() == s.getsockname()
""",
    "a wildcard listener tells each connection the address it came to": """
listener = socket.create_server(("0.0.0.0", 0))
assert listener.getsockname()[0] == "0.0.0.0"
c = socket.create_connection((A, listener.getsockname()[1]))
s, _ = listener.accept()
assert s.getsockname() == (A, listener.getsockname()[1]) == c.getpeername()
""",
    "half a close lets the other half live": """
c, s = pair()
c.sendall(b"question"); c.shutdown(socket.SHUT_WR)
assert s.recv(100) == b"question" and s.recv(100) == b""
s.sendall(b"answer"); s.close()
assert c.recv(100) == b"answer" and c.recv(100) == b""
""",
    "a close with unread data is a reset": """
c, s = pair()
c.sendall(b"never read")
select.select([s], [], [])
s.close()
assert failure(c.recv, 10) == "ECONNRESET"
""",
    "a write after a reset tells of the reset first, then of the broken pipe": """
c, s = pair()
c.sendall(b"never read")
select.select([s], [], [])
s.close()
p = select.poll(); p.register(c, 0); p.poll()
assert failure(c.send, b"x") == "ECONNRESET"
assert failure(c.send, b"x") == "EPIPE"
""",
    "SIGPIPE comes with the broken pipe, and not where MSG_NOSIGNAL forbids it": """
import signal
came = []
signal.signal(signal.SIGPIPE, lambda *_: came.append(1))
c, s = pair()
c.shutdown(socket.SHUT_WR)
assert failure(c.send, b"x", socket.MSG_NOSIGNAL) == "EPIPE" and not came
assert failure(c.send, b"x") == "EPIPE" and came
""",
    "a file sent by sendfile arrives whole, and POLLOUT comes again and again": """
import tempfile, threading
c, s = pair()
data = os.urandom(3 << 20)
with tempfile.TemporaryFile() as file:
    file.write(data); file.flush()
    c.setblocking(False)
    def give():
        done, p = 0, select.poll(); p.register(c, select.POLLOUT)
        while done < len(data):
            assert p.poll(5000), f"not writable after {done} bytes"
            done += os.sendfile(c.fileno(), file.fileno(), done, 1 << 16)
        c.shutdown(socket.SHUT_WR)
    t = threading.Thread(target=give); t.start()
    got = bytearray()
    while part := s.recv(8192): got += part
    t.join()
assert got == data
""",
    "one write after the peer's close is taken, and lost": """
c, s = pair()
s.close()
assert c.recv(1) == b""
assert c.send(b"lost") == 4
""",
    "an urgent byte is apart from the stream, which stops where it was": """
c, s = pair()
c.sendall(b"ab"); c.send(b"cX", socket.MSG_OOB); c.sendall(b"de"); urgent(s)
assert s.recv(3, socket.MSG_WAITALL) == b"abc" and at_mark(s)
assert s.recv(1, socket.MSG_OOB | socket.MSG_PEEK) == b"X" == s.recv(1, socket.MSG_OOB)
assert s.recv(2, socket.MSG_WAITALL) == b"de"
assert failure(s.recv, 1, socket.MSG_OOB) == "EINVAL"
""",
    "an urgent byte that is passed over is gone; one that is in line is read in its place": """
c, s = pair()
def get(n): return s.recv(n, socket.MSG_WAITALL)
c.sendall(b"ab"); c.send(b"X", socket.MSG_OOB); c.sendall(b"cd"); urgent(s)
assert (get(2), get(2)) == (b"ab", b"cd") and failure(s.recv, 1, socket.MSG_OOB) == "EINVAL"
s.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
c.sendall(b"ab"); c.send(b"X", socket.MSG_OOB); c.sendall(b"cd"); urgent(s)
assert get(2) == b"ab" and at_mark(s) and get(3) == b"Xcd"
assert failure(s.recv, 1, socket.MSG_OOB) == "EINVAL"
""",
    "an urgent byte is a SIGURG for whom the socket belongs to": """
import fcntl, signal
c, s = pair()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGURG])
fcntl.fcntl(s, fcntl.F_SETOWN, os.getpid())
c.send(b"X", socket.MSG_OOB)
assert signal.sigtimedwait([signal.SIGURG], 5)
""",
    "an urgent byte in the middle of much leaves the rest as it was": """
import threading
c, s = pair()
data = os.urandom(700_000)
def give():
    c.sendall(data); c.send(b"X", socket.MSG_OOB); c.sendall(data); c.shutdown(socket.SHUT_WR)
t = threading.Thread(target=give); t.start()
got = bytearray()
while part := s.recv(70000): got += part
t.join(); assert got == data * 2
""",
    "connect to nobody is a reset, and the socket may connect again": """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
c, s = pair()
assert libc.connect(c.fileno(), bytes(16), 16) == 0
assert failure(s.recv, 1) == "ECONNRESET" and failure(c.getpeername) == "ENOTCONN"
listener = socket.create_server((A, 0))
c.connect(listener.getsockname())
listener.accept()[0].sendall(b"again")
assert c.recv(5, socket.MSG_WAITALL) == b"again"
""",
    "nobody listens on port 0": """
assert failure(socket.socket().connect, (A, 0)) == "ECONNREFUSED"
""",
    "an unconnected socket cannot be shut down": """
assert failure(socket.socket().shutdown, socket.SHUT_WR) == "ENOTCONN"
""",
    "a megabyte arrives as it was sent": """
import threading
c, s = pair()
data = os.urandom(1 << 20)
t = threading.Thread(target=lambda: (c.sendall(data), c.shutdown(socket.SHUT_WR))); t.start()
got = bytearray()
while part := s.recv(70000): got += part
t.join(); assert got == data
""",
    "an accepted socket inherits TCP_NODELAY, and it survives dup and fork": """
listener = socket.create_server((A, 0))
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
c = socket.create_connection(listener.getsockname()); s, _ = listener.accept()
copy = s.dup(); s.close()
if os.fork() == 0: os._exit(copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 1)
assert os.wait()[1] == 0
""",
    "an accepted socket inherits from its own listener, whoever had the port before, and as that is now": """
port = 0
def accepted():
    with socket.create_connection((A, port)), listener.accept()[0] as s:
        return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0, s.family
for on in (False, True, False):
    with socket.create_server((A, port)) as listener:
        port = listener.getsockname()[1]
        assert accepted() == accepted() == (False, listener.family)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, on)
        assert accepted() == accepted() == (on, listener.family)
""",
    "SO_DOMAIN, SO_TYPE, SO_PROTOCOL and SO_ACCEPTCONN are TCP's": """
listener = socket.create_server((A, 0))
def get(o): return listener.getsockopt(socket.SOL_SOCKET, o)
assert (get(39), get(socket.SO_TYPE), get(38), get(30)) == (socket.AF_INET, socket.SOCK_STREAM, 6, 1)
""",
    "recvfrom and recvmsg on a stream name nobody": """
c, s = pair()
c.sendall(b"12")
assert s.recvfrom(1) == (b"1", None)
assert s.recvmsg(1)[0] == b"2"
""",
    "what needs a peer is ENOTCONN or EPIPE without one": """
s = socket.socket()
assert failure(s.getpeername) == failure(s.recv, 1) == "ENOTCONN"
assert failure(s.send, b"x", socket.MSG_NOSIGNAL) == "EPIPE"
assert failure(s.accept) == "EINVAL"
listener = socket.create_server((A, 0))
assert failure(listener.recv, 1) == "ENOTCONN" and failure(listener.getpeername) == "ENOTCONN"
""",
    "sendto on a connected stream heeds no address": """
c, s = pair()
assert c.sendto(b"12", ("203.0.113.9", 1)) == 2 and s.recv(9) == b"12"
assert c.sendmsg([b"34"], [], 0, ("203.0.113.9", 1)) == 2 and s.recv(9) == b"34"
""",
    "MSG_TRUNC throws away as many bytes as were asked for": """
c, s = pair()
c.sendall(b"12345")
kept = bytearray(b"...")
assert s.recv_into(kept, 3, socket.MSG_TRUNC) == 3 and kept == b"..."
assert s.recv(9) == b"45"
""",
    "SIOCINQ is what lies there unread": """
import fcntl, struct, termios
c, s = pair()
def unread(): return struct.unpack("i", fcntl.ioctl(s, termios.FIONREAD, b"...."))[0]
assert unread() == 0
c.sendall(b"x" * 1000); s.recv(1)
assert unread() == 999
s.recv(999, socket.MSG_WAITALL); assert unread() == 0
""",
    "a connected name is free for the next listener with SO_REUSEADDR": """
listener = socket.create_server((A, 0)); name = listener.getsockname()
c = socket.create_connection(name); s, _ = listener.accept()
listener.close()
again = socket.socket(); again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
again.bind(name); again.listen()
c.sendall(b"still"); assert s.recv(9) == b"still"
d = socket.create_connection(name); again.accept()[0].sendall(b"new"); assert d.recv(9) == b"new"
""",
    "all of 127.0.0.0/8 is this host": """
listener = socket.create_server(("127.5.6.7", 0)); port = listener.getsockname()[1]
assert failure(socket.create_connection, ("127.0.0.1", port)) == "ECONNREFUSED"
c = socket.create_connection(("127.5.6.7", port)); s, _ = listener.accept()
assert c.getpeername() == s.getsockname() == ("127.5.6.7", port)
""",
    "an IPv6 socket speaks IPv4 by mapped addresses, unless it is IPv6 only": """
listener = socket.create_server((A, 0)); port = listener.getsockname()[1]
mapped = "::ffff:" + A
c = socket.socket(socket.AF_INET6)
c.connect((mapped, port)); s, peer = listener.accept()
assert c.getpeername()[:2] == (mapped, port) and c.getsockname()[0].startswith("::ffff:")
assert peer == (c.getsockname()[0].removeprefix("::ffff:"), c.getsockname()[1])
only = socket.socket(socket.AF_INET6); only.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
assert failure(only.connect, (mapped, port)) == "ENETUNREACH"
""",
    "all that was sent to an idle peer is acknowledged": """
import fcntl, struct, termios
c, s = pair()
c.sendall(b"x" * 1000); s.recv(1000, socket.MSG_WAITALL)
s.sendall(b"y"); c.recv(1)
assert struct.unpack("i", fcntl.ioctl(c, termios.TIOCOUTQ, b"....")) == (0,)
assert c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[0] == 1
""",
}


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise(backend: Backend, promise: str) -> None:
    backend.python("server", PRELUDE.format(address=backend.address("ipv4")) + PROMISES[promise])
