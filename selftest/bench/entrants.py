"""Who takes part: the contestants of a table that this machine has, each running for as long as it is measured."""

from __future__ import annotations

import ctypes.util
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from selftest.bench import capture, parallel, relays
from selftest.bench.contest import Benchmark, Contestant
from selftest.support.network import network
from swrap.switch.client import control_call

ADDRESS = "10.0.1.1"
GUARDED = "guard"
CAPTURED = "captured"
PARALLEL = f"{parallel.FLOWS} flows"
ONE_FLOW = "one flow"


@dataclass(frozen=True, slots=True)
class Contest:
    """One table: who is compared with whom, in what; on one CPU, or on all."""

    title: str
    ours: str
    against: Sequence[str]
    benchmarks: Sequence[Benchmark]
    cpu: int | None = None


def entrants(contest: Contest, benchmark: Benchmark, scratch: Path, stack: ExitStack) -> list[Contestant]:
    """Those of them that this machine has; ours in a lab that nothing else has been done in."""
    ours = stack.enter_context(
        network(scratch / f"{contest.ours}-{benchmark.name}", direct=contest.ours == "direct")
    )
    environment = ours.environment("server")
    found = [
        Contestant(contest.ours, ADDRESS, environment),
        Contestant(GUARDED, ADDRESS, environment, guard=True),
    ]
    if contest.ours == CAPTURED:
        control_call(ours.directory, "capture", file=capture.FILE)
        other = stack.enter_context(network(scratch / f"uncaptured-{benchmark.name}"))
        return [*found, Contestant("switched", ADDRESS, other.environment("server"))]
    if contest.ours == PARALLEL:
        return [*found, Contestant(ONE_FLOW, ADDRESS, environment, what="1")]
    if benchmark in relays.BENCHMARKS:
        return [*found, *relays.relayed(scratch, stack)]
    found += [Contestant("AF_UNIX", "unix"), Contestant("kernel", "127.0.0.1")]
    if library := socket_wrapper():
        (scratch / "sw").mkdir(exist_ok=True)
        variables = {"SOCKET_WRAPPER_DIR": str(scratch / "sw"), "SOCKET_WRAPPER_DEFAULT_IFACE": "1"}
        found.append(Contestant("socket_wrapper", "127.0.0.1", {"LD_PRELOAD": library, **variables}))
    return [one for one in found if one.name in (contest.ours, GUARDED, *contest.against)]


def socket_wrapper() -> str | None:
    """How the loader knows libsocket_wrapper.so, where Debian's package is installed."""
    return ctypes.util.find_library("socket_wrapper")
