"""``partition``: two sets of hosts do not hear each other any more, or the second not the first.

Inside each set all goes on. With ``direction: out`` only what the first set sends to the second is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from swrap.faults.cut import Cut


@dataclass(frozen=True, slots=True)
class Partition(Cut):
    """``partition: [[a, b], [c, d]]``, ``partition: {between: [[a, b], c], direction: out}``."""

    verb: ClassVar = "partition"
    sentence: ClassVar = "Two sets of hosts do not hear each other any more, or the second not the first."
