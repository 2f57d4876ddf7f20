"""``heal``: the network gets back to health, whatever was done to it; or from one rule alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from swrap.faults.unblock import Unblock


@dataclass(frozen=True, slots=True)
class Heal(Unblock):
    """``heal: {}``, or ``heal: {rule: $cut.rule}`` for a rule of whatever fault."""

    verb: ClassVar = "heal"
    sentence: ClassVar = (
        "All is as the lab says: cables, rates, speeds, addresses; no rules. Or one rule less."
    )
    said: ClassVar = {"rule": "the rule's id; none: all that was done is undone"}
