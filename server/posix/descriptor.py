"""A descriptor that is closed with the last reference to it.

Owns that alone. What a worker that ends in the middle of things has open is then not open for ever, where it is not
the system that ends it. Used by `server.posix.files` and `server.posix.handle`.
"""

from __future__ import annotations

import os


class Descriptor(int):
    """Its number."""

    _open = True

    def close(self) -> None:
        """Close it now; harmless where it is closed."""
        if self._open:
            self._open = False
            os.close(self)

    __del__ = close
