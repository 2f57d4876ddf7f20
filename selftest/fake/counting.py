"""A library that keeps how often it was used, in every way that a module can keep something."""

from __future__ import annotations

import asyncio
import functools
import itertools
import queue
import threading
import types
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Self
from weakref import WeakKeyDictionary, ref

from selftest.fake import counted
from selftest.fake.counted import Tally, tallies

count = 0
registry: dict[str, int] = {}
nested: dict[str, list[list[int]]] = {"seen": [[]]}
seen: list[int] = []
remember = seen.append
counter = Counter[str]()
last = deque([0], maxlen=1)
buffer = bytearray(1)
numbers = itertools.count(1)
following = itertools.count(1).__next__
numbered = zip(range(1, 99), itertools.cycle("ab"))
pending = queue.SimpleQueue[int]()
pending.put(0)
read_only = types.MappingProxyType(registry)
local = threading.local()


class Kept:
    last = 0
    entries: ClassVar[list[int]] = []
    only: ClassVar[Self | None] = None

    def __init__(self) -> None:
        self.uses = 0
        self.lock = threading.Lock()

    @classmethod
    def one(cls) -> Self:
        """It is made when somebody asks for it."""
        if cls.only is None:
            cls.only = cls()
        return cls.only  # type: ignore[return-value]

    def use(self) -> int:
        """Once more."""
        with self.lock:
            self.uses += 1
        return self.uses


@dataclass(frozen=True)
class Fixed:
    """Nothing of it can be set; what it holds can be changed."""

    entries: list[int] = field(default_factory=list)


kept = Kept()
use_kept = kept.use
fixed = Fixed()
weak = WeakKeyDictionary({kept: 0})
reference = ref(kept)
busy, busy_again = threading.Lock(), threading.RLock()
busy.acquire()
busy_again.acquire()


class OneByNew(Kept):
    def __new__(cls) -> Self:
        if not hasattr(cls, "made"):
            cls.made = super().__new__(cls)
            cls.made.uses = 0
        return cls.made  # type: ignore[return-value]

    def __init__(self) -> None:
        """It has been made before."""


class Only(type):
    made: ClassVar[dict[type, object]] = {}

    def __call__(cls) -> object:
        if cls not in Only.made:
            Only.made[cls] = super().__call__()
        return Only.made[cls]


class OneByItsClass(metaclass=Only):
    def __init__(self) -> None:
        self.uses = 0

    @functools.lru_cache(maxsize=8)  # noqa: B019  # that is what it is about
    def cached(self, name: str) -> list[str]:
        return [name]

    @staticmethod
    @functools.cache
    def shared(name: str) -> list[str]:
        return [name]


class Whole:
    """What cannot be copied."""

    uses = 0

    def __reduce_ex__(self, protocol: object) -> str:
        raise TypeError("there is only one")


whole = Whole()


class Held:
    """It gives something back when it goes, and that must not be done twice."""

    def __init__(self) -> None:
        self.uses = self.given_back = 0

    def __del__(self) -> None:
        assert not self.given_back
        self.given_back += 1


held = Held()


def _wrapped(function: Callable[[list[int], int], int]) -> Callable[[], int]:
    calls = 0
    entries: list[int] = []

    def wrapper() -> int:
        nonlocal calls
        calls += 1
        return function(entries, calls)

    return wrapper


@_wrapped
def in_a_closure(entries: list[int], calls: int) -> int:
    entries.append(calls)
    assert len(entries) == calls
    return calls


def rebound() -> int:
    global count
    count += 1
    return count


def in_a_dict() -> int:
    registry["uses"] = registry.get("uses", 0) + 1
    return read_only["uses"]


def in_a_list_in_a_list_in_a_dict() -> int:
    nested["seen"][0].append(1)
    return len(nested["seen"][0])


def in_a_list() -> int:
    remember(1)
    return len(seen)


def in_a_counter() -> int:
    counter["uses"] += 1
    return counter["uses"]


def in_a_deque() -> int:
    last.append(last[0] + 1)
    return last[0]


def in_a_buffer() -> int:
    buffer[0] += 1
    return buffer[0]


def in_an_iterator() -> int:
    return next(numbers)


def in_a_bound_method_of_an_iterator() -> int:
    return following()


def in_an_iterator_of_others() -> int:
    return next(numbered)[0]


def in_a_queue() -> int:
    used = pending.get_nowait() + 1
    assert pending.empty()
    pending.put(used)
    return used


def in_a_thread_local() -> int:
    local.uses = getattr(local, "uses", 0) + 1
    return int(local.uses)


def in_a_default(entries: list[int] = []) -> int:  # noqa: B006  # that is what it is about
    entries.append(1)
    return len(entries)


def in_a_named_default(*, entries: list[int] = []) -> int:  # noqa: B006
    entries.append(1)
    return len(entries)


def in_an_attribute_of_a_function() -> int:
    here = in_an_attribute_of_a_function.__dict__.setdefault("entries", [])
    here.append(1)
    in_an_attribute_of_a_function.uses = len(here)  # type: ignore[attr-defined]
    return int(in_an_attribute_of_a_function.uses)  # type: ignore[attr-defined]


in_an_attribute_of_a_function.entries = []  # type: ignore[attr-defined]


def in_an_attribute_of_a_class() -> int:
    Kept.last += 1
    return Kept.last


def in_a_list_of_a_class() -> int:
    Kept.entries.append(1)
    return len(Kept().entries)


def in_a_singleton() -> int:
    return Kept.one().use()


def in_a_singleton_made_by_new() -> int:
    OneByNew().uses += 1
    return OneByNew().uses


def in_a_singleton_of_a_metaclass() -> int:
    OneByItsClass().uses += 1
    return OneByItsClass().uses


def in_a_cache_of_a_method() -> int:
    entries = OneByItsClass().cached("x")
    entries.append("y")
    return len(entries) - 1


def in_a_cache_of_a_static_method() -> int:
    entries = OneByItsClass.shared("x")
    entries.append("y")
    return len(entries) - 1


def in_an_object() -> int:
    use_kept()
    return kept.uses


def in_a_frozen_object() -> int:
    fixed.entries.append(1)
    return len(fixed.entries)


def by_an_object() -> int:
    weak[kept] += 1
    return weak[kept]


def by_a_weak_reference() -> int:
    found = reference()
    assert found is kept
    return found.use()


def frees_what_is_taken() -> bool:
    """Was it?"""
    was = busy.locked()
    busy.release()
    busy_again.release()
    return was


@functools.cache
def _cached() -> list[int]:
    return []


def in_a_cache() -> int:
    _cached().append(1)
    return len(_cached())


def of_another_module() -> int:
    counted.level += 1
    return counted.level


def in_another_module() -> int:
    tallies["of all"] = tallies.get("of all", Tally(0)).more()
    assert counted.total() == tallies["of all"].uses
    return counted.total()


def in_one_that_cannot_be_copied() -> int:
    whole.uses += 1
    return whole.uses


def in_one_with_a_finalizer() -> int:
    held.uses += 1
    return held.uses


async def uses(use: Callable[[], int], times: int) -> int:
    """So many, while others have their turns; what the last one has come to."""
    used = 0
    for _ in range(times):
        await asyncio.sleep(1)
        used = use()
    return used
