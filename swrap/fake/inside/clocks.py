"""The `time` module inside fake processes: all its clocks are the world's one."""

from __future__ import annotations

import datetime
import time
from typing import Any

from swrap.fake.inside.blocking import until
from swrap.fake.inside.current import inside
from swrap.fake.inside.facade import Replacement, function
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


def _told(real: Any, text: int) -> Any:
    """For those that take a text, or none, and then a broken-down time, or else now."""

    def either(process: Process, *args: Any) -> str:
        if len(args) == text:
            args = (*args, time.gmtime(_since_1970(process)))
        return str(real(*args))

    return either


def _never() -> bool:
    return False


_Datetime = datetime.datetime


class _Like(type):
    """Of the class that stands for `datetime.datetime`: what that makes are real ones, all of which are its own."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return _Datetime(*args, **kwargs) if cls is _Now else super().__call__(*args, **kwargs)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _Datetime) if cls is _Now else super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _Datetime) if cls is _Now else super().__subclasscheck__(subclass)


class _Now(_Datetime, metaclass=_Like):
    """Inside, now() is the world's; the time zone is UTC, as `time.localtime`'s."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        process = inside()
        if process is None:
            return _Datetime.now(tz)
        return _Datetime.fromtimestamp(_since_1970(process), tz or datetime.UTC).replace(tzinfo=tz)

    @classmethod
    def today(cls) -> Any:
        return cls.now()

    @classmethod
    def utcnow(cls) -> Any:
        return cls.now(datetime.UTC).replace(tzinfo=None)


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
        function(time, "strftime", _told(time.strftime, 1)),
        function(time, "asctime", _told(time.asctime, 0)),
        function(time, "ctime", lambda process, *of: time.asctime(time.gmtime(*of))),
        (datetime, "datetime", _Now),
        function(time, "sleep", lambda process, seconds: until(process, _never, seconds) or None),
    ]
