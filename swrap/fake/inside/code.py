"""What the functions of a module do with names, read from their compiled code.

Owns that: the names they mention, the globals that they rebind, the attributes that they set on modules, classes and
functions. Must not know what becomes of it. Used by ``reach`` and ``places``.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

_REBINDS = frozenset(dis.opmap[name] for name in ("STORE_GLOBAL", "DELETE_GLOBAL"))
_SETS = frozenset(dis.opmap[name] for name in ("STORE_ATTR", "DELETE_ATTR"))
_NONLOCALS = frozenset(dis.opmap[name] for name in ("STORE_DEREF", "DELETE_DEREF"))
_LOAD = dis.opmap["LOAD_FAST"]
_CLASSES = ("cls", "klass")


@dataclass(frozen=True, slots=True)
class Uses:
    """``mentioned``: every name; ``rebound``: globals; ``sets``: attributes of modules, classes, ``functions``."""

    functions: tuple[FunctionType, ...]

    mentioned: frozenset[str]
    rebound: frozenset[str]
    sets: frozenset[str]


@cache
def uses(module: ModuleType) -> Uses:
    """Of all functions that a module defines, as it is now."""
    return uses_of([*dict.fromkeys(_functions_of(module))])


def uses_of(functions: Sequence[FunctionType]) -> Uses:
    """The same of these functions, and of those inside them."""
    mentioned: set[str] = set()
    rebound: set[str] = set()
    sets: set[str] = set()
    for function in functions:
        for code in _codes(function.__code__):
            mentioned.update(code.co_names)
            if not _is_interesting(code):
                continue
            steps = [*dis.get_instructions(code)]
            for number, step in enumerate(steps):
                if step.opcode in _REBINDS:
                    rebound.add(str(step.argval))
                elif step.opcode in _SETS and _is_shared(
                    _receiver(steps, number), code, function.__globals__
                ):
                    sets.add(str(step.argval))
    own = frozenset(name for name in sets if not name.startswith("__"))
    return Uses((*functions,), frozenset(mentioned), frozenset(rebound), own)


@cache
def rebinds_cells(outer: CodeType) -> frozenset[str]:
    """The ``nonlocal`` names of a function that it, or one inside it, sets."""
    free = frozenset(outer.co_freevars)
    found: set[str] = set()
    for code in _codes(outer):
        if free.intersection(code.co_freevars) and not _NONLOCALS.isdisjoint(code.co_code[::2]):
            found.update(str(one.argval) for one in dis.get_instructions(code) if one.opcode in _NONLOCALS)
    return free & found


def _functions_of(module: ModuleType) -> Iterator[FunctionType]:
    """Those that it defines: at its top, and as methods of its classes."""
    for value in list(module.__dict__.values()):
        if getattr(value, "__module__", None) == module.__name__:
            yield from functions_in(value)


def functions_in(value: Any) -> Iterator[FunctionType]:
    """A function and those that it wraps; a class's methods."""
    if isinstance(value, type):
        for part in list(value.__dict__.values()):
            if isinstance(part, type):
                if part.__qualname__.startswith(f"{value.__qualname__}."):
                    yield from functions_in(part)
            elif isinstance(part, property):
                for one in (part.fget, part.fset, part.fdel):
                    yield from functions_in(one)
            else:
                yield from functions_in(getattr(part, "__func__", getattr(part, "func", part)))
        return
    seen = 0
    while value is not None and seen < 100:
        if isinstance(value, FunctionType):
            yield value
        value, seen = getattr(value, "__wrapped__", None), seen + 1


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _is_interesting(code: CodeType) -> bool:
    """Is it worth to take it apart, which is slow? Most attributes that are set are those of ``self``."""
    steps = code.co_code
    operations = steps[::2]
    if not _REBINDS.isdisjoint(operations):
        return True
    for operation in _SETS:
        at = operations.find(operation)
        while at >= 0:
            if operations[at - 1] != _LOAD or code.co_varnames[steps[2 * at - 1]] in _CLASSES:
                return True
            at = operations.find(operation, at + 1)
    return False


def _receiver(steps: list[dis.Instruction], number: int) -> dis.Instruction:
    """The step that loads whose attribute step ``number`` sets: the one before, but for ``+=`` and the like."""
    if steps[number - 1].opname == "SWAP":
        for earlier in range(number - 2, 1, -1):
            if steps[earlier].argval == steps[number].argval and steps[earlier - 1].opname == "COPY":
                return steps[earlier - 2]
    return steps[number - 1]


def _is_shared(receiver: dis.Instruction, code: CodeType, space: Mapping[str, Any]) -> bool:
    """Does this step load a module, a class or a function, by all that its code says?"""
    name = receiver.argval
    if receiver.opname.startswith("LOAD_FAST"):
        return (name[-1] if isinstance(name, tuple) else name) in _CLASSES
    if receiver.opname == "LOAD_ATTR":
        return name == "__class__" or str(name)[:1].isupper()
    if receiver.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"):
        return isinstance(space.get(str(name)), (type, FunctionType, ModuleType)) or name in (
            "cls",
            "klass",
            "__class__",
        )
    return receiver.opname in ("CALL", "CACHE") and "type" in code.co_names
