"""Standing in for a name of the standard library: inside fake processes one thing, everywhere else the real one.

Owns the two forms that this takes, functions and classes. What is replaced by what, the other files here say.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from swrap.fake.descriptors import FIRST
from swrap.fake.inside.current import inside

if TYPE_CHECKING:
    from swrap.fake.process import Process

Replacement = tuple[Any, str, Any]
"""A module, a name in it, and what stands there while a world runs."""


class Around:
    """In place of what stands there when a world begins: ``make`` is given that."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self.make = make


def function(module: Any, name: str, fake: Callable[..., Any]) -> Replacement:
    """``fake(process, …)`` inside, the real function elsewhere."""
    real = getattr(module, name)

    @functools.wraps(real)
    def either(*args: Any, **kwargs: Any) -> Any:
        process = inside()
        return real(*args, **kwargs) if process is None else fake(process, *args, **kwargs)

    return module, name, either


def descriptor_function(module: Any, name: str, fake: Callable[..., Any]) -> Replacement:
    """The same where the first argument is a descriptor that is a fake process's own."""
    real = getattr(module, name)

    @functools.wraps(real)
    def either(fd: Any, *args: Any, **kwargs: Any) -> Any:
        process = inside()
        if process is not None:
            number = fd if isinstance(fd, int) else fd.fileno() if hasattr(fd, "fileno") else -1
            if number in process.descriptors.files or number >= FIRST:
                return fake(process, number, *args, **kwargs)
        return real(fd, *args, **kwargs)

    return module, name, either


def class_(module: Any, name: str, fake: type) -> Replacement:
    """``fake`` is made inside, the real class elsewhere; both are instances of what stands there."""
    real = getattr(module, name)

    class Facade(type(real)):  # type: ignore[misc]
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            if cls is not both:
                return super().__call__(*args, **kwargs)
            return real(*args, **kwargs) if inside() is None else fake(*args, **kwargs)

        def __instancecheck__(cls, instance: object) -> bool:
            if cls is not both:
                return bool(super().__instancecheck__(instance))
            return isinstance(instance, real | fake)

        def __subclasscheck__(cls, subclass: type) -> bool:
            if cls is not both:
                return bool(super().__subclasscheck__(subclass))
            return issubclass(subclass, real) or issubclass(subclass, fake)

    both = Facade(name, (real,), {"__module__": real.__module__, "__doc__": real.__doc__})
    return module, name, both


def gap(module: Any, name: str, sentence: str) -> Replacement:
    """Inside, NotImplementedError with that sentence."""

    def refuse(process: Process, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(sentence)

    return function(module, name, refuse)
