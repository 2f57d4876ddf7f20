"""Imports in the middle of a run: what a fake process imports first is as good as imported by all.

Owns noticing them, when the outermost import is done. What then becomes of the modules, ``globals`` decides.
"""

from __future__ import annotations

import builtins
import importlib
from collections.abc import Callable
from typing import Any

from swrap.fake.inside.facade import Replacement, function
from swrap.fake.process import Process

_depth = 0


def _noticed(real: Callable[..., Any]) -> Callable[..., Any]:
    def fake(process: Process, *args: Any, **kwargs: Any) -> Any:
        global _depth
        _depth += 1
        try:
            return real(*args, **kwargs)
        finally:
            _depth -= 1
            if not _depth:
                process.world.globals.imported()

    return fake


def replacements() -> list[Replacement]:
    """What stands where."""
    return [
        function(builtins, "__import__", _noticed(builtins.__import__)),
        function(importlib, "import_module", _noticed(importlib.import_module)),
    ]
