"""Globals of the programs: what keeps one fake process from seeing another's, though all run the same modules.

Whatever a module keeps that can change is a process's own (``places``), copied from how it was before the first
process ran (``copies``), and is put in place whenever the process has a turn. What cannot be copied is shared, which
real processes would not; a ``SharedState`` warning says so when the world ends.

Owns both, for the modules that the functions which are started as programs can get at (``reach``). What the test
gives its programs as arguments and in closures is nobody's: that is how it sees into them. Called by ``process``, by
``world`` and by ``imports``.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from operator import is_
from types import FunctionType, ModuleType
from typing import Any

from swrap.fake.inside import shared
from swrap.fake.inside.code import uses, uses_of
from swrap.fake.inside.copies import Copier, is_programs
from swrap.fake.inside.places import Place, in_function, in_module
from swrap.fake.inside.reach import counts, reached


class SharedState(UserWarning):
    """Fake processes have changed something of a module that they share."""


class Values:
    """A process's own, for the first ``count`` places of its world: as many as there were at its last turn."""

    def __init__(self) -> None:
        self.count = 0
        self.copier = Copier()
        """From what a program begins with to what it has."""
        self.names: list[tuple[dict[str, Any], dict[str, Any]]] = []
        """Spaces, and what of them is its own; nobody rebinds those names."""
        self.singles: list[Any] = []
        """Of the places that are set one by one."""


class Globals:
    """Those of one world. ``outside``: the values of who is outside of all programs; they are in place at first."""

    def __init__(self, outside: Values) -> None:
        self._in_place = outside
        self._places: list[tuple[Place, Any]] = []
        """With what a program that begins now has there."""
        self._singles: list[Place] = []
        """Those that are read when a turn is over, and set one by one when the next begins."""
        self._modules: dict[ModuleType, None] = {}
        self._functions: set[FunctionType] = set()
        self._looks: list[tuple[str, shared.Look, list[Any]]] = []
        self._loaded: set[str] = set(sys.modules)

    # --- which there are

    def add(self, *main: object) -> None:
        """A function is about to be started as a program, with those arguments."""
        self._adopt(reached(main))

    def imported(self) -> None:
        """Modules may have been imported by who has the turn; they are as they are now for everybody."""
        if len(sys.modules) != len(self._loaded):
            names = [name for name in list(sys.modules) if name not in self._loaded]
            self._loaded.update(names)
            self._adopt(reached(module for name in names if counts(module := sys.modules[name])))

    def _adopt(self, found: Iterable[ModuleType]) -> None:
        modules = [module for module in found if module not in self._modules]
        if not modules:
            return
        self._modules.update(dict.fromkeys(modules))
        owner = self._in_place
        take = Copier()
        for fresh, own in owner.copier.pairs:
            take.know(own, fresh)
        known = len(take.pairs)
        places = self._found(modules, take)
        self._singles += [place for place, _ in places if place.space is None]
        self._places += places
        for own, fresh in take.pairs[known:]:
            owner.copier.know(fresh, own)
        self._fill(owner)
        kept = {place.name for place, _ in places}
        for module in modules:
            self._looks += [(what, look, look()) for what, look in shared.looks(module, kept)]

    def _found(self, modules: list[ModuleType], take: Copier) -> list[tuple[Place, Any]]:
        """The places of these modules whose values can differ, with copies of what is there."""
        everything = [uses(module) for module in self._modules]
        sets = frozenset[str]().union(*(one.sets for one in everything))
        mentioned = set[str]().union(*(one.mentioned for one in everything))
        new = [place for module in modules for place in in_module(module, sets)]
        functions = [function for module in modules for function in uses(module).functions]
        found: list[tuple[Place, Any]] = []
        while new or functions:
            for function in functions:
                if function not in self._functions and is_programs(str(function.__globals__.get("__name__"))):
                    self._functions.add(function)
                    new += in_function(function, sets)
            found += [(place, take(place.get())) for place in new]
            # Those that are in what was copied are programs', too.
            functions, new = [one for one in take.functions if one not in self._functions], []
            mentioned |= uses_of(functions).mentioned
            take.functions.clear()
        return [
            (place, fresh)
            for place, fresh in found
            if place.is_rebound
            or (fresh is not place.get() and (place.mention is None or place.mention in mentioned))
        ]

    def _fill(self, values: Values) -> None:
        """Add the places that are new since its last turn."""
        spaces: dict[int, dict[str, Any]] = {}
        for place, fresh in self._places[values.count :]:
            own = values.copier(fresh)
            if place.space is None:
                values.singles.append(own)
            else:
                if id(place.space) not in spaces:
                    spaces[id(place.space)] = {}
                    values.names.append((place.space, spaces[id(place.space)]))
                spaces[id(place.space)][place.key] = own
        values.count = len(self._places)

    # --- whose they are

    def enter(self, values: Values) -> None:
        """Put those values in place, once those that were are kept."""
        if not self._places or self._in_place is values:
            return
        self._keep()
        self._in_place = values
        if values.count < len(self._places):
            self._fill(values)
        for space, own in values.names:
            space.update(own)
        for place, value in zip(self._singles, values.singles, strict=True):
            place.put(value)

    def _keep(self) -> None:
        if self._singles:
            self._in_place.singles = [place.get() for place in self._singles]

    def fork(self) -> Values:
        """What a child of the process that has a turn begins with: a copy of what its parent has now."""
        self._keep()
        parent, child = self._in_place, Values()
        copy = Copier()
        child.count = parent.count
        child.names = [
            (space, {key: copy(own) for key, own in names.items()}) for space, names in parent.names
        ]
        child.singles = [copy(own) for own in parent.singles]
        for fresh, own in parent.copier.pairs:
            if (known := copy.known(own)) is not None:
                child.copier.know(fresh, known)
        return child

    # --- what is shared all the same

    def complain(self) -> None:
        """Warn of everything that is shared and has changed."""
        for what, look, before in self._looks:
            now = look()
            if len(now) != len(before) or not all(map(is_, now, before)):
                warnings.warn(
                    f"{what} was changed in a fake process, and all share it; real ones would not",
                    SharedState,
                    stacklevel=1,
                )
