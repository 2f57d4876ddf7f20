"""A capture shows what the ends of every connection would have put on a wire, and Wireshark believes it."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import resource
import select
import shutil
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from selftest.support import tshark
from selftest.switch.driver import Switched, fill, receive, soon, switched, wait
from selftest.switch.test_churn import sanitized, victim  # noqa: F401
from selftest.switch.test_datagram import payloads, udp, word
from swrap.switch.client import ControlError

DATA, BLOCKS = 1, (0x0A0D0D0A, 1, 6)


class Captured:
    """A file that is being captured into."""

    def __init__(self, lab: Switched, file: Path) -> None:
        self.lab = lab
        self.file = file

    def end(self) -> dict[str, Any]:
        """End it, and say how it was."""
        with contextlib.suppress(ControlError):
            self.lab.do("capture-stop")
        soon(lambda: self.lab.do("capture-status")["state"] == "ended")
        return dict(self.lab.do("capture-status"))


@pytest.fixture
def captured(lab: Switched, tmp_path: Path) -> Captured:
    """A capture of all traffic."""
    file = tmp_path / "a.pcapng"
    lab.do("capture", file=str(file))
    return Captured(lab, file)


def blocks(file: Path) -> Iterator[tuple[int, bytes]]:
    """The blocks of a file, which must be whole."""
    raw = file.read_bytes()
    at = 0
    while at < len(raw):
        kind, length = struct.unpack_from("=II", raw, at)
        assert kind in BLOCKS
        assert raw[at + length - 4 : at + length] == raw[at + 4 : at + 8]
        yield kind, raw[at : at + length]
        at += length


def infos(file: Path, only: str = "") -> list[str]:
    """The packets in Wireshark's words, without what differs from run to run."""
    rows = tshark.packets(
        file, "frame.interface_name", "tcp.flags.str", "tcp.len", "frame.comment", only=only
    )
    return [
        " ".join(f"{name} {flags.replace('·', '')} {size} {comment}".split())
        for name, flags, size, comment in rows
    ]


def test_a_connection_from_syn_to_fin(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair()
    client.sendall(b"hello")
    receive(server, 5)
    server.sendall(bytes(2000))
    receive(client, 2000)
    client.close()
    assert server.recv(1) == b""
    server.close()
    soon(lambda: lab.do("flows") == [])
    assert captured.end()["packets"] == 12
    assert infos(captured.file) == [
        "laptop.eth0 S 0",
        "server.eth0 AS 0",
        "laptop.eth0 A 0",
        "laptop.eth0 AP 5",
        "server.eth0 A 0",
        "server.eth0 A 1460",
        "server.eth0 AP 540",
        "laptop.eth0 A 0",
        "laptop.eth0 AF 0",
        "server.eth0 A 0",
        "server.eth0 AF 0",
        "laptop.eth0 A 0",
    ]
    assert tshark.complaints(captured.file) == []


def test_ipv6_and_connections_inside_a_host(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair(remote="fd00:1::1", local="fd00:1::2")
    client.sendall(bytes(3000))
    receive(server, 3000)
    client, server = lab.pair(remote="127.0.0.1", local="127.0.0.1", host="server")
    client.sendall(bytes(100_000))
    receive(server, 100_000)
    captured.end()
    assert tshark.complaints(captured.file) == []
    assert {("laptop.eth0", "1440"), ("laptop.eth0", "120")} <= set(
        tshark.packets(captured.file, "frame.interface_name", "tcp.len", only="ipv6")
    )
    inside = tshark.packets(captured.file, "frame.interface_name", only="ip.addr == 127.0.0.1")
    assert set(inside) == {("server.lo",)}


def test_interfaces_have_their_host_their_speed_and_their_addresses(
    lab: Switched, captured: Captured
) -> None:
    captured.end()
    found = {one["Name"]: one for one in tshark.interfaces(captured.file)}
    assert list(found) == lab.page.interfaces()
    assert found["server.eth0"]["Description"] == "eth0 of host server"
    assert found["server.eth0"]["Speed"] == "1000000000"
    assert found["server.eth0"]["Encapsulation"].startswith("Ethernet")


@pytest.mark.parametrize("seed", range(2))
def test_megabytes_in_random_pieces_are_in_it_byte_by_byte(
    lab: Switched, captured: Captured, seed: int
) -> None:
    dice = random.Random(seed)
    client, server = lab.pair()
    data = dice.randbytes(3_000_000)

    def write() -> None:
        at = 0
        while at < len(data):
            size = dice.choice((1, 500, 1460, 4096, 65_536, 200_000))
            client.sendall(data[at : at + size])
            at += size

    writer = threading.Thread(target=write)
    writer.start()
    assert receive(server, len(data)) == data
    writer.join()
    port = int(lab.flow()["client"].rpartition(":")[2])
    assert "missing" not in captured.end()
    assert tshark.stream(captured.file, port) == data
    assert tshark.complaints(captured.file) == []


def test_what_is_sent_into_a_dead_path_is_sent_again(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair()
    lab.do("link", interface="server.eth0", up=False)
    data = random.Random(1).randbytes(4000)
    client.sendall(data)
    soon(lambda: lab.ask(client).backoff >= 2)
    lab.do("link", interface="server.eth0", up=True)
    assert receive(server, 4000) == data
    captured.end()
    lost = "lost: no carrier at server.eth0"
    assert infos(captured.file)[3:] == [
        f"laptop.eth0 A 1460 {lost}",
        f"laptop.eth0 A 1460 {lost}",
        f"laptop.eth0 AP 1080 {lost}",
        f"laptop.eth0 A 1460 {lost}",
        f"laptop.eth0 A 1460 {lost}",
        "laptop.eth0 A 1460",
        "laptop.eth0 A 1460",
        "laptop.eth0 AP 1080",
        "server.eth0 A 0",
    ]
    at = [
        float(one[0])
        for one in tshark.packets(captured.file, "frame.time_relative", only="tcp.analysis.retransmission")
    ]
    assert at[1] - at[0] == pytest.approx(0.4, abs=0.1)
    assert tshark.complaints(captured.file) == [
        "Notes: 5 Sequence TCP This frame is a (suspected) retransmission",
    ]


def test_over_a_long_path_data_leaves_before_its_ack_does(lab: Switched, captured: Captured) -> None:
    lab.do("delay", interface="laptop.eth0", time=0.05)
    client, server = lab.pair()
    client.sendall(bytes(1000))
    receive(server, 1000)
    soon(lambda: lab.unacked() == 0)
    captured.end()
    assert infos(captured.file)[3:] == ["laptop.eth0 AP 1000", "server.eth0 A 0"]
    sent, acked = (
        float(at) for (at,) in tshark.packets(captured.file, "frame.time_relative", only="frame.number > 3")
    )
    assert acked - sent == pytest.approx(0.05, abs=0.02)
    assert tshark.complaints(captured.file) == []


def test_where_only_acks_are_lost_data_arrives_again_and_again(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair()
    lab.do("block", host="server", direction="out")
    client.sendall(b"to be acked")
    receive(server, 11)
    soon(lambda: lab.ask(client).backoff >= 1)
    lab.do("heal")
    captured.end()
    unheard = "server.eth0 A 0 lost: a rule drops it"
    assert infos(captured.file)[3:] == [
        "laptop.eth0 AP 11",
        unheard,
        "laptop.eth0 AP 11",
        unheard,
        "laptop.eth0 AP 11",
        "server.eth0 A 0",
    ]


def test_syns_that_meet_silence_are_repeated_and_those_that_are_refused_meet_a_rst(
    lab: Switched, captured: Captured
) -> None:
    lab.do("block", port=445)
    listener = lab.listen("server", "10.0.1.1", 445)
    client = lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445)
    soon(lambda: lab.ask(client).backoff >= 1)
    lab.do("heal")
    assert wait(client, select.POLLOUT) == select.POLLOUT
    with pytest.raises(ConnectionRefusedError):
        lab.connect(port=81)
    listener.close()
    captured.end()
    assert infos(captured.file, "tcp.port == 445")[:5] == [
        "laptop.eth0 S 0 lost: a rule drops it",
        "laptop.eth0 S 0 lost: a rule drops it",
        "laptop.eth0 S 0",
        "server.eth0 AS 0",
        "laptop.eth0 A 0",
    ]
    assert infos(captured.file, "tcp.port == 81") == ["laptop.eth0 S 0", "server.eth0 AR 0"]


def test_a_reset_is_sent_by_whoever_went_away_or_by_the_fault(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair()
    server.sendall(b"unread")
    soon(lambda: lab.flow()["to_client"]["bytes"] == 6)
    client.close()
    assert wait(server, 0) & select.POLLERR
    lab.pair(port=446)
    lab.do("reset", port=446)
    captured.end()
    assert infos(captured.file, "tcp.port == 445 and tcp.flags.reset == 1") == ["laptop.eth0 AR 0"]
    assert infos(captured.file, "tcp.port == 446 and tcp.flags.reset == 1") == [
        "laptop.eth0 AR 0 reset, as it was told",
        "server.eth0 AR 0",
    ]


def test_what_chance_loses_is_seen_to_be_sent_again(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair()
    lab.do("loss", port=445, chance=0.2, direction="in")
    sent = random.Random(1).randbytes(100_000)
    for at in range(0, len(sent), 10_000):
        client.sendall(sent[at : at + 10_000])
        assert receive(server, 10_000) == sent[at : at + 10_000]
    captured.end()
    again = tshark.packets(captured.file, "frame.comment", only="tcp.analysis.retransmission")
    assert len(again) >= 3
    assert {comment for (comment,) in again} == {"sent again: by chance it was lost"}
    assert tshark.stream(captured.file, int(lab.flow()["client"].rpartition(":")[2])) == sent


def test_a_receiver_that_does_not_read_closes_its_window(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair()
    sent = fill(client)
    wait(client, 0, 0.5)  # the time for which there must be no room
    receive(server, sent)
    soon(lambda: lab.unacked() == 0)
    captured.end()
    windows = [
        int(one[0]) for one in tshark.packets(captured.file, "tcp.window_size", only="tcp.srcport == 445")
    ]
    assert 0 in windows
    assert windows[-1] > 200_000


def test_datagrams_with_their_fragments_and_those_that_are_lost(lab: Switched, captured: Captured) -> None:
    server, client = udp(lab, "server", port=5300), udp(lab, "laptop", "10.0.1.2", 4000)
    big = random.Random(2).randbytes(5000)
    client.send(word(DATA, "10.0.1.1", 5300, more=b"small"))
    client.send(word(DATA, "10.0.1.1", 5300, more=big))
    assert payloads(lab, server) == [b"small", big]
    lab.do("block", port=5300)
    client.send(word(DATA, "10.0.1.1", 5300, more=b"never"))
    assert payloads(lab, server) == []
    captured.end()
    assert tshark.complaints(captured.file) == []
    assert tshark.packets(
        captured.file, "frame.interface_name", "udp.length", "frame.comment", only="udp"
    ) == [
        ("laptop.eth0", "13", ""),
        ("laptop.eth0", "5008", ""),
        ("laptop.eth0", "13", "lost: a rule drops it"),
    ]
    assert len(tshark.packets(captured.file, "ip.id", only="ip")) == 6


def test_only_what_was_asked_for_is_captured(lab: Switched, tmp_path: Path) -> None:
    captured = Captured(lab, tmp_path / "a.pcapng")
    lab.do("capture", file=str(captured.file), host="laptop", port=446)
    lab.pair(port=445)
    lab.pair(port=446)
    lab.pair(port=446, host="desk", local="10.0.1.3")
    captured.end()
    assert set(
        tshark.packets(
            captured.file, "ip.src", "tcp.srcport", only="tcp.flags.syn == 1 and tcp.flags.ack == 1"
        )
    ) == {("10.0.1.1", "446")}
    assert captured.lab.do("capture-status")["packets"] == 3


def test_a_connection_that_was_there_before_is_captured_from_now_on(lab: Switched, tmp_path: Path) -> None:
    client, server = lab.pair()
    client.sendall(b"before")
    receive(server, 6)
    captured = Captured(lab, tmp_path / "a.pcapng")
    lab.do("capture", file=str(captured.file))
    client.sendall(b"after")
    receive(server, 5)
    captured.end()
    client.sendall(b"unseen")
    assert receive(server, 6) == b"unseen"
    assert infos(captured.file) == ["laptop.eth0 AP 5", "server.eth0 A 0"]
    assert tshark.complaints(captured.file) == []


def test_a_remark_stands_beside_the_next_packet(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair()
    assert lab.do("capture-note", flow=lab.flow()["id"], text="handed to process 7") is True
    assert lab.do("capture-note", flow=999, text="to nobody") is False
    client.sendall(b"x")
    receive(server, 1)
    captured.end()
    assert infos(captured.file)[3:] == ["laptop.eth0 AP 1 handed to process 7", "server.eth0 A 0"]


def test_a_switch_that_is_killed_leaves_a_whole_file_with_all_that_was_captured(tmp_path: Path) -> None:
    file = tmp_path / "a.pcapng"
    with switched(tmp_path / "lab") as lab:
        lab.do("capture", file=str(file))
        client, server = lab.pair()
        client.setblocking(False)
        got = 0
        while got < 20_000_000:
            with contextlib.suppress(BlockingIOError):
                client.send(bytes(65_536))
            got += len(server.recv(1 << 20))
        lab.process.kill()
        lab.process.wait()
        assert wait(client, 0) & select.POLLERR
    unlocked(file)
    seen = sum(len(raw) for kind, raw in blocks(file) if kind == 6)
    assert seen >= got


def unlocked(file: Path) -> None:
    """Wait until its writer has ended."""
    subprocess.run(["flock", "--shared", "--timeout", "20", file, "true"], check=True)


def test_a_full_disk_ends_the_capture_and_not_the_network(lab: Switched, captured: Captured) -> None:
    # As good as a disk with room for so much: EFBIG instead of ENOSPC.
    soon(lambda: captured.file.stat().st_size > 0)
    writer = children(lab.process.pid)
    resource.prlimit(writer, resource.RLIMIT_FSIZE, (100_000, 100_000))
    client, server = lab.pair()
    for _ in range(20):
        client.sendall(bytes(50_000))
        receive(server, 50_000)
    soon(lambda: lab.do("capture-status")["state"] == "ended")
    said = lab.do("capture-status")
    assert said["error"] == os.strerror(errno.EFBIG)
    assert said["bytes"] == captured.file.stat().st_size <= 100_000
    assert [kind for kind, _ in blocks(captured.file)].count(6) > 10
    client.sendall(b"still here")
    assert receive(server, 10) == b"still here"
    lab.do("capture", file=str(captured.file.with_name("b.pcapng")))


def test_a_writer_that_is_killed_leaves_whole_blocks(lab: Switched, captured: Captured) -> None:
    client, server = lab.pair()
    client.sendall(b"x")
    receive(server, 1)
    soon(lambda: infos(captured.file)[-1:] != [] and len(infos(captured.file)) >= 5)
    writer = children(lab.process.pid)
    os.kill(writer, signal.SIGSTOP)
    with captured.file.open("ab") as file:
        file.write(b"\x06\0\0\0\x40\0\0\0 as far as it got")
    os.kill(writer, signal.SIGKILL)
    soon(lambda: lab.do("capture-status")["state"] == "ended")
    said = lab.do("capture-status")
    assert said["error"] == "its writer was killed"
    assert said["bytes"] == captured.file.stat().st_size
    assert [kind for kind, _ in blocks(captured.file)].count(6) >= 5


def children(pid: int) -> int:
    """The only child of a process."""
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def test_a_file_that_is_too_slow_costs_packets_and_says_how_many(lab: Switched, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    lab.do("capture", file=str(pipe))
    client, server = lab.pair()
    sent = 0
    began = time.monotonic()
    while sent < 80_000_000:
        client.sendall(bytes(50_000))
        receive(server, 50_000)
        sent += 50_000
    assert time.monotonic() - began < 30, "the network waited for the pipe"
    assert lab.do("capture-status")["state"] == "running"
    with (tmp_path / "a.pcapng").open("wb") as file, os.fdopen(reader, "rb") as stream:
        os.set_blocking(reader, True)
        copy = threading.Thread(target=shutil.copyfileobj, args=(stream, file))
        copy.start()
        client.sendall(b"x")  # once there is room again, it tells what is missing before it
        receive(server, 1)
        lab.do("capture-stop")
        copy.join(20)
    soon(lambda: lab.do("capture-status")["state"] == "ended")
    said = lab.do("capture-status")
    assert said["missing"] > 10_000
    kinds = [kind for kind, _ in blocks(tmp_path / "a.pcapng")]
    assert kinds.count(6) == said["packets"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "file is an absolute path"),
        ({"file": "a.pcapng"}, "file is an absolute path"),
        ({"file": "/nowhere/a.pcapng"}, "/nowhere/a.pcapng: No such file or directory"),
        ({"file": "/dev/full/x"}, "/dev/full/x: Not a directory"),
        ({"file": "{}", "host": "lapto"}, "no host lapto; did you mean 'laptop'?"),
        ({"file": "{}", "prot": 445}, "nothing is selected by 'prot'"),
    ],
)
def test_what_cannot_be_captured_is_refused(
    lab: Switched, tmp_path: Path, arguments: dict[str, Any], complaint: str
) -> None:
    named = {
        key: value.format(tmp_path / "x") if key == "file" else value for key, value in arguments.items()
    }
    with pytest.raises(ControlError) as refused:
        lab.do("capture", **named)
    assert complaint in str(refused.value)
    assert lab.do("capture-status") == {"state": "none"}
    assert not (tmp_path / "x").exists()


def test_one_capture_at_a_time_and_one_file_each(lab: Switched, captured: Captured, tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="a capture runs already"):
        lab.do("capture", file=str(tmp_path / "b.pcapng"))
    with (
        switched(tmp_path / "other") as other,
        pytest.raises(ControlError, match="another capture writes it"),
    ):
        other.do("capture", file=str(captured.file))
    captured.end()
    assert [kind for kind, _ in blocks(captured.file)][:2] == [0x0A0D0D0A, 1]
    with pytest.raises(ControlError, match="no capture runs"):
        lab.do("capture-stop")


def test_its_end_is_told_to_those_who_asked_for_that_alone(lab: Switched, captured: Captured) -> None:
    import asyncio

    async def listen() -> dict[str, Any]:
        control = await lab.control()
        events = control.events("capture-ended")
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        other = await lab.control()
        await other.call("ping")
        client, server = lab.pair()
        client.close()
        server.close()
        await other.call("capture-stop")
        event = await first
        await control.close()
        await other.close()
        return event

    event = asyncio.run(listen())
    assert (event["kind"], event["file"]) == ("capture-ended", str(captured.file))


@pytest.mark.parametrize(
    "story",
    [
        test_what_is_sent_into_a_dead_path_is_sent_again,
        test_where_only_acks_are_lost_data_arrives_again_and_again,
        test_a_reset_is_sent_by_whoever_went_away_or_by_the_fault,
        test_datagrams_with_their_fragments_and_those_that_are_lost,
    ],
)
def test_under_sanitizers_too(
    victim: Switched,  # noqa: F811
    tmp_path: Path,
    story: Callable[[Switched, Captured], None],
) -> None:
    file = tmp_path / "a.pcapng"
    victim.do("capture", file=str(file))
    story(victim, Captured(victim, file))
