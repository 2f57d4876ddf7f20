"""Where the modules of a program keep what can change: the places whose values differ between fake processes.

Owns finding them: names of a module, attributes of its classes and functions, defaults and closures of its functions.
What holds them is the same for all. Used by ``globals``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from enum import Enum
from functools import cache
from types import CellType, FunctionType, ModuleType
from typing import Any

from swrap.fake.inside.code import functions_in, rebinds_cells, uses, uses_of
from swrap.fake.inside.copies import is_copied, is_programs

MISSING: Any = object()
"""In place of a value: there is none."""


class Place(ABC):
    """``name`` is what a warning says; ``is_rebound``: may a program put another value there?

    ``mention``: only code that has this name can get at it; None: any may. ``space``: whose entry ``key`` it is
    where nobody rebinds it, else None.
    """

    name: str
    is_rebound: bool
    mention: str | None = None
    space: dict[str, Any] | None = None
    key: str = ""

    @abstractmethod
    def get(self) -> Any:
        """What is there now."""

    @abstractmethod
    def put(self, value: Any) -> None:
        """Have it there, MISSING: nothing."""


class Name(Place):
    """An entry of a module's names, of a function's attributes or of its named defaults."""

    def __init__(
        self, entries: dict[str, Any], key: str, name: str, mention: str | None, *, is_rebound: bool
    ) -> None:
        self.name = name
        self.is_rebound = is_rebound
        self.mention = mention
        self.space = None if is_rebound else entries
        self.key = key
        self._entries = entries

    def get(self) -> Any:
        """See ``Place``."""
        return self._entries.get(self.key, MISSING)

    def put(self, value: Any) -> None:
        """See ``Place``."""
        if value is MISSING:
            self._entries.pop(self.key, None)
        else:
            self._entries[self.key] = value


class Attribute(Place):
    """One of a class, set only where it differs: what Python knows of the class to be fast is lost by that."""

    def __init__(self, kind: type, key: str, *, is_rebound: bool) -> None:
        self.kind = kind
        self.key = self.mention = key
        self.is_rebound = is_rebound
        self.name = f"{kind.__module__}.{kind.__qualname__}.{key}"

    def get(self) -> Any:
        """See ``Place``."""
        return self.kind.__dict__.get(self.key, MISSING)

    def put(self, value: Any) -> None:
        """See ``Place``."""
        if value is self.get():
            return
        if value is MISSING:
            type.__delattr__(self.kind, self.key)
        else:
            type.__setattr__(self.kind, self.key, value)


class Cell(Place):
    """A variable that a function has from around it."""

    def __init__(self, cell: CellType, name: str, *, is_rebound: bool) -> None:
        self.cell = cell
        self.name = name
        self.is_rebound = is_rebound

    def get(self) -> Any:
        """See ``Place``."""
        try:
            return self.cell.cell_contents
        except ValueError:
            return MISSING

    def put(self, value: Any) -> None:
        """See ``Place``."""
        if value is not MISSING:
            self.cell.cell_contents = value
        elif self.get() is not MISSING:
            del self.cell.cell_contents


class Defaults(Place):
    """The tuple of a function's defaults. No program sets it."""

    is_rebound = False

    def __init__(self, function: FunctionType, name: str) -> None:
        self.function = function
        self.name = name

    def get(self) -> Any:
        """See ``Place``."""
        return self.function.__defaults__

    def put(self, value: Any) -> None:
        """See ``Place``."""
        self.function.__defaults__ = value


def in_module(module: ModuleType, is_set: frozenset[str]) -> Iterator[Place]:
    """Its names, those that its functions set and have not yet among them, and what its classes have.

    ``is_set``: the attributes that programs are known to set on modules, classes and functions.
    """
    space = module.__dict__
    rebound = uses(module).rebound | (is_set & space.keys())
    copied = {key for key, value in space.items() if is_copied(value) and not key.startswith("__")}
    for key in sorted(copied | rebound):
        yield Name(space, key, f"{module.__name__}.{key}", key, is_rebound=key in rebound)
    for value in list(space.values()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            yield from _in_class(value, is_set)


def in_function(function: FunctionType, is_set: frozenset[str]) -> Iterator[Place]:
    """What it holds besides its code."""
    name = f"{function.__module__}.{function.__qualname__}"
    code = function.__code__
    if function.__defaults__:
        yield Defaults(function, name)
    named = function.__kwdefaults__ or {}
    for key in named:
        yield Name(named, key, name, None, is_rebound=False)
    its_own = is_set.intersection(code.co_names) if function.__name__ in code.co_names else frozenset()
    for key in sorted({key for key in vars(function) if not key.startswith("__")} | its_own):
        yield Name(vars(function), key, f"{name}.{key}", key, is_rebound=key in is_set)
    if function.__closure__:
        rebound = rebinds_cells(code)
        for key, cell in zip(code.co_freevars, function.__closure__, strict=True):
            yield Cell(cell, f"{name}.{key}", is_rebound=key in rebound)


def _in_class(kind: type, is_set: frozenset[str]) -> Iterator[Place]:
    if issubclass(kind, Enum):
        return
    for key, value in list(kind.__dict__.items()):
        if isinstance(value, type) and value.__qualname__.startswith(f"{kind.__qualname__}."):
            yield from _in_class(value, is_set)
        elif is_attribute(key) and (is_copied(value) or key in is_set):
            yield Attribute(kind, key, is_rebound=key in is_set)
    for key in sorted(is_set - kind.__dict__.keys()):
        if any(key in base.__dict__ or key in _set_in(base) for base in kind.__mro__[:-1]):
            yield Attribute(kind, key, is_rebound=True)


@cache
def _set_in(kind: type) -> frozenset[str]:
    """What the methods of a class set on classes."""
    return uses_of([*functions_in(kind)]).sets if is_programs(kind.__module__) else frozenset()


def is_attribute(key: str) -> bool:
    """Is it a class's own, and not what Python itself keeps there?"""
    return not key.startswith(("__", "_abc_"))
