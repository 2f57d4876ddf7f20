"""A lab's packets go into a file on demand, from its first packet to its last, and what is wrong with that file is said."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from selftest.support import commands, tshark
from selftest.support.commands import here, swrap
from swrap.lab import registry

TALK = """
import os, socket, time
server = socket.create_server(("", 445))
client = socket.create_connection(("10.0.1.1", 445))
other, _ = server.accept()
client.sendall(b"x" * 3000)
got = 0
while got < 3000:
    got += len(other.recv(4096))
{more}
"""
PASS = """
left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
if os.fork() == 0:
    _, (fd,), _, _ = socket.recv_fds(right, 10, 1)
    client.close(), other.close(), left.close()
    mine = socket.socket(fileno=fd)
    while mine.recv(10):
        pass
    os._exit(0)
time.sleep(1)  # the holders are looked at every quarter of a second
socket.send_fds(left, [b"x"], [other.fileno()])
other.close()
time.sleep(1)
client.sendall(b"to another process")
client.close()
os.wait()
"""


def run(file: Path, *options: object, more: str = "") -> subprocess.CompletedProcess[str]:
    """A conversation of a host with itself, in a lab of its own."""
    words = ("--host", "server", "--", "python3", "-c", TALK.format(more=more))
    return swrap("exec", "--lab", file, *options, *words)


def test_exec_captures_a_lab_that_it_starts(lab_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.pcapng"
    done = run(lab_file, "--pcap", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert tshark.complaints(file) == []
    (port,) = next(iter(tshark.packets(file, "tcp.srcport", only="tcp.flags.syn == 1")))
    assert tshark.stream(file, int(port)) == b"x" * 3000
    assert len(tshark.packets(file, "frame.number", only="tcp.flags.fin == 1")) == 2


def test_a_filter_leaves_out_the_rest(lab_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.pcapng"
    assert run(lab_file, "--pcap", file, "--pcap-filter", "host=server,port=446").returncode == 0
    assert tshark.packets(file, "frame.number") == []
    assert len(tshark.interfaces(file)) == 6


def test_a_socket_that_changes_hands_is_remarked(lab_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.pcapng"
    assert run(lab_file, "--pcap", file, more=PASS).returncode == 0
    said = [comment for (comment,) in tshark.packets(file, "frame.comment", only="frame.comment")]
    assert any(comment.startswith("the server's socket changed hands: process ") for comment in said), said


def test_a_capture_by_hand_on_a_running_lab(running_lab: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.pcapng"
    assert here("capture", "start", file, "--port", 445).stdout == f"packets are written to {file}\n"
    assert "runs already" in here("capture", "start", tmp_path / "b.pcapng").stderr
    assert run(running_lab).returncode == 0
    assert "state: running" in here("capture", "status").stdout
    assert here("capture", "stop").returncode == 0
    subprocess.run(["flock", "--shared", "--timeout", "20", file, "true"], check=True)
    assert tshark.complaints(file) == []
    assert len(tshark.packets(file, "frame.number", only="tcp.flags.syn == 1")) == 2


def test_up_writes_until_the_lab_is_down(lab_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.pcapng"
    assert swrap("up", lab_file, "--detach", "--pcap", file).returncode == 0
    assert run(lab_file).returncode == 0
    assert swrap("down", lab_file).returncode == 0
    assert len(tshark.packets(file, "frame.number", only="tcp.flags.syn == 1")) == 2


def test_a_killed_switch_is_the_end_of_the_lab_and_its_file_is_whole(lab_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.pcapng"
    process = commands.start("up", lab_file, "--pcap", file, stderr=subprocess.PIPE)
    commands.first_line(process)
    assert run(lab_file).returncode == 0
    (lab,) = registry.of_file(lab_file)
    assert lab.record.switch is not None
    os.kill(lab.record.switch.pid, signal.SIGKILL)
    _, said = process.communicate(timeout=commands.WITHIN)
    assert process.returncode == 3
    assert "the switch was killed by SIGKILL" in said
    assert f"the capture {file} ends where the switch did" in said
    assert not lab.directory.exists()
    assert len(tshark.packets(file, "frame.number", only="tcp.flags.fin == 1")) == 2


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--pcap-filter", "host=server"), "--pcap-filter: of which --pcap?"),
        (("--pcap", "{}/a", "--pcap-filter", "server"), "--pcap-filter: 'server' is not KEY=VALUE"),
        (
            ("--pcap", "{}/a", "--pcap-filter", "host=sever"),
            "no capture: no host sever; did you mean 'server'?",
        ),
        (("--pcap", "{}/a", "--pcap-filter", "prt=1"), "no capture: nothing is selected by 'prt'"),
        (("--pcap", "{}/no/a"), "no directory"),
    ],
)
def test_what_cannot_be_is_bad_input(
    lab_file: Path, tmp_path: Path, options: tuple[str, ...], complaint: str
) -> None:
    done = run(lab_file, *(one.format(tmp_path) for one in options))
    assert done.returncode == 2
    assert complaint in done.stderr
    assert not (tmp_path / "a").exists()


def test_a_private_network_has_nothing_to_capture(tmp_path: Path) -> None:
    done = swrap("exec", "--pcap", tmp_path / "a", "--", "true")
    assert (done.returncode, "has no switch" in done.stderr) == (2, True)


def test_a_lab_that_runs_is_captured_by_another_command(running_lab: Path, tmp_path: Path) -> None:
    done = run(running_lab, "--pcap", tmp_path / "a")
    assert (done.returncode, "`swrap capture start` captures there" in done.stderr) == (2, True)


def test_a_run_is_captured(tmp_path: Path) -> None:
    from swrap.cli.scenarios import DEMO

    file = tmp_path / "a.pcapng"
    done = commands.swrap("run", DEMO, "--pcap", file)
    assert done.returncode == 0, done.stdout + done.stderr
    comments = {comment for (comment,) in tshark.packets(file, "frame.comment", only="frame.comment")}
    assert any(comment.startswith("lost: no carrier at ") for comment in comments)
    assert tshark.packets(file, "smb2.cmd", only="smb2.cmd == 0")
    assert not [one for one in tshark.complaints(file) if "Malformed" in one or "checksum" in one.lower()]
