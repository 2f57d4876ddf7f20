"""What fake processes share although a program may change it: how to look at that, to tell when it was changed.

Owns the looks. What is looked at is what ``globals`` has no copies of. Used by it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterator
from types import FunctionType, ModuleType
from typing import Any

from swrap.fake.inside.copies import is_programs
from swrap.fake.inside.places import is_attribute

Look = Callable[[], list[Any]]
_CONTAINERS = (list, set, deque)


def looks(module: ModuleType, own: Container[str]) -> Iterator[tuple[str, Look]]:
    """What of a module can be changed in place and is no process's ``own``: its name, and what it is made of."""
    for key, value in list(module.__dict__.items()):
        what = f"{module.__name__}.{key}"
        if key.startswith("__") or what in own:
            continue
        if isinstance(value, dict):
            yield what, lambda value=value: [*value, *value.values()]  # type: ignore[misc]
        elif isinstance(value, _CONTAINERS):
            yield what, lambda value=value: list(value)  # type: ignore[misc]
        elif isinstance(value, type):
            if value.__module__ == module.__name__:
                yield what, lambda value=value: _attributes(value, own)  # type: ignore[misc]
        elif isinstance(value, (ModuleType, FunctionType)) or not is_programs(type(value).__module__):
            continue
        elif type(value).__dictoffset__:
            yield what, lambda value=value: list(vars(value).values())  # type: ignore[misc]


def _attributes(kind: type, own: Container[str]) -> list[Any]:
    """A class's, but for what Python itself keeps there."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    return [
        value
        for key, value in list(kind.__dict__.items())
        if is_attribute(key) and f"{name}.{key}" not in own
    ]
