"""What a scenario's parts may refer to, while it is being checked.

Owns the names known so far (actors, the results of earlier steps, the lab) and the look-ups of all kinds,
each with its complaint and suggestion. Must not know how any single part is spelled. Used by the loader,
actions, triggers and expectations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from swrap.document import Mark, Node, Problems, Scalar, Schema, did_you_mean, read
from swrap.events import CATALOGUE, NETWORK, RUN
from swrap.scenario.model import Actor
from swrap.scenario.reference import Reference, claim, path_problem
from swrap.topology import Topology

ANYTHING: Schema = {}
"""The shape of a result of which nothing is known."""

RUN_RESULT: Schema = {"properties": {"seed": {"type": "integer"}}}
"""``$run``: what is known before the first step."""


class Skipped(Exception):
    """This part is wrong, and ``problems`` has the reason already; the next part can go on."""


@dataclass(slots=True)
class Named:
    """A result that can be referred to. ``pending``: its step, in the background, was not joined yet."""

    shape: Schema
    mark: Mark
    pending: bool = False
    progress: bool = False
    broken: bool = False
    """Its step was wrong, which has been told: whatever refers to it is right."""


@dataclass(slots=True)
class Scope:
    """All that can be looked up at one place of the file; grows from step to step."""

    problems: Problems
    topology: Topology | None
    actors: dict[str, Actor | None] = field(default_factory=dict)
    results: dict[str, Named] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.results.setdefault(RUN, Named(RUN_RESULT, Mark("", 0, 0)))

    def complain(self, mark: Mark, message: str) -> Skipped:
        """Note a problem; raise what this returns if the part is of no use then."""
        self.problems.add(mark, message)
        return Skipped()

    def read(self, node: Node, schema: Schema, *, references: bool = False) -> Any:
        """The checked value of ``node``, with References where ``schema`` or ``references`` allows them.

        Raises Skipped where it is wrong.
        """
        found = Problems()

        def reference(scalar: Scalar) -> Reference | Scalar | None:
            try:
                claimed = claim(scalar)
            except ValueError as error:
                found.add(scalar.mark, str(error))
                return None
            if isinstance(claimed, Reference):
                self.refer(claimed, found)
            return claimed

        value = read(node, schema, found, reference=reference, references_everywhere=references)
        self.problems.extend(found)
        if found:
            raise Skipped
        return value

    def refer(self, reference: Reference, problems: Problems) -> None:
        """Check that a reference can lead somewhere at this place of the file."""
        named = self.results.get(reference.name)
        if named is None:
            hint = did_you_mean(reference.name, self.results)
            problems.add(reference.mark, f"{reference}: nothing before this has `as: {reference.name}`{hint}")
            return
        if named.pending and not named.broken:
            problems.add(
                reference.mark,
                f"{reference}: {reference.name!r} still runs here; `- join: {reference.name}` waits for it",
            )
        wrong = path_problem(named.shape, reference.path)
        if wrong:
            problems.add(reference.mark, f"{reference}: {wrong}")

    def define(self, name: str, named: Named) -> None:
        """Make the result of a step known to all that comes after."""
        mark = named.mark
        if name == RUN:
            raise self.complain(mark, f"{name!r} is taken: $run is the run itself")
        if name in self.results:
            first = self.results[name].mark
            raise self.complain(mark, f"`as: {name}` is there twice; first on line {first.line}")
        self.results[name] = named

    def actor(self, name: str, mark: Mark) -> Actor:
        """The actor ``name``. Raises Skipped, silently where the actor itself was wrong."""
        if name not in self.actors:
            raise self.complain(mark, f"no actor {name!r}{did_you_mean(name, self.actors)}")
        actor = self.actors[name]
        if actor is None:
            raise Skipped
        return actor

    def result(self, name: str, mark: Mark) -> Named:
        """The step called ``name``. Raises Skipped."""
        named = self.results.get(name) if name != RUN else None
        if named is None:
            hint = did_you_mean(name, set(self.results) - {RUN})
            raise self.complain(mark, f"nothing before this has `as: {name}`{hint}")
        return named

    def host(self, name: str, mark: Mark) -> None:
        """Complain where the lab has no host ``name``."""
        if self.topology is not None:
            try:
                self.topology.host(name)
            except KeyError as error:
                self.problems.add(mark, str(error.args[0]))

    def event_fields(
        self, kind: str, mark: Mark, source: str | None, source_mark: Mark
    ) -> Mapping[str, str] | None:
        """The fields of an event kind, or None where they are not known. Raises Skipped."""
        kinds = self._kinds(source, source_mark)
        if kinds is None:
            return None
        if kind not in kinds:
            where = f" of {source}" if source else ""
            raise self.complain(mark, f"unknown event {kind!r}{where}{did_you_mean(kind, kinds)}")
        if kind in CATALOGUE and CATALOGUE[kind].sample:
            raise self.complain(
                mark, f"{kind} is made by the clock; nothing can be said of how often it comes"
            )
        return kinds[kind]

    def _kinds(self, source: str | None, mark: Mark) -> dict[str, dict[str, str]] | None:
        """Kind → fields, of one source or of all; None where a source does not declare its kinds."""
        known = [RUN, NETWORK, *self.actors]
        if source is not None and source not in known:
            raise self.complain(mark, f"nobody called {source!r} tells events{did_you_mean(source, known)}")
        found: dict[str, dict[str, str]] = {}
        for name in (source,) if source else known:
            kinds = self._kinds_of(name)
            if kinds is None:
                return None
            for kind, fields in kinds:
                found.setdefault(kind, {}).update(fields)
        return found

    def _kinds_of(self, source: str) -> Iterable[tuple[str, Mapping[str, str]]] | None:
        if source in (RUN, NETWORK):
            return [(kind, what.fields) for kind, what in CATALOGUE.items() if what.source == source]
        actor = self.actors[source]
        if actor is None:  # declared wrongly: that has been told, and what it would tell is unknown
            return None
        if actor.type is None:
            return []
        return [(kind, what.fields) for kind, what in actor.type.events.items()]
