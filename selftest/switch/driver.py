"""What the shim says to the switch, said by hand: SYNs, hellos and questions over raw AF_UNIX sockets.

So that a test of the switch fails for the switch alone. Nothing here touches the machine's IP stack.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import select
import shlex
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Any

from swrap.abi import ffi, lib
from swrap.abi.names import Endpoint, Name, encode, service_address
from swrap.abi.page import Page, pack_ip
from swrap.switch.client import ControlClient, control_call
from swrap.topology import Host, Interface, Topology

SWITCH = shlex.split(os.environ.get("SWRAP_TEST_SWITCH", "")) or [sys.executable, "-m", "swrap.switch"]
"""How the switch is started; test_sanitized.py puts another build there."""
SYN = 53_248  # a quarter of the default SO_SNDBUF: what makes a socket not ready for POLLOUT
PORTS = itertools.cycle(range(20_000, 65_000))
STATES = ("none", "syn-sent", "established", "fin-wait", "close-wait", "closed")


def topology(rate: int | None = None, delay: float = 0.0) -> Topology:
    """A server and a laptop on two common networks, and a third host on one of them."""

    def interface(name: str, *addresses: str) -> Interface:
        return Interface(name, tuple(ip_interface(address) for address in addresses), rate=rate, delay=delay)

    return Topology(
        (
            Host(
                "server",
                (interface("eth0", "10.0.1.1/24", "fd00:1::1/64"), interface("wlan0", "10.0.2.1/24")),
            ),
            Host(
                "laptop",
                (interface("eth0", "10.0.1.2/24", "fd00:1::2/64"), interface("wlan0", "10.0.2.2/24")),
            ),
            Host("desk", (interface("eth0", "10.0.1.3/24"),)),
        )
    )


@dataclass(frozen=True)
class Answer:
    """The switch's answer to a question."""

    state: str
    error: int
    local: str
    remote: str
    sent: int
    unacked: int
    received: int
    rto_us: int
    rtt_us: int
    backoff: int
    since_ack_ms: int


class Switched:
    """A running switch and the programs of its hosts, which are all this process."""

    def __init__(self, directory: Path, process: subprocess.Popen[bytes], owner: int) -> None:
        self.directory = directory
        self.process = process
        self.page = Page.open(directory / "page")
        self.owner = owner
        self._sockets = contextlib.ExitStack()

    def close(self) -> None:
        """Close what tests left open."""
        self._sockets.close()
        self.page.close()

    def do(self, verb: str, **args: Any) -> Any:
        """One command on the control socket."""
        return control_call(self.directory, verb, **args)

    async def control(self) -> ControlClient:
        """A connection to the control socket."""
        return await ControlClient.connect(self.directory)

    def keep(self, one: socket.socket) -> socket.socket:
        """Close it at the end of the test, if the test does not."""
        return self._sockets.enter_context(one)

    def flow(self) -> dict[str, Any]:
        """The only flow that there is."""
        (found,) = self.do("flows")
        return dict(found)

    def unacked(self, direction: str = "to_server") -> int:
        """Un-acked bytes of the only flow."""
        return int(self.flow()[direction]["unacked"])

    def listen(self, host: str, ip: str, port: int, backlog: int = 128, slot: int = 0) -> socket.socket:
        """A listener as the shim makes it; with a slot where several share an address."""
        one = self.keep(socket.socket(socket.AF_UNIX))
        peer = Endpoint(ip_address("::"), slot) if slot else None
        one.bind(encode(self.page, Name(self.host(host), "t", Endpoint(ip_address(ip), port), peer)))
        one.listen(backlog)
        one.settimeout(10)
        return one

    def host(self, name: str) -> int:
        """A host's index."""
        return self.page.hosts().index(name)

    def door(self) -> socket.socket:
        """A connection to the stream service, on which nothing was said."""
        one = self.keep(socket.socket(socket.AF_UNIX))
        one.settimeout(10)
        one.connect(service_address(self.page, "stream"))
        return one

    def syn(self, host: str, local: str, remote: str, port: int, *, local_port: int = 0) -> socket.socket:
        """A connecting end whose SYN is on its way."""
        one = self.door()
        own = Endpoint(ip_address(local), local_port or next(PORTS))
        one.settimeout(None)  # with one Python would wait for POLLOUT, which comes with the SYN-ACK
        one.sendall(
            opening(lib.SW_OPEN, self.host(host), inode(one), own, Endpoint(ip_address(remote), port))
        )
        one.sendall(b"T")
        one.settimeout(10)
        return one

    def connect(
        self, remote: str = "10.0.1.1", port: int = 445, local: str = "10.0.1.2", host: str = "laptop"
    ) -> socket.socket:
        """A connected end; ConnectionError with the switch's reason where that fails."""
        one = self.syn(host, local, remote, port)
        events = wait(one, select.POLLOUT)
        if events & (select.POLLERR | select.POLLHUP):
            error = self.ask(one).error
            one.close()
            raise OSError(error, os.strerror(error))
        return one

    def accept(self, listener: socket.socket) -> socket.socket:
        """The other end, greeted."""
        one = self.keep(listener.accept()[0])
        one.settimeout(10)
        one.sendall(inode(one).to_bytes(8, "little"))
        return one

    def pair(self, **where: Any) -> tuple[socket.socket, socket.socket]:
        """Both ends of one connection from laptop to server, port 445."""
        listener = self.listen("server", where.get("remote", "10.0.1.1"), where.get("port", 445))
        client = self.connect(**where)
        server = self.accept(listener)
        listener.close()
        return client, server

    def ask(self, one: socket.socket | int, what: int = lib.SW_ASK, flags: int = 0) -> Answer:
        """What the switch says of the flow of this end."""
        number = one if isinstance(one, int) else inode(one)
        nowhere = Endpoint(ip_address("0.0.0.0"), 0)
        size = ffi.sizeof("struct sw_syn")
        with self.door() as question:
            question.sendall(opening(what, 0, number, nowhere, nowhere, size, flags=flags))
            raw = b""
            while part := question.recv(4096):
                raw += part
        answer = ffi.from_buffer("struct sw_answer *", raw)
        return Answer(
            STATES[answer.state],
            answer.error,
            endpoint(answer.local),
            endpoint(answer.remote),
            answer.sent,
            answer.unacked,
            answer.received,
            answer.rto_us,
            answer.rtt_us,
            answer.backoff,
            answer.since_ack_ms,
        )


def endpoint(raw: Any) -> str:
    """`ip:port` of a struct sw_endpoint."""
    packed = bytes(raw.ip)
    address = ip_address(packed)
    return f"{getattr(address, 'ipv4_mapped', None) or address}:{raw.port}"


def opening(
    kind: int,
    host: int,
    ino: int,
    local: Endpoint,
    remote: Endpoint,
    length: int = SYN,
    magic: int | None = None,
    flags: int = 0,
) -> bytes:
    """An opening message with its padding."""
    syn = ffi.new(
        "struct sw_syn *",
        {
            "magic": lib.SW_SYN_MAGIC if magic is None else magic,
            "opening": kind,
            "flags": flags,
            "length": length,
            "host": host,
            "ino": ino,
            "local": (pack_ip(local.ip), local.port),
            "remote": (pack_ip(remote.ip), remote.port),
        },
    )
    return bytes(ffi.buffer(syn)).ljust(length, b"\0")[: max(length, ffi.sizeof(syn[0]))]


def inode(one: socket.socket) -> int:
    """What names an open socket in all processes."""
    return os.fstat(one.fileno()).st_ino


def wait(one: socket.socket, events: int, timeout: float = 10.0) -> int:
    """The poll events of a socket, once there are any; 0 after `timeout` seconds."""
    poll = select.poll()
    poll.register(one, events)
    return next((found for _, found in poll.poll(timeout * 1000)), 0)


def queued(one: socket.socket) -> int:
    """Bytes that can be read without waiting."""
    return int(struct.unpack("i", fcntl.ioctl(one, termios.FIONREAD, bytes(4)))[0])


def receive(one: socket.socket, count: int) -> bytes:
    """Exactly `count` bytes."""
    got = bytearray()
    while len(got) < count:
        part = one.recv(min(count - len(got), 1 << 20))
        assert part, f"the stream ended after {len(got)} of {count} bytes"
        got += part
    return bytes(got)


def fill(one: socket.socket, size: int = 65536) -> int:
    """Write until it would block; the bytes written."""
    one.setblocking(False)
    written = 0
    try:
        while True:
            written += one.send(bytes(size))
    except BlockingIOError:
        return written
    finally:
        one.settimeout(10)


def soon(condition: Callable[[], bool], timeout: float = 10.0) -> None:
    """Wait until `condition()` holds, for things that nobody announces."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.002)


@contextlib.contextmanager
def switched(
    directory: Path,
    *options: str,
    rate: int | None = None,
    delay: float = 0.0,
    nofile: int | None = None,
    network: Topology | None = None,
) -> Iterator[Switched]:
    """A switch of its own for one test; it must end by itself when its owner goes."""
    directory.mkdir(mode=0o700)
    Page.create(directory / "page", network or topology(rate, delay)).close()
    ready, tell = os.pipe()
    owner, hold = os.pipe()
    limit = ["prlimit", f"--nofile={nofile}"] if nofile else []
    argv = [*limit, *SWITCH, str(directory), "--owner-fd", str(owner)]
    process = subprocess.Popen([*argv, "--ready-fd", str(tell), *options], pass_fds=(owner, tell))
    os.close(owner)
    os.close(tell)
    with os.fdopen(ready) as lines:
        line = lines.readline()
    if "ready" not in line:
        os.close(hold)
        raise AssertionError(f"the switch did not start: status {process.wait(10)}")
    lab = Switched(directory, process, hold)
    try:
        yield lab
    finally:
        lab.close()
        if lab.owner >= 0:
            os.close(lab.owner)
        status = process.wait(10)
        assert status in (0, -9), f"the switch ended with {status}"
