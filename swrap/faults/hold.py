"""``hold``: what matches stays in flight until it is released.

To a sender it looks as ``block`` does; but datagrams are kept, where ``block`` loses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from swrap.faults import effects, ruling
from swrap.faults.ruling import Ruling


@dataclass(frozen=True, slots=True)
class Hold(Ruling):
    """``hold: {between: [laptop, server]}``; ``release`` lets it go on."""

    verb: ClassVar = "hold"
    sentence: ClassVar = "What matches stays on the way, and comes in its order when it is released."
    schema: ClassVar = ruling.schema({})
    said: ClassVar = ruling.said({})

    @classmethod
    def effect_of(cls, options: Mapping[str, Any]) -> effects.Hold:
        return effects.Hold()
