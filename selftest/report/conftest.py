"""A made-up run that looks like a real one: a laptop loses its cable in the middle of a copy.

Two hosts, two networks, two channels on each of them in turn, 64 MiB with the switch at half, and the way
back. The reports' tests play it; it needs no lab.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from swrap.events import Event

SESSION = "0x5a0100000000003d"
GUID = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
ACCEPTOR, WORKER = 48210, 48213
TOTAL = 64 << 20
RATES = {"eth0": 10e6, "wlan0": 3.75e6}
TOPOLOGY = {
    "hosts": {
        "server": {
            "eth0": {"address": ["10.0.1.1/24"], "speed": 10_000_000_000, "rate": 80_000_000, "rss": True},
            "wlan0": {"address": ["10.0.2.1/24", "fd00:2::1/64"], "speed": 300_000_000, "rate": 30_000_000},
        },
        "laptop": {
            "eth0": {"address": ["10.0.1.2/24"], "speed": 10_000_000_000, "rss": True},
            "wlan0": {"address": ["10.0.2.2/24"], "speed": 300_000_000},
        },
    }
}
SUBNETS = {"eth0": 1, "wlan0": 2}


class Story:
    """Writes the events down in the order of their time."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.at = 0.0
        self.flows: dict[int, dict[str, Any]] = {}
        self.copied = 0.0

    def tell(self, kind: str, source: str, after: float = 0.0, **data: Any) -> None:
        self.at = round(self.at + after, 4)
        self.events.append(Event(self.at, kind, source, data))

    def step(self, number: int, text: str) -> None:
        self.tell("step-started", "run", step=number, text=text, where=f"lan-to-wifi.yaml:{14 + number}")

    def done(self, number: int, text: str) -> None:
        self.tell("step-done", "run", step=number, text=text, where=f"lan-to-wifi.yaml:{14 + number}")

    def connect(self, number: int, interface: str) -> None:
        client = f"10.0.{SUBNETS[interface]}.2:{40000 + number}"
        server = f"10.0.{SUBNETS[interface]}.1:445"
        flow = {"id": number, "client": client, "server": server,
                "interfaces": [f"laptop.{interface}", f"server.{interface}"]}  # fmt: skip
        self.flows[number] = {**flow, "iface": interface, "bytes": 0.0, "pid": ACCEPTOR}
        self.tell("flow-opened", "network", 0.004, **flow)
        self.tell(
            "connection-accepted",
            "server",
            0.001,
            connection=number,
            pid=ACCEPTOR,
            client=client,
            server=server,
        )
        passed = number > 1
        if passed:
            self.tell("connection-passed", "server", 0.002, connection=number, client_guid=GUID,
                      from_pid=ACCEPTOR, to_pid=WORKER)  # fmt: skip
        self.flows[number]["pid"] = WORKER
        self.tell("connection-ready", "server", 0.002, connection=number, client_guid=GUID, pid=WORKER,
                  passed=passed, client=client, server=server)  # fmt: skip
        if passed:
            self.tell("channel-bound", "server", 0.003, session_id=SESSION, connection=number, pid=WORKER)

    def channel(self, number: int) -> None:
        flow = self.flows[number]
        self.tell("channel-opened", "laptop", 0.001, channel=number, session_id=SESSION, local=flow["client"],
                  remote=flow["server"], ifindex=2 if flow["iface"] == "eth0" else 3,
                  speed=10_000_000_000 if flow["iface"] == "eth0" else 300_000_000)  # fmt: skip

    def sample(self, copying: bool, blocked: tuple[int, ...] = ()) -> None:
        live = [n for n in self.flows if n not in blocked]
        for number, flow in self.flows.items():
            stuck = number in blocked
            if copying and not stuck:
                peers = [n for n in live if self.flows[n]["iface"] == flow["iface"]]
                step = min(RATES[flow["iface"]] * 0.2 / len(peers), TOTAL - self.copied)
                flow["bytes"] += step
                self.copied += step
            self.tell("flow-sample", "network", id=number, client=flow["client"], server=flow["server"],
                      interfaces=flow["interfaces"], state="established",
                      to_server={"bytes": int(flow["bytes"]), "blocked": stuck,
                                 "unacked": 262144 if stuck else 65536 * copying},
                      to_client={"bytes": int(flow["bytes"] // 500), "unacked": 0, "blocked": False},
                      client_holders=[[48220, "python3"]], server_holders=[[flow["pid"], "python3"]])  # fmt: skip
        if copying:
            self.tell("progress", "run", step=3, actor="laptop", done=int(self.copied), total=TOTAL)

    def copy_until(self, part: float, blocked: tuple[int, ...] = (), at_most: float = 60.0) -> None:
        deadline = self.at + at_most
        while self.copied < part * TOTAL and self.at < deadline:
            self.at = round(self.at + 0.2, 4)
            self.sample(copying=True, blocked=blocked)

    def close(self, number: int, how: str) -> None:
        flow = self.flows.pop(number)
        self.tell("flow-closed", "network", id=number, client=flow["client"], server=flow["server"], how=how,
                  bytes=int(flow["bytes"]))  # fmt: skip


def lan_to_wifi(hold: bool = True) -> list[Event]:
    """The whole run; with ``hold`` false the last expectation does not hold."""
    story = Story()
    story.tell("run-started", "run", title="A laptop loses its cable in the middle of a copy",
               file="scenarios/link-switching/lan-to-wifi.yaml", topology=TOPOLOGY)  # fmt: skip
    story.tell("process-started", "server", 0.2, pid=ACCEPTOR, role="acceptor")
    story.tell("process-started", "server", 0.01, pid=WORKER, role="worker")
    story.step(1, "laptop.login")
    story.connect(1, "eth0")
    story.tell("session-opened", "laptop", 0.03, session_id=SESSION, dialect="3.1.1", signing="AES-128-GMAC")
    story.channel(1)
    story.done(1, "laptop.login")
    story.step(2, "laptop.connect channels=2")
    story.connect(2, "eth0")
    story.channel(2)
    story.done(2, "laptop.connect channels=2")
    story.step(3, "laptop.put film.bin 64MiB")
    story.copy_until(0.5)
    story.step(4, "link-down server.eth0")
    story.tell("link-down", "network", 0.001, interface="server.eth0", flows=2, bytes=131072)
    story.done(4, "link-down server.eth0")
    for _ in range(3):
        story.at += 0.2
        story.sample(copying=True, blocked=(1, 2))
    story.tell(
        "path-changed", "laptop", 0.05, **{"from": "10.0.1.1", "to": "10.0.2.1", "reason": "no answer"}
    )
    for number in (1, 2):
        story.tell("channel-lost", "laptop", 0.01, channel=number, session_id=SESSION, remote="10.0.1.1:445",
                   reason="no answer to an echo", outstanding=4)  # fmt: skip
    for number in (3, 4):
        story.connect(number, "wlan0")
        story.channel(number)
    story.tell("replayed", "laptop", 0.01, channel=1, requests=8, channel_sequence=1, over=[3, 4])
    story.copy_until(0.75, blocked=(1, 2))
    story.tell("link-up", "network", 0.001, interface="server.eth0", flows=2, bytes=0)
    story.close(1, "reset")
    story.close(2, "reset")
    story.tell(
        "path-changed", "laptop", 0.3, **{"from": "10.0.2.1", "to": "10.0.1.1", "reason": "faster again"}
    )
    for number in (5, 6):
        story.connect(number, "eth0")
        story.channel(number)
    for number in (3, 4):
        story.close(number, "fin")
    story.copy_until(1.0)
    story.sample(copying=False)
    story.done(3, "laptop.put film.bin 64MiB")
    stored = "9f2c51e0" if hold else "00aa11bb"
    for number, (text, status, expected, seen) in enumerate([
        ("$stored.sha256 equals $copied.sha256", "pass" if hold else "fail", "9f2c51e0", stored),
        ("at least 4 channel-opened of laptop, session_id the same", "pass", "4", "6"),
        ("connection-ready of server: one pid", "pass", str(WORKER), str(WORKER)),
        ("connection-ready of server but the first: passed", "pass", "true", "true"),
        ("link-down server.eth0 before channel-opened on wlan0", "pass", "", ""),
    ]):  # fmt: skip
        story.tell("expectation", "run", text=text, status=status, expected=expected, seen=seen,
                   where=f"lan-to-wifi.yaml:{30 + number}")  # fmt: skip
    story.tell(
        "run-ended", "run", 0.05, exit_code=0 if hold else 1, outcome="pass" if hold else "fail", reason=""
    )
    return story.events


@pytest.fixture(scope="session")
def story() -> list[Event]:
    return lan_to_wifi()


@pytest.fixture(scope="session")
def failed_story() -> list[Event]:
    return lan_to_wifi(hold=False)


@pytest.fixture
def event() -> Callable[..., Event]:
    """``event("link-down", 1.0, interface=…)``: one event from somewhere."""

    def make(kind: str, at: float = 0.0, source: str = "network", **data: Any) -> Event:
        return Event(at, kind, source, data)

    return make
