"""SOCKET_WRAPPER_PCAP_FILE: what a drop-in network's programs said to each other, as Wireshark reads it."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support.dropin import Dropin, namespace
from selftest.support.service import Service, installed, out

PYTHON = "/usr/bin/python3"

CHECKED = [f"-o{protocol}.check_checksum:TRUE" for protocol in ("ip", "tcp", "udp")]

# Many small questions and long answers, at once, each end a process of its own; an end of stream at both ends.
TALK = """
import os, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.create_server((sys.argv[1], 7000), family=family)
for _ in range(4):
    if os.fork() == 0:
        stream, _ = listener.accept()
        while asked := stream.recv(3000):
            stream.sendall(asked * 5)
        stream.close()
        os._exit(0)
listener.close()
for number in range(4):
    if os.fork() == 0:
        os.environ["SOCKET_WRAPPER_DEFAULT_IFACE"] = str(20 + number)
        stream = socket.create_connection((sys.argv[1], 7000))
        for i in range(100):
            stream.sendall(bytes([65 + number]) * (i * 9 + 1))
            left = (i * 9 + 1) * 5
            while left:
                left -= len(stream.recv(left))
        stream.shutdown(socket.SHUT_WR)
        assert stream.recv(1) == b""
        stream.close()
        os._exit(0)
for _ in range(8):
    assert os.wait()[1] == 0
"""


@pytest.fixture(scope="module")
def prefix() -> Iterator[tuple[str, ...]]:
    with namespace() as prefix:
        yield prefix


@pytest.fixture
def net(prefix: tuple[str, ...], tmp_path: Path) -> Dropin:
    (tmp_path / "net").mkdir()
    return Dropin(prefix, tmp_path / "net")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the capture goes."""
    return tmp_path / "network.pcap"


def tshark(file: Path, *options: str) -> str:
    """What tshark makes of a capture, every checksum checked."""
    program = installed("tshark", "tshark")
    return subprocess.run(
        [program, "-n", "-r", file, *CHECKED, *options], capture_output=True, text=True, check=True
    ).stdout


def complaints(file: Path) -> str:
    """The packets whose checksums or sequence numbers its expert finds wrong: empty where none are."""
    bad = " || ".join(f"{protocol}.checksum.status == 0" for protocol in ("ip", "tcp", "udp"))
    return tshark(file, "-Y", f"tcp.analysis.flags || {bad}")


def web(net: Dropin, **more: str) -> Service:
    """http.server as host number 20, both families, in the network's directory."""
    words = ("-m", "http.server", "80", "--bind", "::", "--directory", str(net.directory))
    return net.start(PYTHON, "-u", *words, iface=20, **more)


@pytest.mark.parametrize("at", ["127.0.0.20", "[fd00::5357:5f14]"])
def test_a_transfer_over_http_is_dissected(net: Dropin, file: Path, at: str) -> None:
    (net.directory / "film").write_bytes(bytes(range(256)) * 8192)
    with web(net, SOCKET_WRAPPER_PCAP_FILE=str(file)) as server:
        server.says("Serving")
        url = f"http://{at}/film"
        for _ in range(3):
            got = net.run(
                installed("curl", "curl"), "-sSo", "/dev/null", url, SOCKET_WRAPPER_PCAP_FILE=str(file)
            )
            assert out(got) == ""
    fields = (
        "-T",
        "fields",
        "-e",
        "http.request.uri",
        "-e",
        "http.response.code",
        "-e",
        "http.content_length",
    )
    assert tshark(file, "-Y", "http", *fields).split("\n") == [*["/film\t\t", "\t200\t2097152"] * 3, ""]
    assert complaints(file) == ""
    exported = file.with_name("exported")
    tshark(file, "-q", "--export-objects", f"http,{exported}")
    assert {one.read_bytes() for one in exported.iterdir()} == {bytes(range(256)) * 8192}


@pytest.mark.parametrize("network", ["127.0.0.", "10.53.57."])
@pytest.mark.parametrize("captures", ["server", "client"])
def test_a_capture_by_one_end_alone_has_both_directions(
    net: Dropin, file: Path, network: str, captures: str
) -> None:
    serve = """
import socket
listener = socket.create_server(("", 7000))
print("ready", flush=True)
stream, _ = listener.accept()
stream.sendall(stream.recv(10) + b" and an answer")
assert stream.recv(10) == b""
stream.close()
"""
    ask = f"""
import socket
stream = socket.create_connection(("{network}20", 7000))
stream.sendall(b"a question")
stream.shutdown(socket.SHUT_WR)
while stream.recv(100): pass
"""
    form = {"SOCKET_WRAPPER_IPV4_NETWORK": f"{network}0"}
    there, here = (
        {**form, **({"SOCKET_WRAPPER_PCAP_FILE": str(file)} if captures == side else {})}
        for side in ("server", "client")
    )
    with net.start(PYTHON, "-c", serve, iface=20, **there) as server:
        server.says("ready")
        out(net.run(PYTHON, "-c", ask, iface=3, **here))
        assert server.ended() == 0
    rows = tshark(file, "-T", "fields", "-e", "ip.src", "-e", "tcp.flags", "-e", "tcp.payload").splitlines()
    client, far = f"{network}3", f"{network}20"
    expected = [
        *([client, "0x0002", ""], [far, "0x0012", ""], [client, "0x0010", ""]),
        *([client, "0x0018", b"a question".hex()], [far, "0x0018", b"a question and an answer".hex()]),
        *([client, "0x0011", ""], [far, "0x0011", ""]),
    ]
    found = [row.split("\t") for row in rows]
    assert sorted(found[:4]) == sorted(expected[:4])
    # Of a close nothing is known, unless the other end, which captures, has met it.
    assert sorted(found) == sorted(expected if captures == "client" else expected[:6])
    assert complaints(file) == ""


@pytest.mark.parametrize("at", ["127.0.0.1", "fd00::5357:5f01"])
def test_everything_is_in_it_once_and_in_order(net: Dropin, file: Path, at: str) -> None:
    out(net.run(PYTHON, "-c", TALK, at, SOCKET_WRAPPER_PCAP_FILE=str(file)))
    assert complaints(file) == ""
    sizes = tshark(file, "-T", "fields", "-e", "tcp.srcport", "-e", "tcp.len").split()
    asked = sum(i * 9 + 1 for i in range(100))
    assert sum(map(int, sizes[1::2])) == 4 * 6 * asked
    assert (
        sum(int(size) for port, size in zip(sizes[::2], sizes[1::2], strict=True) if port == "7000")
        == 20 * asked
    )
    flags = tshark(file, "-T", "fields", "-e", "tcp.flags").split()
    assert [flags.count(flag) for flag in ("0x0002", "0x0012", "0x0011")] == [4, 4, 8]


def test_a_socket_that_changes_hands_is_one_flow(net: Dropin, file: Path) -> None:
    code = """
import os, socket
listener = socket.create_server(("", 7000))
client = socket.create_connection(("127.0.0.1", 7000))
stream, _ = listener.accept()
stream.sendall(b"from the first ")
here, there = socket.socketpair()
if os.fork() == 0:
    _, (fd,), _, _ = socket.recv_fds(there, 10, 1)
    passed = socket.socket(fileno=fd)
    passed.sendall(b"and the second")
    os._exit(0)
socket.send_fds(here, [b"x"], [stream.fileno()])
os.wait()
stream.close()
got = b""
while more := client.recv(100): got += more
print(got.decode())
"""
    assert (
        out(net.run(PYTHON, "-c", code, SOCKET_WRAPPER_PCAP_FILE=str(file)))
        == "from the first and the second\n"
    )
    said = tshark(file, "-q", "-z", "follow,tcp,ascii,0").splitlines()
    assert [line for line in said if "the" in line] == ["from the first ", "and the second"]
    assert complaints(file) == ""


def test_datagrams_are_in_it_once_and_long_ones_in_fragments(net: Dropin, file: Path) -> None:
    code = """
import socket
for family, at in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "fd00::5357:5f01")):
    one, two = (socket.socket(family, socket.SOCK_DGRAM) for _ in range(2))
    one.bind(("", 7000))
    two.connect((at, 7000))
    for size in (0, 1, 5000, 60000):
        two.send(b"q" * size)
        asked, peer = one.recvfrom(65536)
        one.sendto(asked, peer)
        assert two.recv(65536) == asked
    one.close()
"""
    out(net.run(PYTHON, "-c", code, SOCKET_WRAPPER_PCAP_FILE=str(file)))
    lengths = tshark(file, "-Y", "udp", "-T", "fields", "-e", "udp.length").split()
    assert lengths == [str(8 + size) for size in (0, 1, 5000, 60000) for _ in range(2)] * 2
    assert "Bad" not in tshark(file, "-V")
    largest = max(map(int, tshark(file, "-T", "fields", "-e", "frame.len").split()))
    assert largest == 1514


def test_its_packets_are_no_longer_than_the_mtu(net: Dropin, file: Path) -> None:
    for mtu, most in (("512", 512), ("9000", 9000), ("100", 1500), ("40000", 1500)):
        file.unlink(missing_ok=True)
        out(
            net.run(
                PYTHON, "-c", TALK, "127.0.0.1", SOCKET_WRAPPER_PCAP_FILE=str(file), SOCKET_WRAPPER_MTU=mtu
            )
        )
        lengths = [int(size) for size in tshark(file, "-T", "fields", "-e", "ip.len").split()]
        assert most // 3 < max(lengths) <= most


def test_a_refusal_is_a_reset_and_an_empty_file_is_begun(net: Dropin, file: Path) -> None:
    file.touch()
    code = "import socket; s = socket.socket(); print(s.connect_ex(('127.0.0.1', 7000)))"
    assert out(net.run(PYTHON, "-c", code, SOCKET_WRAPPER_PCAP_FILE=str(file))) == "111\n"
    assert tshark(file, "-T", "fields", "-e", "tcp.flags").split() == ["0x0002", "0x0014"]


def test_a_full_file_system_ends_the_capture_and_not_the_program(net: Dropin, file: Path) -> None:
    limited = ("sh", "-c", 'ulimit -f 64; exec "$@"', "-", PYTHON, "-c", TALK, "127.0.0.1")
    out(net.run(*limited, SOCKET_WRAPPER_PCAP_FILE=str(file)))
    whole = file.read_bytes()
    assert 10000 < len(whole) <= 64 << 10
    at = 24
    while at < len(whole):
        at += 16 + struct.unpack_from("=I", whole, at + 8)[0]
    assert at == len(whole), "no torn packet at the end"
    out(net.run(PYTHON, "-c", TALK, "127.0.0.1", SOCKET_WRAPPER_PCAP_FILE=str(file)))
    assert file.read_bytes() == whole


def test_where_nothing_fits_any_more_what_is_there_stays(net: Dropin, file: Path) -> None:
    out(net.run(PYTHON, "-c", TALK, "127.0.0.1", SOCKET_WRAPPER_PCAP_FILE=str(file)))
    whole = file.read_bytes()
    assert len(whole) > 512
    other = Dropin(net.prefix, net.directory.with_name("other"))
    other.directory.mkdir()
    limited = ("sh", "-c", 'ulimit -f 1; exec "$@"', "-", PYTHON, "-c", TALK, "127.0.0.1")
    # Its own page is made by somebody who has room for it.
    out(other.run(PYTHON, "-c", "import socket; socket.create_server(('127.0.0.1', 1))"))
    out(other.run(*limited, SOCKET_WRAPPER_PCAP_FILE=str(file)))
    assert file.read_bytes() == whole


def test_a_daemon_that_closes_all_descriptors_is_captured_and_no_file_of_its_own_is_touched(
    net: Dropin, file: Path, tmp_path: Path
) -> None:
    code = f"""
import os, socket
os.closerange(3, 100)
mine = [open({str(tmp_path / "mine")!r} + str(i), "wb") for i in range(20)]
listener = socket.create_server(("", 7000))
client = socket.create_connection(("127.0.0.1", 7000))
client.sendall(b"question")
print(listener.accept()[0].recv(10))
"""
    assert out(net.run(PYTHON, "-c", code, SOCKET_WRAPPER_PCAP_FILE=str(file))) == "b'question'\n"
    assert {path.stat().st_size for path in tmp_path.glob("mine*")} == {0}
    assert "question" in tshark(file, "-q", "-z", "follow,tcp,ascii,0")


def test_without_a_place_for_it_nothing_is_captured_and_nothing_fails(net: Dropin, tmp_path: Path) -> None:
    for nowhere in (tmp_path, tmp_path / "missing" / "file", Path("/dev/full")):
        out(net.run(PYTHON, "-c", TALK, "127.0.0.1", SOCKET_WRAPPER_PCAP_FILE=str(nowhere)))
    assert shutil.which("tshark") is None or not list(tmp_path.glob("*.pcap"))
