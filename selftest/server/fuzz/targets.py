"""What a fuzzer may throw bytes at: every decoder of `server.wire`, by module, and a whole connection.

Decoders are found, not listed: a new one is fuzzed from its first day. Each target takes any bytes and returns, or
raises what is a bug.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import server.wire
from selftest.support.smb_peer import InProcess, config, ready
from server.wire.errors import WireError
from server.wire.header import Command

Target = Callable[[bytes], None]
Decoder = Callable[[bytes], Any]

_BYTES = ("Buffer", "bytes", "bytes | memoryview", "bytes | bytearray | memoryview")


def decoders(module: ModuleType) -> Iterator[tuple[str, Decoder]]:
    """Its functions and class methods that read bytes; a number that they want besides is the last byte."""
    own = [
        (name, one) for name, one in vars(module).items() if getattr(one, "__module__", "") == module.__name__
    ]
    found: list[tuple[str, Any]] = []
    for name, one in own:
        if inspect.isclass(one):
            found += [(f"{name}.decode", one.decode)] if hasattr(one, "decode") else []
        elif inspect.isfunction(one) and name.startswith(("decode", "split")):
            found.append((name, one))
    for name, one in found:
        parameters = list(inspect.signature(one).parameters.values())
        needed = [p for p in parameters if p.default is p.empty]
        if needed and needed[0].annotation in _BYTES:
            if len(needed) == 1:
                yield name, one
            elif len(needed) == 2 and needed[1].annotation == "int":
                yield name, lambda data, one=one: one(data, data[-1] if data else 0)


def _of(found: list[Decoder]) -> Target:
    """The first byte chooses the decoder."""

    def target(data: bytes) -> None:
        with contextlib.suppress(WireError):
            result = found[data[0] % len(found)](data[1:]) if data else None
            if inspect.isgenerator(result):
                list(result)

    return target


def codecs() -> dict[str, Target]:
    """By module of `server.wire`."""
    targets = {}
    for info in pkgutil.iter_modules(server.wire.__path__):
        found = [one for _, one in decoders(importlib.import_module(f"server.wire.{info.name}"))]
        if found:
            targets[info.name] = _of(found)
    return targets


def connection() -> Target:
    """Requests of a user who has logged on: a byte for the command, a byte for the length, the body; and so on."""

    def target(data: bytes) -> None:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as root, InProcess(config(Path(root))) as server:
            peer, session = ready(server)
            file = peer.create(session, "f")
            while len(data) > 2 and server.wires[0].reason is None:
                command, length = Command(data[0] % len(Command)), data[1]
                body, data = data[2 : 2 + length].replace(b"FILEFILE", file), data[2 + length :]
                peer.begin(command, body, session)
        if server.failures.lines:
            raise RuntimeError("".join(server.failures.lines))

    return target


def everything() -> dict[str, Target]:
    every = codecs()
    names = sorted(every)

    def any_codec(data: bytes) -> None:
        if data:
            every[names[data[0] % len(names)]](data[1:])

    return {**every, "codecs": any_codec, "connection": connection()}
