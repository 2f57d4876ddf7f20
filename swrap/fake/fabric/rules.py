"""The rules that are in force, by their number.

Owns who made which, and which a fault may take back. What they say of a packet, ``faults.rule.decide`` says.
"""

from __future__ import annotations

from swrap.faults.rule import Packet, Rule, Verdict, decide

LIFTS = {"unblock": "block", "release": "hold", "heal": None}
"""By what takes back: what it takes back; None: anything."""


class Rules:
    """In the order in which they were made."""

    def __init__(self) -> None:
        self._rules: dict[int, Rule] = {}
        self._last = 0

    def add(self, rule: Rule) -> int:
        """Put it in force; its number."""
        self._last += 1
        self._rules[self._last] = rule
        return self._last

    def remove(self, verb: str, number: int | None) -> None:
        """Take back one, or all of those that ``verb`` speaks of. Raises ValueError."""
        makes = LIFTS[verb]
        mine = [key for key, rule in self._rules.items() if makes in (rule.verb, None)]
        if number is not None and number not in mine:
            other = f", {number} is of {self._rules[number].verb}" if number in self._rules else ""
            raise ValueError(f"no rule {number}{f' of {makes}' if other else ''}{other}")
        for key in mine if number is None else [number]:
            del self._rules[key]

    def __bool__(self) -> bool:
        return bool(self._rules)

    def verdict(self, packet: Packet) -> Verdict:
        """What becomes of ``packet``."""
        return decide(self._rules.values(), packet)
