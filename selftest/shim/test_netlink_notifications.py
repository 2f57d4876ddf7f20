"""rtnetlink in a host, listened to: a cable is pulled, and who joined the group is told, once and in order."""

from __future__ import annotations

from typing import Any

from selftest.support.netlink import PRELUDE, obedient, pull, speaking, started
from selftest.support.network import Network, network
from swrap.switch.client import control_call


def test_ip_monitor_tells_of_a_cable_as_it_is_pulled(cabled: Network, ip: str) -> None:
    with (
        started(cabled, "server", [ip, "monitor", "link"]) as one,
        started(cabled, "server", [ip, "monitor"]) as two,
    ):
        for monitor in (one, two):
            line = None
            # It does not say when it has begun to listen: so the cable comes and goes until then.
            for _ in range(100):
                pull(cabled, "server.eth0", up=True)
                pull(cabled, "server.eth0")
                if line := monitor.line(within=0.2):
                    break
            assert line is not None
            assert "eth0: <" in line


WATCH = """
s = route(groups=int(sys.argv[1]) if len(sys.argv) > 1 else 1)
said("ready")
while True:
    data, _, _, address = s.recvmsg(65536)
    for kind, flags, seq, port, body in messages(data):
        said(kind, name(body), bool(struct.unpack_from("=I", body, 8)[0] & 0x10000), seq, port, address)
"""


def test_every_watcher_of_the_host_is_told_once_and_in_order(cabled: Network) -> None:
    """From the moment in which bind(2) has returned."""
    with (
        speaking(cabled, WATCH) as one,
        speaking(cabled, WATCH) as two,
        speaking(cabled, WATCH, "laptop") as other,
    ):
        for up in (False, True, False):
            pull(cabled, "server.eth0", up=up)
        pull(cabled, "laptop.wlan0")
        for watcher in (one, two):
            assert [watcher.says() for _ in range(3)] == [
                [16, "eth0", up, 0, 0, [0, 1]] for up in (False, True, False)
            ]
        assert other.says() == [16, "wlan0", False, 0, 0, [0, 1]]


def test_membership_comes_and_goes(cabled: Network) -> None:
    program = """
s = route()
s.setsockopt(270, 1, 1)
s.setsockopt(270, 1, 5)
said("ready")
said(s.getsockname()[1], struct.unpack("Q", s.getsockopt(270, 9, 8))[0])
said(name(next(messages(s.recv(65536)))[4]))
s.setsockopt(270, 2, 1)
said(s.getsockname()[1])
wait()
s.setblocking(False)
try:
    s.recv(65536)
except BlockingIOError:
    said("quiet")
"""
    with obedient(cabled, program) as (process, go_on):
        assert process.says() == [0b10001, 0b10001]
        pull(cabled, "server.eth0")
        assert process.says() == ["eth0"]
        assert process.says() == [0b10000]
        pull(cabled, "server.eth0", up=True)
        go_on()
        assert process.says() == ["quiet"]


def test_the_kernels_credentials_and_the_group_come_along(cabled: Network) -> None:
    """avahi-daemon believes nobody but process 0; sd-netlink wants to know the group."""
    program = """
s = route(groups=1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.setsockopt(270, 3, 1)
said("ready")
_, control, flags, _ = s.recvmsg(65536, 200)
said(sorted([level, kind, struct.unpack(f"{len(data) // 4}i", data)] for level, kind, data in control), flags)
"""
    with speaking(cabled, program) as process:
        pull(cabled, "server.eth0")
        assert process.says() == [[[1, 2, [0, 0, 0]], [270, 3, [1]]], 0]


def test_a_socket_filter_sees_netlink_messages(cabled: Network) -> None:
    program = """
import ctypes
s = route(groups=1)
dev = struct.pack("HBBI", 0x28, 0, 0, 4), struct.pack("HBBI", 0x15, 0, 1, 0x1000), struct.pack("HBBI", 6, 0, 0, 0xffff), struct.pack("HBBI", 6, 0, 0, 0)
code = ctypes.create_string_buffer(b"".join(dev))
s.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HxxxxxxP", 4, ctypes.addressof(code)))
said("ready")
said(name(next(messages(s.recv(65536)))[4]))
"""
    with speaking(cabled, program) as process:  # 0x1000: RTM_NEWLINK, loaded as big-endian
        pull(cabled, "server.wlan0")
        assert process.says() == ["wlan0"]


CHILD = """
s = socket.socket(fileno=int(sys.argv[1]))
said(s.family == socket.AF_NETLINK, s.getsockname()[0] == int(sys.argv[2]), [name(one[4]) for one in dump(s, 18)])
data, _, _, address = s.recvmsg(65536)
said(name(next(messages(data))[4]), address)
"""


def test_a_child_that_is_handed_the_socket_goes_on_with_it(cabled: Network) -> None:
    """Through exec, and in a message; membership goes along."""
    program = f"""
import subprocess, threading
child = {PRELUDE + CHILD!r}
s = route(groups=1)
os.set_inheritable(s.fileno(), True)
said("ready")
port = s.getsockname()[0]
subprocess.run([sys.executable, "-c", child, str(s.fileno()), str(port)], close_fds=False, check=True)
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
get = "_, fds, _, _ = socket.recv_fds(socket.socket(fileno=0), 10, 1); sys.argv[1:] = [fds[0], sys.argv[1]];"
head, tail = child.split("s = socket.socket(fileno", 1)
code = head + get + "s = socket.socket(fileno" + tail
process = subprocess.Popen([sys.executable, "-c", code, str(port)], stdin=theirs)
socket.send_fds(ours, [b"x"], [s.fileno()])
s.close()
sys.exit(process.wait())
"""
    with speaking(cabled, program) as process:
        for up in (False, True):
            assert process.says() == [True, True, ["lo", "eth0", "wlan0"]]
            pull(cabled, "server.eth0", up=up)
            assert process.says() == ["eth0", [0, 1]]
        assert process.process.wait(20) == 0


def test_a_watcher_that_does_not_read_stops_nobody_and_learns_that_it_missed_something(
    cabled: Network,
) -> None:
    program = """
s = route(groups=1)
said("ready")
wait()
told = 0
try:
    while True:
        s.recv(65536)
        told += 1
except OSError as e:
    said(errno.errorcode[e.errno], 0 < told < 1000)
said([name(one[4]) for one in dump(s, 18)])
"""
    with obedient(cabled, program) as (process, go_on):
        for _ in range(500):
            pull(cabled, "server.eth0")
            pull(cabled, "server.eth0", up=True)
        with speaking(cabled, WATCH) as lively:
            pull(cabled, "server.wlan0")
            assert lively.says()[1] == "wlan0"
        go_on()
        assert process.says() == ["ENOBUFS", True]
        assert process.says() == [["lo", "eth0", "wlan0"]]


def test_when_the_switch_ends_the_network_is_down(tmp_path: Any) -> None:
    with network(tmp_path / "lab") as lab:
        program = """
s = route(groups=1)
said("ready")
try:
    s.recv(100)
except OSError as e:
    said(errno.errorcode[e.errno])
try:
    ask(s, 18, 0, bytes(16))
except OSError as e:
    said(errno.errorcode[e.errno])
"""
        with speaking(lab, program) as process:
            control_call(lab.directory, "stop")
            assert process.says() == ["ENETDOWN"]
            assert process.says() == ["ENETDOWN"]
