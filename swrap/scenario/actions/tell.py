"""``- laptop.put: {path: film.bin, size: 64MiB}``: an actor is told one of its verbs.

The arguments are checked against the actor's own schema, before the run and, where results of earlier steps
are in them, again when those are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from swrap.document import JSON, Entry, Mapping, Mark, Problems, Scalar, Schema, did_you_mean, node_of, read
from swrap.scenario.actions.base import Action, Context
from swrap.scenario.actor_type import Verb
from swrap.scenario.failure import StepFailure
from swrap.scenario.reference import Template, references
from swrap.scenario.scope import Scope

if TYPE_CHECKING:
    from swrap.scenario.stage import Stage


@dataclass(frozen=True, slots=True)
class Tell(Action):
    """``actor`` is told ``verb`` with ``args``."""

    actor: str
    verb: str
    args: Template
    declared: Verb
    mark: Mark

    word: ClassVar = "ACTOR.VERB"
    schema: ClassVar[Schema] = {"type": ["object", "null"], "title": "the verb's arguments"}
    doc: ClassVar = "An actor is told one of its verbs; `swrap actors` lists them."

    @classmethod
    def of(cls, entry: Entry, scope: Scope) -> Self:
        name, _, verb = entry.key.partition(".")
        actor = scope.actor(name, entry.mark)
        if actor.type is None:
            raise scope.complain(entry.mark, f"{name} speaks no protocol, so it cannot be told {verb!r}")
        declared = actor.type.verbs.get(verb)
        if declared is None:
            hint = did_you_mean(verb, actor.type.verbs)
            raise scope.complain(entry.mark, f"{name} ({actor.program}) has no verb {verb!r}{hint}")
        empty = isinstance(entry.value, Scalar) and entry.value.value is None
        node = Mapping((), entry.mark) if empty else entry.value
        args = scope.read(node, declared.args, references=True)
        return cls(name, verb, args, declared, node.mark)

    def shape(self) -> Schema:
        return self.declared.result

    async def perform(self, stage: Stage, context: Context) -> JSON:
        args: dict[str, Any] = stage.resolve(self.args)
        if references(self.args):
            problems = Problems()
            args = read(node_of(args, self.mark), self.declared.args, problems)
            if problems:
                raise StepFailure("; ".join(problem.message for problem in problems))

        def progress(done: int, total: int) -> None:
            stage.made_progress(context, self.actor, done, total)

        return await stage.actor(self.actor).call(self.verb, args, progress)

    def expected(self) -> str:
        return f"{self.actor} to answer"

    def seen(self, stage: Stage) -> str:
        return "no answer"
