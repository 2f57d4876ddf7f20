"""A network that only remembers what was asked of it, for the tests of single faults."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from swrap.document import Mark, Problems, node_of, read
from swrap.document.keywords import unusable
from swrap.faults import FAULTS, Fault, Match, Rule, Touched


@dataclass
class Asked:
    """Implements the Target protocol; ``calls`` has what came, ``answer`` is what it says it touched."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    answer: Touched = field(default_factory=lambda: Touched(2, 18_234))

    async def link(self, interface: str, up: bool) -> Touched:
        return self._note("link", interface, up)

    async def rate(self, interface: str, rate: int | None) -> Touched:
        return self._note("rate", interface, rate)

    async def speed(self, interface: str, speed: int) -> Touched:
        return self._note("speed", interface, speed)

    async def add_address(self, interface: str, address: str) -> Touched:
        return self._note("add-address", interface, address)

    async def remove_address(self, address: str) -> Touched:
        return self._note("remove-address", address)

    async def move(self, address: str, to: str, reset: bool) -> Touched:
        return self._note("move", address, to, reset)

    async def impose(self, rule: Rule) -> Touched:
        return self._note(rule.verb, rule.what, rule.effect)

    async def lift(self, verb: str, rule: int | None) -> Touched:
        return self._note(verb, rule)

    async def reset(self, match: Match) -> Touched:
        return self._note("reset", match)

    async def kill(self, actor: str | None, role: str | None, pid: int | None, signal: str) -> Touched:
        return self._note("kill", actor, role, pid, signal)

    def _note(self, *call: Any) -> Touched:
        self.calls.append(call)
        return self.answer


class Spelled:
    """A fault as YAML spells it: ``value`` is what stands after the verb."""

    def __init__(self, verb: str, value: Any) -> None:
        self.kind = FAULTS[verb]
        assert unusable(self.kind.schema) == []
        self.problems = Problems()
        checked = read(node_of(value, Mark("f.yaml", 1, 1)), self.kind.schema, self.problems)
        self.wrong = [problem.message for problem in self.problems]
        self.fault: Fault | None = None
        if not self.wrong:
            try:
                self.fault = self.kind.of(checked)
            except ValueError as error:
                self.wrong.append(str(error))

    def asks(self) -> list[tuple[Any, ...]]:
        """What it asks of the network, having checked that it hands on what it touched."""
        assert self.wrong == []
        assert self.fault is not None
        target = Asked()
        assert asyncio.run(self.fault.apply(target)) is target.answer
        return target.calls


@pytest.fixture
def spelled() -> type[Spelled]:
    """``spelled(verb, value)``: a fault from its YAML."""
    return Spelled
