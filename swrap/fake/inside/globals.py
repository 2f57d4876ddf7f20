"""Module globals of the programs: what keeps one fake process from seeing another's, though all run the same modules.

A name that a function rebinds (``global count``) is a process's own: its value is put in place whenever the process
has a turn. Whatever else of a module is changed in place is shared, which real processes would not; a
``SharedState`` warning says so when the world ends.

Owns both, for the packages whose functions are started as programs. The standard library is nobody's, nor is what the
test gives its programs as arguments and in closures: that is how it sees into them. Called by ``process`` and by
``world``.
"""

from __future__ import annotations

import dis
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

Values = list[Any]
"""Of all slots of a world, in their order."""

_MISSING = object()
_CONTAINERS = (list, set, deque)
_REBINDS = frozenset(dis.opmap[name] for name in ("STORE_GLOBAL", "DELETE_GLOBAL"))


class SharedState(UserWarning):
    """Fake processes have changed something of a module that they share."""


class Globals:
    """Those of one world. ``outside``: the values of who is outside of all programs; they are in place at first."""

    def __init__(self, outside: Values) -> None:
        self._in_place = outside
        self._slots: list[tuple[dict[str, Any], str]] = []
        self._fresh: Values = []
        """What a program that begins now has: as the modules were when the first of its package did."""
        self._packages: dict[str, list[tuple[str, Callable[[], Values], Values]]] = {}

    def add(self, main: object) -> None:
        """``main`` is about to be started as a program."""
        package = str(getattr(main, "__module__", "")).partition(".")[0]
        if package in self._packages or package in sys.stdlib_module_names or not package:
            return
        states = self._packages[package] = []
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] == package and type(module) is ModuleType:
                space = module.__dict__
                rebound = _rebound(module)
                for slot in sorted(rebound):
                    self._slots.append((space, slot))
                    self._fresh.append(space.get(slot, _MISSING))
                states += [(what, look, look()) for what, look in _states(module, rebound)]

    def enter(self, values: Values) -> None:
        """Put those values in place, once those that were are kept."""
        if not self._slots or self._in_place is values:
            return
        self._in_place[:] = self.now()
        self._in_place = values
        for number, (space, name) in enumerate(self._slots):
            value = values[number] if number < len(values) else self._fresh[number]
            if value is _MISSING:
                space.pop(name, None)
            else:
                space[name] = value

    def now(self) -> Values:
        """Those that are in place: what a child of the process that has a turn begins with."""
        return [space.get(name, _MISSING) for space, name in self._slots]

    def complain(self) -> None:
        """Warn of everything that is shared and has changed."""
        for states in self._packages.values():
            for what, look, before in states:
                now = look()
                if len(now) != len(before) or any(
                    one is not other for one, other in zip(now, before, strict=True)
                ):
                    warnings.warn(
                        f"{what} was changed in a fake process, and all share it; real ones would not",
                        SharedState,
                        stacklevel=1,
                    )


@cache
def _rebound(module: ModuleType) -> frozenset[str]:
    """The global names that some function of the module rebinds."""
    return frozenset(
        str(step.argval)
        for value in list(module.__dict__.values())
        if getattr(value, "__module__", None) == module.__name__
        for function in _functions(value)
        for code in _codes(function.__code__)
        if not _REBINDS.isdisjoint(code.co_code[::2])  # much faster than to take all of it apart
        for step in dis.get_instructions(code)
        if step.opcode in _REBINDS
    )


def _functions(value: Any) -> Iterator[FunctionType]:
    if isinstance(value, type):
        for part in list(value.__dict__.values()):
            part = getattr(part, "__func__", getattr(part, "fget", part))
            if isinstance(part, FunctionType):
                yield from _functions(part)
    while value is not None:
        if isinstance(value, FunctionType):
            yield value
        value = getattr(value, "__wrapped__", None)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _states(module: ModuleType, rebound: frozenset[str]) -> Iterator[tuple[str, Callable[[], Values]]]:
    """What of a module can be changed in place: its name, and how to look at what it is made of."""
    for name, value in list(module.__dict__.items()):
        if name.startswith("__") or name in rebound:
            continue
        what = f"{module.__name__}.{name}"
        if isinstance(value, dict):
            yield what, lambda value=value: [*value, *value.values()]  # type: ignore[misc]
        elif isinstance(value, _CONTAINERS):
            yield what, lambda value=value: list(value)  # type: ignore[misc]
        elif isinstance(value, type) and value.__module__ == module.__name__:
            yield what, lambda value=value: _attributes(value)  # type: ignore[misc]
        elif type(value).__module__.partition(".")[0] == module.__name__.partition(".")[0] and hasattr(
            value, "__dict__"
        ):
            yield what, lambda value=value: list(vars(value).values())  # type: ignore[misc]


def _attributes(kind: type) -> Values:
    """A class's own, but for what Python itself keeps there."""
    return [value for name, value in list(kind.__dict__.items()) if not name.startswith(("__", "_abc_"))]
