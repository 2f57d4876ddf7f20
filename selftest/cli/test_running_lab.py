"""On a running lab: its sockets are shown with their holders, its environment can be had, faults are put in force by hand."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selftest.support import commands
from selftest.support.commands import here
from swrap.abi.paths import libswrap

SERVE = "import socket, sys; s = socket.create_server(('', 80)); print('up', flush=True); c, _ = s.accept(); print(c.recv(100).decode(), flush=True); sys.stdin.read()"
CALL = "import socket, sys; c = socket.create_connection(('10.0.1.1', 80)); c.sendall(b'hello'); print('sent', flush=True); sys.stdin.readline() == 'send\\n' and c.sendall(b'again'); print(c.recv(9))"


class Conversation:
    """A server and a client that have exchanged five bytes."""

    def __init__(self, lab: Path) -> None:
        self.processes: list[subprocess.Popen[str]] = []
        self.server = self._start(lab, "server", SERVE)
        assert commands.first_line(self.server) == "up"
        self.client = self._start(lab, "laptop", CALL)
        assert commands.first_line(self.client) == "sent"
        assert commands.first_line(self.server) == "hello"

    def _start(self, lab: Path, host: str, code: str) -> subprocess.Popen[str]:
        words = ("exec", "--lab", lab, "--host", host, "--", "python3", "-c", code)
        self.processes.append(commands.start(*words, stderr=subprocess.PIPE))
        return self.processes[-1]


@pytest.fixture
def conversation(running_lab: Path) -> Iterator[Conversation]:
    """One in the running lab."""
    conversation = Conversation(running_lab)
    yield conversation
    commands.finish(conversation.processes)


def rows(*options: object) -> list[dict[str, Any]]:
    """What `swrap ss --json` tells."""
    found: list[dict[str, Any]] = json.loads(here("ss", "--json", *options).stdout)
    return found


@pytest.mark.usefixtures("conversation")
def test_ss_with_info_counts_packets_of_sockets_and_interfaces() -> None:
    told = json.loads(here("ss", "--info", "--json").stdout)
    assert [one["packets"] for one in told["sockets"]] == [0, 1, 0]
    counted = {one["name"]: (one["tx_packets"], one["rx_packets"]) for one in told["interfaces"]}
    assert (counted["laptop.eth0"], counted["server.eth0"]) == ((1, 0), (0, 1))
    head, *lines = here("ss", "-i").stdout.split("\n\n")[1].splitlines()
    assert head.split() == ["Interface", "Sent", "Packets", "Lost", "Received", "Packets", "Lost"]
    assert [line.split()[0] for line in lines] == list(counted)


def test_ss_shows_listener_and_both_ends_with_bytes_and_holders(conversation: Conversation) -> None:
    listener, client, server = rows()
    assert (listener["state"], listener["host"], listener["local"]) == ("LISTEN", "server", "0.0.0.0:80")
    assert [one["pid"] for one in listener["held_by"]] == [conversation.server.pid]
    assert (client["host"], client["peer"], client["acked"], client["unacked"]) == (
        "laptop",
        "10.0.1.1:80",
        5,
        0,
    )
    assert [one["pid"] for one in client["held_by"]] == [conversation.client.pid]
    assert (server["host"], server["peer"], server["received"]) == ("server", client["local"], 5)
    assert [one["pid"] for one in server["held_by"]] == [conversation.server.pid]
    assert (client["interface"], server["interface"]) == ("laptop.eth0", "server.eth0")
    assert {client["state"], server["state"]} == {"ESTABLISHED"}


def test_ss_without_a_terminal_is_plain_columns(conversation: Conversation) -> None:
    lines = here("ss").stdout.splitlines()
    assert lines[0].split() == ["State", "Host", "Local", "Peer", "Acked", "Un-acked", "Received", "Holders"]
    assert len(lines) == 4
    assert lines[1].startswith("LISTEN ")
    assert f"{conversation.server.pid} python3 -c" in lines[1]
    assert len({line.index("server") for line in lines if " server " in line}) == 1, (
        "columns stand under each other"
    )


def test_a_pulled_cable_shows_in_un_acked_bytes_until_it_is_back(conversation: Conversation) -> None:
    done = here("link", "server.eth0", "down")
    assert (done.returncode, done.stdout) == (0, "server.eth0 is down: 1 flow, 0 bytes under way\n")
    assert conversation.client.stdin is not None
    conversation.client.stdin.write("send\n")
    conversation.client.stdin.flush()
    # The switch takes the bytes in when it gets to it: an event of its own, so look until it has.
    for _ in range(1000):
        client = rows()[1]
        if client["unacked"]:
            break
    assert (client["unacked"], client["acked"], client["blocked"]) == (5, 5, True)
    assert here("link", "server.eth0", "up").stdout.startswith("server.eth0 is up: 1 flow, ")
    for _ in range(1000):
        client = rows()[1]
        if not client["unacked"]:
            break
    assert (client["unacked"], client["acked"], client["blocked"]) == (0, 10, False)


def test_a_reset_ends_a_connection_and_says_what_it_touched(conversation: Conversation) -> None:
    assert here("reset", "--port", "81").stdout == "reset: 0 flows, 0 bytes under way\n"
    assert here("reset", "laptop", "--port", "80").stdout.startswith("reset: 1 flow, ")
    _, errors = conversation.client.communicate("\n")
    assert "ConnectionResetError" in errors
    assert [row["state"] for row in rows()] == ["LISTEN"]


def test_a_rule_is_in_force_until_it_is_taken_back(conversation: Conversation) -> None:
    done = here("block", "10.0.1.1:80", "--direction", "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "rule 1: 1 flow, 0 bytes under way\n"
    assert here("unblock", "1").stdout == "unblock: 1 flow, 0 bytes under way\n"
    assert here("cut", "laptop", "server").stdout == "rule 2: 1 flow, 0 bytes under way\n"
    assert here("block", "server", "--state", "new", "--reject").stdout.startswith("rule 3: 0 flows")
    assert here("unblock").stdout == "unblock: 0 flows, 0 bytes under way\n"
    assert here("heal").stdout == "heal: 1 flow, 0 bytes under way\n"
    done = here("unblock", "99")
    assert done.returncode == 2
    assert "99" in done.stderr


def test_every_fault_can_be_made_by_hand_in_the_words_of_a_scenario(conversation: Conversation) -> None:
    one = "1 flow, 0 bytes under way\n"
    for words, told in {
        ("delay", "server.eth0", "--time", "20ms", "--jitter", "5ms"): f"rule 1: {one}",
        ("loss", "--between", "laptop", "server", "--chance", "1%"): f"rule 2: {one}",
        ("partition", "laptop", "server", "--direction", "in"): f"rule 3: {one}",
        ("hold", "--port", "80"): f"rule 4: {one}",
        ("lose-acks", "laptop", "--direction", "out"): f"rule 5: {one}",
        ("duplicate", "server", "--chance", "0.5"): "rule 6: 0 flows, 0 bytes under way\n",
        ("reorder", "server", "--chance", "5%", "--time", "10ms"): "rule 7: 0 flows, 0 bytes under way\n",
        ("corrupt", "server", "--chance", "1e-3"): None,
        ("rate", "server.eth0", "10M"): f"rate: {one}",
        ("rate", "server.eth0", "none"): f"rate: {one}",
        ("speed", "server.eth0", "100M"): f"speed: {one}",
        ("add-address", "laptop.eth0", "10.0.1.9/24"): "add-address: 0 flows, 0 bytes under way\n",
        ("move", "10.0.1.9", "server.eth0"): "move: 0 flows, 0 bytes under way\n",
        ("remove-address", "10.0.1.9"): "remove-address: 0 flows, 0 bytes under way\n",
        ("release",): f"release: {one}",
        ("heal",): f"heal: {one}",
    }.items():
        done = here(*words)
        assert (done.returncode, done.stdout) == ((0, told) if told else (2, "")), (words, done.stderr)


MISTAKES = [
    (["delay", "server"], "delay needs 'time'"),
    (["delay", "server", "--time", "20mss"], "--time: unknown unit 'mss' of a time"),
    (["loss", "server", "--chance", "2"], "is not a chance: 0% to 100%"),
    (["cut", "laptop", "sever"], "did you mean 'server'?"),
    (["rate", "server.eth0", "10MB"], "counts bytes"),
    (["move", "10.0.1.1", "desk.eth0"], "no interface desk.eth0"),
    (["link", "sever.eth0", "down"], "did you mean 'server.eth0'?"),
    (["link", "server.eth0", "dwon"], "'dwon' is not one of 'up', 'down'"),
    (["block"], "which traffic?"),
    (["block", "servr"], "did you mean 'server'?"),
    (["block", "[fd00::x]:80"], "fd00::x is no IP address"),
    (["block", "10.0.1.1:80", "--port", "81"], "do not agree"),
    (["reset", "--port", "0"], "a port is 1 to 65535"),
    (["ss", "--lab", "/no/such/lab"], "no such file or directory"),
    (["env", "--host", "sever"], "did you mean 'server'?"),
    (["env"], "--host is missing; "),
]


def test_a_mistake_is_one_line_that_names_it(running_lab: Path) -> None:
    for words, complaint in MISTAKES:
        done = here(*words)
        assert (done.returncode, done.stdout) == (2, ""), words
        assert done.stderr.startswith("swrap: "), words
        assert complaint in done.stderr, words
        assert done.stderr.count("\n") == 1, words


def test_env_puts_a_shell_into_a_host(conversation: Conversation, running_lab: Path) -> None:
    done = here("env", "--host", "laptop")
    exports = dict(shlex.split(line)[1].split("=", 1) for line in done.stdout.splitlines())
    assert exports == {
        "LD_PRELOAD": str(libswrap()),
        "SWRAP_LAB": str(commands.directory_of(running_lab)),
        "SWRAP_HOST": "laptop",
    }
    code = "import socket; print(socket.if_nameindex())"
    done = subprocess.run(
        ["sh", "-c", f"{done.stdout}\npython3 -c '{code}'"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "[(1, 'lo'), (2, 'eth0'), (3, 'wlan0')]\n"


def test_env_shim_is_the_path_of_the_library() -> None:
    assert here("env", "--shim").stdout == f"{libswrap()}\n"


def test_a_running_lab_in_another_network_namespace_is_told_as_such(running_lab: Path) -> None:
    from selftest.support import netns

    command = netns.around(commands.argv("ss", "--lab", running_lab))
    if command[0] != "unshare":
        pytest.skip("needs root: this kernel lets no ordinary user make a namespace")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "runs in another network namespace" in done.stderr


def test_where_no_lab_runs_every_command_says_so_and_how_to_start_one(lab_file: Path) -> None:
    for words in (["ss"], ["heal"], ["link", "server.eth0", "up"], ["down"], ["env", "--host", "server"]):
        done = here(*words)
        assert (done.returncode, done.stderr) == (
            2,
            "swrap: no lab is running; `swrap up LAB.yaml` starts one\n",
        )
        done = here(*words, "--lab", lab_file)
        assert (done.returncode, done.stderr) == (
            2,
            f"swrap: no lab runs from {lab_file}; `swrap up {lab_file}` starts one\n",
        )


ASK = "import socket; s = socket.socket(); [s.setsockopt(0, 15, 1) for _ in range(2)]; print(s.getsockopt(0, 15))"


def test_ss_tells_what_is_not_emulated(running_lab: Path) -> None:
    nothing = here("ss", "--lab", running_lab, "--gaps")
    assert (nothing.returncode, nothing.stdout) == (
        0,
        "no gaps: nothing was asked for that is not emulated\n",
    )
    asked = commands.swrap("exec", "--lab", running_lab, "--host", "server", "--", "python3", "-c", ASK)
    assert (asked.returncode, asked.stdout) == (0, "1\n")
    head, row = here("ss", "--lab", running_lab, "--gaps").stdout.splitlines()
    assert head.split() == ["Call", "What", "Process", "Count"]
    assert row.startswith("setsockopt, without effect  IPPROTO_IP IP_FREEBIND")
    assert row.split()[-1] == "2"
    assert "python3" in row
    told = json.loads(here("ss", "--lab", running_lab, "--gaps", "--json").stdout)
    assert told["unlisted"] == 0
    assert [(gap["kind"], gap["what"], gap["count"]) for gap in told["gaps"]] == [
        ("no_effect", "IPPROTO_IP IP_FREEBIND", 2)
    ]
