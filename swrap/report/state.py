"""What is known of a run at one moment.

Owns the shapes that every view reads: channels, copies, the network, the latest sentences, the outcome so
far. Must not know events (``model`` folds them in here) nor how anything is drawn. Reads no clock: what
depends on the present takes ``now``, in seconds since the run's start like every time in here.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from .meter import Meter
from .network import Network
from .outcome import Outcome
from .sentences import Sentence

LINES = 200
"""How many sentences are kept for showing."""


@dataclass(slots=True)
class Channel:
    """A flow between two hosts, as the switch and the actors know it. Times in s since the run's start."""

    flow: str
    client: str
    server: str
    interfaces: tuple[str, ...]
    opened: float
    to_server: Meter
    to_client: Meter
    unacked: int = 0
    blocked: bool = False
    state: str = "opening"
    closed: float | None = None
    how: str = ""
    holders: tuple[tuple[int, str], ...] = ()
    owner: int | None = None
    handed_from: int | None = None

    @property
    def open(self) -> bool:
        return self.closed is None

    def standing(self) -> str:
        """One word: `opening`, `open`, `stalled` (data waits and none arrives), `closed`, `reset`, …"""
        if self.closed is not None:
            return self.how or "closed"
        if self.blocked:
            return "stalled"
        return "open" if self.state in ("established", "open") else self.state


@dataclass(slots=True)
class Copy:
    """A step that tells how far it is, in bytes (or whatever it counts)."""

    step: str
    text: str
    done: int
    total: int
    started: float
    meter: Meter
    ended: float | None = None
    failed: bool = False

    @property
    def fraction(self) -> float:
        """From 0 to 1."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total > 0 else 0.0


@dataclass(slots=True)
class State:
    """All that is known at the moment ``at``."""

    at: float = 0.0
    title: str = ""
    file: str = ""
    ended: bool = False
    network: Network = field(default_factory=Network)
    channels: dict[str, Channel] = field(default_factory=dict)
    copies: dict[str, Copy] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    roles: dict[int, str] = field(default_factory=dict)
    lines: deque[Sentence] = field(default_factory=lambda: deque(maxlen=LINES))
    outcome: Outcome = field(default_factory=Outcome)
    counted: Counter[str] = field(default_factory=Counter)
    carried: dict[str, list[int]] = field(default_factory=dict)
    """Bytes that each port has sent and received, by the samples."""

    def carry(self, channel: Channel, to_server: int, to_client: int) -> None:
        """Count for each port what has passed since the channel's last sample (its counters now)."""
        there = max(to_server - channel.to_server.total, 0)
        back = max(to_client - channel.to_client.total, 0)
        for place, name in enumerate(channel.interfaces):
            sums = self.carried.setdefault(name, [0, 0])
            sums[place % 2] += there
            sums[1 - place % 2] += back

    def port_rates(self, now: float) -> dict[str, tuple[float, float]]:
        """Bytes per second that each port (sends, receives) at `now`, from the flows through it."""
        rates: dict[str, list[float]] = {}
        for channel in filter(lambda channel: channel.open, self.channels.values()):
            there, back = channel.to_server.rate(now), channel.to_client.rate(now)
            for place, name in enumerate(channel.interfaces):
                # Client side first: what goes to the server leaves by the even places and enters by the odd.
                sent, received = (there, back) if place % 2 == 0 else (back, there)
                sums = rates.setdefault(name, [0.0, 0.0])
                sums[0] += sent
                sums[1] += received
        return {name: (sums[0], sums[1]) for name, sums in rates.items()}

    def owner_of(self, channel: Channel) -> tuple[int, str] | None:
        """The (pid, role or name) of the process that serves the channel."""
        pids = [pid for pid, _ in channel.holders]
        pid = channel.owner
        if pid is None or (pids and pid not in pids and channel.open):
            pid = pids[-1] if pids else pid
        if pid is None:
            return None
        return pid, self.roles.get(pid) or dict(channel.holders).get(pid, "")
