"""The control socket: the lab's owner alone, errors that change nothing, and nobody who can stop the network."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from selftest.switch.driver import Switched, opening, receive, switched
from swrap.abi import lib
from swrap.abi.names import Endpoint, Name, encode, service_address
from swrap.switch.client import ControlClient, ControlError, control_call


def raw(lab: Switched) -> socket.socket:
    """A control connection without a client library."""
    one = lab.keep(socket.socket(socket.AF_UNIX))
    one.settimeout(10)
    one.connect(service_address(lab.page, "control"))
    return one


def said(one: socket.socket, line: bytes) -> Any:
    """What is answered to one line."""
    one.sendall(line + b"\n")
    got = b""
    while not got.endswith(b"\n"):
        got += one.recv(65536)
    return json.loads(got)


def test_ping_says_who_answers(lab: Switched) -> None:
    assert lab.do("ping") == {"version": 1, "pid": lab.process.pid, "lab": lab.page.lab}


def test_interfaces_are_listed_with_what_they_report_and_carry(lab: Switched) -> None:
    lab.do("link", interface="server.eth0", up=False)
    lab.do("rate", interface="server.eth0", rate=5_000_000)
    (eth0,) = (one for one in lab.do("interfaces") if one["name"] == "server.eth0")
    assert eth0 == {
        "name": "server.eth0",
        "host": "server",
        "up": False,
        "speed": 1_000_000_000,
        "rate": 5_000_000,
        "addresses": ["10.0.1.1", "fd00:1::1"],
        **{f"{way}_{what}": 0 for way in ("tx", "rx") for what in ("bytes", "packets", "lost")},
    }


@pytest.mark.parametrize(
    ("verb", "args", "words"),
    [
        ("lnik", {}, "no command 'lnik'; did you mean 'link'?"),
        ("link", {"interface": "server.eth9", "up": False}, "no interface server.eth9; did you mean"),
        ("link", {"interface": "server.eth0"}, "up is true or false"),
        ("link", {"interface": "server.eth0", "up": 0}, "up is true or false"),
        ("link", {"up": True}, "say which interface"),
        ("link", {"interface": "server.lo", "up": False}, "lo has no cable"),
        ("link", {"interface": "server.eth0", "upp": True}, "link takes no 'upp'; did you mean 'up'?"),
        ("link", {"interface": 7, "up": True}, "interface is a name, not 7"),
        ("rate", {"interface": "server.eth0", "rate": 0}, "a rate is a number"),
        ("rate", {"interface": "server.eth0", "rate": True}, "a rate is a number"),
        ("rate", {"interface": "server.eth0", "rate": "10M"}, "a rate is a number"),
        ("rate", {"interface": "server.eth0", "rate": 1 << 63}, "a rate is a number"),
        ("block", {}, "say which traffic"),
        ("block", {"direction": "in"}, "say which traffic"),
        ("block", {"port": 0}, "a port is 1 to 65535"),
        ("block", {"port": True}, "a port is 1 to 65535"),
        ("block", {"port": 445, "direction": "up"}, "direction is in, out or both"),
        ("block", {"host": "sever"}, "no host sever; did you mean 'server'?"),
        ("block", {"address": "10.0.1"}, "is no IP address"),
        ("block", {"address": 167772417}, "is no IP address"),
        ("block", {"between": ["server"]}, "between takes two hosts"),
        ("block", {"between": ["server", "dusk"]}, "no host dusk; did you mean 'desk'?"),
        ("block", {"hots": "server"}, "block takes no 'hots'; did you mean 'host'?"),
        ("block", {"port": 445, "state": "old"}, "state is new, established or any"),
        ("block", {"host": []}, "a list of hosts is not empty"),
        ("block", {"flow": 0}, "a flow is a number from 1"),
        ("block", {"port": 445, "reject": 1}, "reject is true or false"),
        ("cut", {"port": 445}, "cut takes no 'port'"),
        ("cut", {"between": ["server", ["desk", "dusk"]]}, "no host dusk; did you mean 'desk'?"),
        ("seed", {"seed": -1}, "a seed is a number from 0"),
        ("release", {"rule": 1}, "no rule 1"),
        ("reset", {}, "say which traffic"),
        ("unblock", {"rule": 3}, "no rule 3"),
        ("unblock", {"rule": -1}, "no rule -1"),
        ("unblock", {"rule": "1"}, "a rule is a number"),
        ("ping", {"x": 1}, "ping takes no 'x'"),
    ],
)
def test_a_bad_command_is_refused_in_words_and_changes_nothing(
    lab: Switched, verb: str, args: dict[str, Any], words: str
) -> None:
    before = lab.do("interfaces")
    with pytest.raises(ControlError) as caught:
        lab.do(verb, **args)
    assert words in str(caught.value)
    assert lab.do("interfaces") == before


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b"[]",
        b'"link"',
        b"{}",
        b'{"do": 1}',
        b'{"do": "ping", "args": []}',
        b"\xff\xfe",
        b"[" * 5000,
    ],
)
def test_a_line_that_is_no_command_gets_an_error_and_the_next_is_heard(lab: Switched, line: bytes) -> None:
    one = raw(lab)
    answer = said(one, line)
    assert answer["ok"] is False
    assert answer["error"]
    assert said(one, b'{"v":1,"id":"x","do":"ping"}')["id"] == "x"


def test_another_version_is_refused(lab: Switched) -> None:
    assert "version 2 is not spoken" in said(raw(lab), b'{"v":2,"id":1,"do":"ping"}')["error"]


def test_commands_may_come_in_pieces_and_many_in_one(lab: Switched) -> None:
    one = raw(lab)
    one.sendall(b'{"id":1,"do":')
    one.sendall(b'"ping"}\n{"id":2,"do":"ping"}\n{"id":3,')
    one.sendall(b'"do":"ping"}\n')
    lines = one.makefile("rb")
    assert [json.loads(lines.readline())["id"] for _ in range(3)] == [1, 2, 3]
    lines.close()


def test_an_endless_line_ends_the_connection_not_the_network(lab: Switched) -> None:
    one = raw(lab)
    with contextlib.suppress(ConnectionError):
        for _ in range(100):
            one.sendall(b"x" * 65536)
    assert lab.do("ping")


def test_a_client_that_does_not_read_is_dropped_and_the_network_goes_on(lab: Switched) -> None:
    lazy, client_and_server = raw(lab), lab.pair()
    lazy.setblocking(False)
    with contextlib.suppress(ConnectionError):
        for _ in range(100_000):
            with contextlib.suppress(BlockingIOError):
                lazy.send(b'{"do":"interfaces"}\n' * 100)
            if not _ % 100 and lazy not in _writable(lazy):
                break
    client, server = client_and_server
    client.sendall(b"still here")
    assert receive(server, 10) == b"still here"
    assert lab.do("ping")


def _writable(one: socket.socket) -> list[socket.socket]:
    return select.select([], [one], [], 1)[1]


def test_too_many_clients_are_turned_away(lab: Switched) -> None:
    several = [raw(lab) for _ in range(40)]
    refused = 0
    for one in several:
        try:
            said(one, b'{"do":"ping"}')
        except (ConnectionError, ValueError):
            refused += 1
    assert refused == 40 - 24
    for one in several:
        one.close()
    assert lab.do("ping")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
@pytest.mark.parametrize("door", ["control", "stream"])
def test_a_stranger_gets_nothing(lab: Switched, door: str) -> None:
    address = service_address(lab.page, "control" if door == "control" else "stream")
    nowhere = Endpoint(ip_address("0.0.0.0"), 0)
    words = b'{"do":"ping"}\n' if door == "control" else opening(lib.SW_ASK, 0, 1, nowhere, nowhere, 64)
    program = (
        "import os, socket, sys\n"
        "os.setuid(65533)\n"
        "s = socket.socket(socket.AF_UNIX)\n"
        "s.connect(bytes.fromhex(sys.argv[1]))\n"
        "try:\n"
        "    s.sendall(bytes.fromhex(sys.argv[2]))\n"
        "    print(s.recv(100))\n"
        "except (BrokenPipeError, ConnectionResetError):\n"
        "    print(b'')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, address.hex(), words.hex()],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout == "b''\n"
    assert lab.do("flows") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_a_listener_of_a_stranger_is_nobody(lab: Switched) -> None:
    name = encode(lab.page, Name(lab.host("server"), "t", Endpoint(ip_address("10.0.1.1"), 445), None))
    program = (
        "import os, socket, sys\n"
        "os.setuid(65533)\n"
        "s = socket.socket(socket.AF_UNIX)\n"
        "s.bind(bytes.fromhex(sys.argv[1]))\n"
        "s.listen()\n"
        "print('listening', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, name.hex()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as squatter:
        assert squatter.stdout is not None
        assert squatter.stdout.readline() == "listening\n"
        with pytest.raises(ConnectionRefusedError):
            lab.connect()
        squatter.communicate("")


def test_events_tell_the_story_of_a_flow(lab: Switched) -> None:
    async def story() -> list[dict[str, Any]]:
        control = await lab.control()
        events = control.events()
        seen: list[dict[str, Any]] = []

        async def next_event(kind: str) -> None:
            event = await asyncio.wait_for(anext(events), 10)
            assert event["kind"] == kind, event
            seen.append(event)

        watching = asyncio.create_task(next_event("flow-refused"))
        while not watching.done():  # the subscription is under way; a refusal may come before it
            with contextlib.suppress(ConnectionRefusedError):
                await asyncio.to_thread(lab.connect, port=99)
            await asyncio.wait([watching], timeout=0.05)
        await watching
        await control.call("link", interface="server.eth0", up=False)
        listener = lab.listen("server", "10.0.1.1", 445)
        client = lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445, local_port=555)
        while seen[-1]["kind"] != "flow-waiting":
            seen.append(await asyncio.wait_for(anext(events), 10))
        await control.call("link", interface="server.eth0", up=True)
        await next_event("link")
        await next_event("flow-opened")
        server = await asyncio.to_thread(lab.accept, listener)
        await next_event("flow-accepted")
        client.sendall(b"12345")
        assert receive(server, 5) == b"12345"
        await control.call("reset", port=445)
        await next_event("reset")
        await next_event("flow-closed")
        await control.close()
        return seen

    seen = asyncio.run(story())
    times = [event["at"] for event in seen]
    assert times == sorted(times)
    by_kind = {event["kind"]: event for event in seen}
    assert by_kind["flow-refused"]["reason"] == "refused"
    assert by_kind["flow-waiting"]["reason"] == "no carrier"
    assert by_kind["link"] == by_kind["link"] | {
        "interface": "server.eth0",
        "up": True,
        "flows": 1,
        "bytes": 0,
    }
    closed = by_kind["flow-closed"]
    assert (closed["how"], closed["bytes"], closed["to_server"]) == ("reset", 5, 5)
    assert (closed["client"], closed["server"]) == ("10.0.1.2:555", "10.0.1.1:445")
    assert (closed["client_host"], closed["server_host"]) == ("laptop", "server")
    assert by_kind["flow-opened"]["interfaces"] == ["laptop.eth0", "server.eth0"]
    assert by_kind["flow-opened"]["id"] == closed["id"] == by_kind["flow-accepted"]["id"]
    assert by_kind["flow-accepted"]["server_ino"]


def test_concurrent_calls_get_their_own_answers(lab: Switched) -> None:
    async def calls() -> list[Any]:
        control = await lab.control()
        got = await asyncio.gather(*(control.call("ping") for _ in range(50)), control.call("flows"))
        await control.close()
        return got

    got = asyncio.run(calls())
    assert got[50] == []
    assert all(one["pid"] == lab.process.pid for one in got[:50])


def test_a_call_that_waits_when_the_switch_dies_fails(lab: Switched) -> None:
    async def call() -> None:
        control = await lab.control()
        await control.call("stop")
        with pytest.raises(ControlError, match="gone"):
            await asyncio.gather(*(control.call("ping") for _ in range(100)))
        assert [event async for event in _until_gone(control)] == []
        await control.close()

    asyncio.run(call())


async def _until_gone(control: ControlClient) -> Any:
    with contextlib.suppress(ControlError):
        async for event in control.events():
            yield event


def test_without_a_switch_the_client_says_so(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="no lab in"):
        control_call(tmp_path, "ping")
    with switched(tmp_path / "lab") as lab:
        lab.do("stop")
        lab.process.wait(10)
        with pytest.raises(ControlError, match="no switch answers"):
            lab.do("ping")


def test_a_second_switch_of_the_same_lab_does_not_start(lab: Switched) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "swrap.switch", str(lab.directory)], capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 2
    assert "Address already in use" in done.stderr
    assert lab.do("ping")


def test_a_folder_without_a_page_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "swrap.switch", str(tmp_path)], capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 2
    assert "page" in done.stderr


@pytest.fixture
def cramped(tmp_path: Path) -> Iterator[Switched]:
    """A switch with room for few flows."""
    with switched(tmp_path / "lab", nofile=96) as running:
        yield running


def test_without_fds_left_new_flows_wait_and_old_ones_go_on(cramped: Switched) -> None:
    listener = cramped.listen("server", "10.0.1.1", 445)
    pairs = []
    for _ in range(12):
        client = cramped.connect()
        pairs.append((client, cramped.accept(listener)))
    for _ in range(20):
        cramped.syn("laptop", "10.0.1.2", "10.0.1.1", 445)
    pairs[0][0].sendall(b"x")
    assert receive(pairs[0][1], 1) == b"x"
    assert cramped.do("ping")
    for client, server in pairs:
        client.close()
        server.close()
    for _ in range(12):
        cramped.accept(listener)
