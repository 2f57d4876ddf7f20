"""Which modules a program can get at.

Owns the way there: from its main function, what that was given in its closure, through what each module on the way
has imported, at its top or in a function. Must not know what they hold. Used by ``globals``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache, partial
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any

from swrap.fake.inside.code import uses
from swrap.fake.inside.copies import is_programs

_PLAIN = frozenset({str, bytes, int, float, bool, type(None), BuiltinFunctionType})


def reached(values: Iterable[Any]) -> list[ModuleType]:
    """All modules of programs that these values lead to, each once."""
    waiting: dict[ModuleType, None] = {}
    found: dict[ModuleType, None] = {}
    seen: set[int] = set()
    for value in values:
        _around(value, seen, waiting)
    while waiting:
        module, _ = waiting.popitem()
        if module not in found:
            found[module] = None
            waiting.update(_neighbours(module))
    return list(found)


@cache
def _neighbours(module: ModuleType) -> dict[ModuleType, None]:
    """Those that it uses: as it was when somebody asked first."""
    found: dict[ModuleType, None] = {}
    seen: set[int] = set()
    for value in list(vars(module).values()):
        _around(value, seen, found)
    package = vars(module).get("__package__") or ""
    for name in sorted(uses(module).mentioned):
        for one in (sys.modules.get(name), sys.modules.get(f"{package}.{name}")):
            if one is not None and counts(one):
                found[one] = None
    return found


def counts(module: ModuleType) -> bool:
    """Is it one of a program?"""
    return type(module) is ModuleType and is_programs(module.__name__)


def _around(value: Any, seen: set[int], found: dict[ModuleType, None]) -> None:
    """Find the modules of a value's code, and of what is directly in it."""
    kind = type(value)
    if kind in _PLAIN or id(value) in seen:
        return
    seen.add(id(value))
    if kind is ModuleType:
        if counts(value):
            found[value] = None
        return
    for name in _homes(value):
        if isinstance(name, str) and is_programs(name) and name in sys.modules:
            found[sys.modules[name]] = None
    parts: Iterable[Any] = ()
    if kind is FunctionType:
        parts = [vars(value).get("__wrapped__"), *map(_contents, value.__closure__ or ())]
    elif isinstance(value, dict):
        parts = list(value.values())
    elif isinstance(value, (list, tuple, set, frozenset)):
        parts = list(value)
    elif kind is MethodType:
        parts = value.__func__, value.__self__
    elif kind is partial:
        parts = value.func, *value.args
    for part in parts:
        _around(part, seen, found)


def _homes(value: Any) -> Iterable[Any]:
    """The names of the modules where its code is."""
    if isinstance(value, FunctionType):
        return (value.__module__,)
    kind = value if isinstance(value, type) else type(value)
    return (one.__module__ for one in kind.__mro__)


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None  # nothing yet
