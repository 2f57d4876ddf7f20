"""C programs of the tests, compiled once a session."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Program = Callable[..., Path]
"""`program("handover")` is handover.c, compiled; further arguments go to the compiler. `as_`: its name, if not the same."""

FLAGS = ["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"]


def compiled(sources: Path, made: Path) -> Program:
    """Compile programs of `sources` into `made`, each when it is first asked for."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("a C compiler is missing")

    def build(name: str, *extra: str, as_: str = "") -> Path:
        target = made / (as_ or name)
        if not target.exists():
            subprocess.run([compiler, *FLAGS, *extra, "-o", target, sources / f"{name}.c"], check=True)
        return target

    return build
