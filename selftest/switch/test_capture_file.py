"""What gets into a capture's file, and how a capture ends: as asked, by a full disk, by a kill, by a reader too slow."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import select
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from selftest.support import tshark
from selftest.switch.capturing import Captured, blocks, captured, infos
from selftest.switch.driver import Switched, receive, soon, switched, wait
from swrap.switch.client import ControlError

__all__ = ["captured"]


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
