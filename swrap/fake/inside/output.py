"""Standard output and standard error inside fake processes: kept with the process, for whoever started it."""

from __future__ import annotations

import io
import sys
from typing import Any

from swrap.fake.inside.current import inside
from swrap.fake.inside.facade import Around, Replacement


class Output(io.TextIOBase):
    """``real`` is whose it is outside, and the harness's; ``which`` is the process's own."""

    def __init__(self, real: Any, which: str) -> None:
        super().__init__()
        self._real = real
        self._which = which

    def _own(self) -> Any:
        process = inside()
        return self._real if process is None or process.host is None else getattr(process, self._which)

    def write(self, text: str) -> int:
        """See `io`."""
        return int(self._own().write(text))

    def flush(self) -> None:
        """See `io`."""
        self._own().flush()

    def writable(self) -> bool:
        """See `io`."""
        return True

    def close(self) -> None:
        """Neither is ours to close."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def replacements() -> list[Replacement]:
    """What stands where."""
    return [
        (sys, "stdout", Around(lambda real: Output(real, "stdout"))),
        (sys, "stderr", Around(lambda real: Output(real, "stderr"))),
    ]
