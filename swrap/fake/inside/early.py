"""Functions that a module took from the standard library before a world ran: ``from time import monotonic``,
``def draw(source=os.urandom)``.

Owns finding them: in a module's names and in the defaults of its functions and methods. The standard library's
own modules are left alone. Called when a world begins.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

Undo = Callable[[], None]

_OURS = "swrap.fake."
"""What makes the replacements needs the real things."""


def replace(replacements: Mapping[Any, Any]) -> list[Undo]:
    """Put in each thing's place what stands for it; how to take that back."""
    by_id = {id(real): fake for real, fake in replacements.items()}
    undo: list[Undo] = []
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        if type(module) is ModuleType and top not in sys.stdlib_module_names and not name.startswith(_OURS):
            _in_module(module, by_id, undo)
    return undo


def _in_module(module: ModuleType, by_id: Mapping[int, Any], undo: list[Undo]) -> None:
    space = module.__dict__
    for name, value in list(space.items()):
        if id(value) in by_id:
            space[name] = by_id[id(value)]
            undo.append(lambda name=name, value=value: space.__setitem__(name, value))  # type: ignore[misc]
        elif getattr(value, "__module__", None) == module.__name__:
            for function in _functions(value):
                _in_defaults(function, by_id, undo)


def _functions(value: Any) -> Iterator[FunctionType]:
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, type):
        for part in list(value.__dict__.values()):
            part = getattr(part, "__func__", part)
            if isinstance(part, FunctionType):
                yield part


def _in_defaults(function: FunctionType, by_id: Mapping[int, Any], undo: list[Undo]) -> None:
    defaults, named = function.__defaults__, function.__kwdefaults__
    if defaults and any(id(value) in by_id for value in defaults):
        function.__defaults__ = tuple(by_id.get(id(value), value) for value in defaults)
        undo.append(lambda: setattr(function, "__defaults__", defaults))
    if named and any(id(value) in by_id for value in named.values()):
        function.__kwdefaults__ = {key: by_id.get(id(value), value) for key, value in named.items()}
        undo.append(lambda: setattr(function, "__kwdefaults__", named))
