"""A scenario file → a Scenario, with every problem of it at once, each at its place.

Owns the order in which the parts are read, so that each can be checked against those before it. A part that
is wrong is left out and the rest is checked on. Called by the command line (``check``, ``run``), and by
whoever runs scenarios.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from swrap.document import Entry, Mapping, Node, Problem, Problems, Scalar, Schema, Sequence, parse_file, read
from swrap.scenario.expectations import Expectation, expectation_of
from swrap.scenario.loader_actor import actor_of
from swrap.scenario.loader_step import note_starts_and_exits, step_of
from swrap.scenario.model import DEFAULT_WITHIN, Scenario, Step
from swrap.scenario.scope import Scope, Skipped
from swrap.scenario.shape import SCENARIO
from swrap.topology import Topology, topology_of

_T = TypeVar("_T")


def load(path: Path) -> Scenario:
    """The scenario in the file at ``path``. Raises BadInput with all that is wrong with it."""
    problems = Problems()
    scenario = _load(Path(path), problems)
    problems.raise_any()
    if scenario is None:
        raise AssertionError("no problems, and no scenario")
    return scenario


def check(path: Path) -> list[Problem]:
    """All that is wrong with the file at ``path``, sorted by place; nothing runs."""
    problems = Problems()
    _load(Path(path), problems)
    return list(problems)


def _load(path: Path, problems: Problems) -> Scenario | None:
    node = parse_file(path, problems)
    if node is None:
        return None
    if not isinstance(node, Mapping):
        problems.add(node.mark, "a scenario is a mapping with title, lab, actors, steps, expect")
        return None
    outer = _outer(node, problems)
    lab_file, topology = _lab(node.get("lab"), path, problems)
    scope = Scope(problems, topology)
    within = outer.get("within", DEFAULT_WITHIN)
    for entry in _entries(node.get("actors")):
        scope.actors[entry.key] = None
        scope.actors[entry.key] = _try(lambda entry=entry: actor_of(entry, scope, path.parent))  # type: ignore[misc]
    note_starts_and_exits(node.get("steps"), scope)
    steps: list[Step] = []
    for part in _items(node.get("steps")):
        step = _try(lambda part=part: step_of(part, scope, len(steps) + 1, within))  # type: ignore[misc]
        if step is not None:
            steps.append(step)
    for named in scope.results.values():
        named.pending = False  # the end of the steps waits for all of them
    expectations: list[Expectation] = []
    for part in _items(node.get("expect")):
        expectation = _try(lambda part=part: expectation_of(part, scope))  # type: ignore[misc]
        if expectation is not None:
            expectations.append(expectation)
    if problems or topology is None:
        return None
    actors = tuple(actor for actor in scope.actors.values() if actor is not None)
    return Scenario(path, outer["title"], topology, lab_file, actors, tuple(steps), tuple(expectations))


def _outer(node: Mapping, problems: Problems) -> dict[str, Any]:
    """The outermost mapping's keys and plain values; what is below is read part by part."""
    deep: dict[str, Schema] = {"lab": {}, "actors": {"type": "object"}, "expect": {"type": "array"}}
    deep["steps"] = {"type": "array", "minItems": 1}
    shallow: Schema = {**SCENARIO, "properties": {**SCENARIO["properties"], **deep}}
    value: dict[str, Any] = read(node, shallow, problems)
    return value


def _lab(node: Node | None, path: Path, problems: Problems) -> tuple[Path, Topology | None]:
    """The lab's file and its network; the file is the scenario's own unless ``lab:`` names another."""
    if node is None:
        return path, None
    if isinstance(node, Scalar):
        if not isinstance(node.value, str):
            problems.add(node.mark, "a lab is a mapping with hosts, or the name of a lab file")
            return path, None
        file = path.parent / node.value
        if not file.is_file():
            problems.add(node.mark, f"there is no lab file {file}")
            return file, None
        inner = parse_file(file, problems)
        return file, None if inner is None else topology_of(inner, problems)
    return path, topology_of(node, problems)


def _entries(node: Node | None) -> tuple[Entry, ...]:
    return node.entries if isinstance(node, Mapping) else ()


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else ()


def _try(build: Callable[[], _T]) -> _T | None:
    """What ``build`` makes, or None where it complained."""
    try:
        return build()
    except Skipped:
        return None
