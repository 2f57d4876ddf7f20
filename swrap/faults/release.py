"""``release``: what ``hold`` kept on the way goes on, in its order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from swrap.faults.unblock import Unblock


@dataclass(frozen=True, slots=True)
class Release(Unblock):
    """``release: {}`` for all that is held, ``release: {rule: $held.rule}`` for one rule."""

    verb: ClassVar = "release"
    sentence: ClassVar = "What `hold` kept on the way goes on: of one rule, or of all."
