"""The `time` module inside fake processes: all its clocks are the world's one."""

from __future__ import annotations

import time
from typing import Any

from swrap.fake.inside.facade import Replacement, function, gap
from swrap.fake.process import Process
from swrap.fake.world import EPOCH

_BILLION = 1_000_000_000


def _now(process: Process) -> float:
    return process.world.fabric.now


def _now_ns(process: Process) -> int:
    return round(process.world.fabric.now * _BILLION)


def _since_1970(process: Process) -> float:
    return EPOCH + process.world.fabric.now


def _since_1970_ns(process: Process) -> int:
    return EPOCH * _BILLION + _now_ns(process)


def _broken_down(real: Any) -> Any:
    def either(process: Process, seconds: float | None = None) -> time.struct_time:
        return real(_since_1970(process) if seconds is None else seconds)  # type: ignore[no-any-return]

    return either


def replacements() -> list[Replacement]:
    """What stands where."""
    return [
        function(time, "time", _since_1970),
        function(time, "time_ns", _since_1970_ns),
        function(time, "monotonic", _now),
        function(time, "monotonic_ns", _now_ns),
        function(time, "perf_counter", _now),
        function(time, "perf_counter_ns", _now_ns),
        function(time, "gmtime", _broken_down(time.gmtime)),
        function(time, "localtime", _broken_down(time.gmtime)),
        gap(time, "sleep", "time.sleep would stop the whole fake network; await asyncio.sleep"),
    ]
