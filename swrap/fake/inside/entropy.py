"""Chance inside fake processes: `random`, `secrets`, `uuid` and `os.urandom` all draw from the process's seed.

What other libraries draw from their own sources (OpenSSL's keys) is out of reach, and stays random.
"""

from __future__ import annotations

import os
import random
import tempfile
import uuid
from collections.abc import Iterator
from typing import Any

from swrap.fake.inside.current import inside
from swrap.fake.inside.facade import Replacement, function
from swrap.fake.process import Process

_METHODS = (
    "seed", "random", "uniform", "triangular", "randint", "choice", "randrange", "sample", "shuffle", "choices",
    "normalvariate", "lognormvariate", "expovariate", "vonmisesvariate", "gammavariate", "gauss", "betavariate",
    "paretovariate", "weibullvariate", "getstate", "setstate", "getrandbits", "randbytes",
)  # fmt: skip


def _urandom(process: Process, size: int) -> bytes:
    return process.random.randbytes(size)


_seed = random.Random.seed


def _seeded(generator: random.Random, a: Any = None, version: int = 2) -> None:
    """A generator that is not told its seed has one of the process's, too."""
    process = inside()
    _seed(generator, process.random.getrandbits(128) if a is None and process is not None else a, version)


def _names(process: Process) -> Iterator[str]:
    """Of temporary files: a stream of its own, since how many of them are taken is the machine's."""
    while True:
        yield "".join(process.name_random.choices("abcdefghijklmnopqrstuvwxyz0123456789_", k=8))


def _drawn(name: str) -> Replacement:
    def draw(process: Process, *args: Any, **kwargs: Any) -> Any:
        return getattr(process.program_random, name)(*args, **kwargs)

    return function(random, name, draw)


def replacements() -> list[Replacement]:
    """What stands where."""
    return [
        function(os, "urandom", _urandom),
        function(random, "_urandom", _urandom),
        (random.Random, "seed", _seeded),
        function(tempfile, "_get_candidate_names", _names),
        (uuid, "_generate_time_safe", None),
        (uuid, "_last_timestamp", None),
        function(uuid, "getnode", lambda process: 0x020000000000 | process.pid),
        *map(_drawn, _METHODS),
    ]
