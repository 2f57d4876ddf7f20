"""A scenario as values: checked, with its positions, ready to run on any back end.

Owns the shapes. ``loader`` makes them; ``runner`` plays them. What an action does and what an expectation
judges is theirs (``actions``, ``expectations``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from swrap.document import Mark
from swrap.scenario.actor_type import ActorType
from swrap.scenario.reference import Template
from swrap.topology import Topology

if TYPE_CHECKING:
    from swrap.scenario.actions.base import Action
    from swrap.scenario.condition import Condition
    from swrap.scenario.expectations.base import Expectation
    from swrap.scenario.triggers.base import Trigger

DEFAULT_WITHIN = 60.0
"""Seconds that a step may take unless it, or the scenario, says otherwise."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A program of the story. ``type`` is None where it speaks no protocol: it is run, watched and ended."""

    name: str
    mark: Mark
    host: str
    program: str
    command: tuple[str, ...]
    type: ActorType | None
    config: Template
    environment: Mapping[str, str]
    directory: Path | None
    """Where it runs; None: where the runner does."""
    started_by_step: bool = False
    exit_awaited: bool = False


@dataclass(frozen=True, slots=True)
class Fails:
    """What is to be true of a step's failure; None: anything."""

    message: Condition | None = None
    status: Condition | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``within`` is in seconds; ``name`` is its ``as:``."""

    number: int
    mark: Mark
    text: str
    action: Action
    trigger: Trigger | None
    within: float
    name: str | None
    background: bool
    fails: Fails | None
    may_miss: bool

    @property
    def where(self) -> str:
        """``file:line``."""
        return f"{self.mark.file}:{self.mark.line}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story: a network, who is on it, what happens, what is to be true then."""

    path: Path
    title: str
    topology: Topology
    lab: Path
    """The file that the topology stands in: the scenario's own, or the one that its ``lab:`` names."""
    actors: tuple[Actor, ...]
    steps: tuple[Step, ...]
    expectations: tuple[Expectation, ...]
