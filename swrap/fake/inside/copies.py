"""Copies of what the modules of a program hold, as if each process had imported them itself.

Owns which objects are copied and how: containers, instances of a program's classes, and those of the standard library
that only hold or count something. Code and types are the same for all, and so is what cannot be copied: threads,
sockets, objects of C, and what has a finalizer. It differs from ``copy.deepcopy`` in that one part which cannot be
copied is shared alone, and in that whatever holds nothing that can change stays what it is, for ``is`` to find. Used
by ``globals``.
"""

from __future__ import annotations

import asyncio
import copyreg
import itertools
import queue
import random
import sys
import threading
import types
import weakref
from array import array
from ast import literal_eval
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque
from collections.abc import Callable
from enum import Enum
from functools import cache, lru_cache, partial
from gc import get_referents
from io import BytesIO, StringIO
from operator import is_
from types import FunctionType, MappingProxyType, MethodType
from typing import Any

Maker = Callable[["Copier", Any], Any]

_MISSING = object()
_NOT_THE_PROGRAMS = {*sys.stdlib_module_names, "swrap", "pluggy", "hypothesis", "coverage", "iniconfig"}
"""The standard library is nobody's; the rest watches the programs, or runs them."""
_SHARED = (
    type, Enum, BaseException, types.ModuleType, threading.Thread, str, bytes, int, float, complex,
)  # fmt: skip
"""They and all that is derived from them."""
_ITERATED: tuple[Any, ...] = ([], (), "", b"", {}, {}.values(), {}.items(), set(), range(0))
"""One of each kind that has iterators of its own."""
_NEW = copyreg.__newobj__  # type: ignore[attr-defined]
_CACHE: type = type(lru_cache(_MISSING.__repr__))


@cache
def is_programs(module: str) -> bool:
    """Can what this module owns belong to a simulated program?"""
    top = module.partition(".")[0]
    return not (top in _NOT_THE_PROGRAMS or top.lstrip("_").startswith("pytest"))


class Copier:
    """Copies for one process. ``pairs``: what was copied, and what has become of it; ``functions`` it has met."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Any, Any]] = []
        self.functions: dict[FunctionType, None] = {}
        self._known: dict[int, Any] = {}

    def __call__(self, value: Any) -> Any:
        """The process's own ``value``: the same one whenever it is asked for."""
        make = _maker(type(value))
        if make is None:
            return value
        known = self._known.get(id(value), _MISSING)
        if known is not _MISSING:
            return known
        try:
            return make(self, value)
        except Exception:
            # There is no list of what a class may raise that does not want to be copied.
            return self.know(value, value)

    def know(self, value: Any, copy: Any) -> Any:
        """From now on that is its copy."""
        self._known[id(value)] = copy
        self.pairs.append((value, copy))  # which keeps its id its own
        return copy

    def known(self, value: Any) -> Any:
        """Its copy if there is one already, or None."""
        return self._known.get(id(value))


def is_copied(value: Any) -> bool:
    """May a copy of it be another object?"""
    return type(value) is not FunctionType and _maker(type(value)) is not None


def _maker(kind: type) -> Maker | None:
    """How an instance of exactly this class is copied; None: it is not."""
    try:
        return _MAKERS[kind]
    except KeyError:
        shared = issubclass(kind, _SHARED) or not is_programs(str(kind.__module__))
        # Who has a finalizer gives something back that there is only once.
        make = _MAKERS[kind] = None if shared or hasattr(kind, "__del__") else _instance
        return make


# --- containers


def _list(copier: Copier, value: list[Any]) -> Any:
    made = copier.know(value, [])
    made.extend(map(copier, value))
    return made


def _dict(copier: Copier, value: dict[Any, Any]) -> Any:
    made = copier.know(value, {})
    for key, item in value.items():
        made[copier(key)] = copier(item)
    return made


def _set(copier: Copier, value: set[Any]) -> Any:
    made = copier.know(value, set())
    made.update(map(copier, value))
    return made


def _fixed(copier: Copier, value: Any) -> Any:
    """A tuple or a frozenset."""
    parts = [*value]
    copies = [*map(copier, parts)]
    own = copier.known(value)  # where it holds itself
    if own is None:
        own = copier.know(value, value if all(map(is_, parts, copies)) else type(value)(copies))
    return own


def _proxy(copier: Copier, value: MappingProxyType[Any, Any]) -> Any:
    (mapping,) = get_referents(value)
    return copier.know(value, MappingProxyType(copier(mapping)))


def _simple_queue(copier: Copier, value: queue.SimpleQueue[Any]) -> Any:
    made = copier.know(value, queue.SimpleQueue())
    for _ in range(value.qsize()):
        item = value.get_nowait()
        value.put(item)
        made.put(copier(item))
    return made


def _weak_reference(copier: Copier, value: weakref.ref[Any]) -> Any:
    own = copier(value())
    return value if own is value() else copier.know(value, weakref.ref(own, copier(value.__callback__)))


def _weak_set(copier: Copier, value: weakref.WeakSet[Any]) -> Any:
    made = copier.know(value, weakref.WeakSet())
    for item in list(value):
        made.add(copier(item))
    return made


def _weak_dict(copier: Copier, value: Any) -> Any:
    made = copier.know(value, type(value)())
    for key, item in list(value.items()):
        made[copier(key)] = copier(item)
    return made


# --- code that goes with an object


def _function(copier: Copier, value: FunctionType) -> Any:
    copier.functions[value] = None
    return value


def _method(copier: Copier, value: MethodType) -> Any:
    copier(value.__func__)
    owner = copier(value.__self__)
    return value if owner is value.__self__ else copier.know(value, MethodType(value.__func__, owner))


def _built_in(copier: Copier, value: Any) -> Any:
    """``seen.append``, ``count().__next__``; but for most functions of C the owner is their module."""
    owner = copier(value.__self__)
    return value if owner is value.__self__ else copier.know(value, getattr(owner, value.__name__))


def _cache(copier: Copier, value: Any) -> Any:
    copier(value.__wrapped__)
    return copier.know(value, lru_cache(**value.cache_parameters())(value.__wrapped__))


def _descriptor(copier: Copier, value: Any) -> Any:
    """A property, a method of a class or a static one."""
    names = ("fget", "fset", "fdel") if isinstance(value, property) else ("__func__",)
    parts = [getattr(value, name) for name in names]
    copies = [*map(copier, parts)]
    return value if all(map(is_, parts, copies)) else copier.know(value, type(value)(*copies))


# --- the rest


def _lock(copier: Copier, value: Any) -> Any:
    made = threading.Lock()
    if value.locked():
        made.acquire()
    return copier.know(value, made)


def _reentrant_lock(copier: Copier, value: Any) -> Any:
    made = threading.RLock()
    if value._is_owned():
        made.acquire()
    return copier.know(value, made)


def _local(copier: Copier, value: threading.local) -> Any:
    made = copier.know(value, threading.local())
    vars(made).update(copier(vars(value)))
    return made


def _count(copier: Copier, value: Any) -> Any:
    """Only its repr tells without a step: ``count(5)``, ``count(5, 2)``."""
    return copier.know(value, itertools.count(*literal_eval(f"[{repr(value)[6:-1]}]")))


def _instance(copier: Copier, value: Any) -> Any:
    """As pickle and copy do it (``object.__reduce_ex__``)."""
    if hasattr(value, "__deepcopy__"):
        return copier.know(value, value.__deepcopy__(dict(copier._known)))
    reduced = value.__reduce_ex__(4)
    if isinstance(reduced, str):
        return copier.know(value, value)  # there is one of it, under that name
    make, arguments, state, items, entries = [*reduced, None, None, None][:5]
    own = copier(arguments)
    if items is entries is None and own is arguments and _is_fixed(copier, value, make, state):
        return copier.know(value, value)
    made = copier.know(value, _bare(*own) if make is _NEW and len(own) == 1 else make(*own))
    if state:
        _set_state(made, copier(state))
    for item in items or ():
        made.append(copier(item))
    for key, item in entries or ():
        made[copier(key)] = copier(item)
    return made


def _bare(kind: Any) -> Any:
    """An instance as C makes it: a class's own ``__new__`` may return one that there is already."""
    for base in kind.__mro__:
        if not isinstance(base.__dict__.get("__new__", _NEW), (staticmethod, FunctionType)):
            return base.__new__(kind)
    return kind.__new__(kind)


def _is_fixed(copier: Copier, value: Any, make: Any, state: Any) -> bool:
    """Does it hold nothing that can change?"""
    if make is not _NEW:
        return False
    parameters = getattr(value, "__dataclass_params__", None)
    if state and parameters is not None and parameters.frozen:
        parts = [*state.values()] if isinstance(state, dict) else [*state]
        return all(map(is_, parts, map(copier, parts)))
    return not state


def _set_state(made: Any, state: Any) -> None:
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
        return
    names, slots = state if isinstance(state, tuple) else (state, None)
    if names:
        vars(made).update(names)
    for name, item in (slots or {}).items():
        object.__setattr__(made, name, item)


_MAKERS: dict[type, Maker | None] = {
    list: _list,
    dict: _dict,
    set: _set,
    tuple: _fixed,
    frozenset: _fixed,
    bytearray: lambda copier, value: copier.know(value, bytearray(value)),
    MappingProxyType: _proxy,
    weakref.WeakSet: _weak_set,
    weakref.WeakKeyDictionary: _weak_dict,
    weakref.WeakValueDictionary: _weak_dict,
    FunctionType: _function,
    MethodType: _method,
    property: _descriptor,
    classmethod: _descriptor,
    staticmethod: _descriptor,
    types.BuiltinMethodType: _built_in,
    types.MethodWrapperType: _built_in,
    _CACHE: _cache,
    queue.SimpleQueue: _simple_queue,
    weakref.ref: _weak_reference,
    type(threading.Lock()): _lock,
    type(threading.RLock()): _reentrant_lock,
    threading.local: _local,
    itertools.count: _count,
    **dict.fromkeys(
        (ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque, array, BytesIO, StringIO),
        _instance,
    ),
    **dict.fromkeys(
        (itertools.cycle, partial, random.Random, types.SimpleNamespace, enumerate, zip, map, filter),
        _instance,
    ),
    **dict.fromkeys((type(iter(one)) for one in _ITERATED), _instance),
    **dict.fromkeys(
        (queue.Queue, queue.LifoQueue, queue.PriorityQueue, asyncio.Queue, asyncio.LifoQueue), _instance
    ),
    **dict.fromkeys((asyncio.PriorityQueue, asyncio.Lock, asyncio.Event, asyncio.Condition), _instance),
    **dict.fromkeys((asyncio.Semaphore, asyncio.BoundedSemaphore), _instance),
    **dict.fromkeys((threading.Condition, threading.Semaphore, threading.BoundedSemaphore), _instance),
    **dict.fromkeys((threading.Event, threading.Barrier), _instance),
}
"""By exact type, found out for each when it is met first."""
