"""``- link-down: server.eth0`` and all other faults: one happens to the network, or to a process.

Owns the way from YAML to a fault of ``swrap.faults``; each of those is an action under its verb.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from swrap.document import JSON, Entry, Mark, Problems, Schema, at, node_of, read
from swrap.faults import FAULTS, Fault
from swrap.scenario.actions.base import Action, Context
from swrap.scenario.failure import StepFailure
from swrap.scenario.reference import Template, references
from swrap.scenario.scope import Scope

if TYPE_CHECKING:
    from swrap.scenario.stage import Stage

TOUCHED: Schema = {
    "properties": {"flows": {}, "bytes": {}, "processes": {}, "rule": {}, "pids": {}, "pid": {}},
}


@dataclass(frozen=True, slots=True)
class Inflict(Action):
    """The fault of ``kind``, from ``value``: what stands after its verb."""

    kind: type[Fault]
    value: Template
    mark: Mark

    word: ClassVar = "FAULT"
    schema: ClassVar[Schema] = {}
    doc: ClassVar = "A fault; its own sentence says more."
    may_miss: ClassVar = True

    @classmethod
    def of(cls, entry: Entry, scope: Scope) -> Self:
        kind = FAULTS[entry.key]
        value = scope.read(entry.value, kind.schema, references=True)
        if not references(value):
            try:
                fault = kind.of(value)
            except ValueError as error:
                raise scope.complain(entry.value.mark, str(error)) from None
            if scope.topology is not None:
                for path, message in fault.against(scope.topology):
                    scope.problems.add(at(entry.value, path), message)
                scope.topology = fault.after(scope.topology)
            actor = getattr(fault, "actor", None)
            if actor is not None:
                scope.actor(actor, at(entry.value, ("actor",)))
        return cls(kind, value, entry.value.mark)

    def shape(self) -> Schema:
        return TOUCHED

    def fault(self, stage: Stage) -> Fault:
        """The fault, its references resolved. Raises StepFailure."""
        value: Any = stage.resolve(self.value)
        problems = Problems()
        checked = read(node_of(value, self.mark), self.kind.schema, problems)
        if problems:
            raise StepFailure("; ".join(problem.message for problem in problems))
        try:
            fault = self.kind.of(checked)
        except ValueError as error:
            raise StepFailure(str(error)) from None
        for _, message in fault.against(stage.topology):
            raise StepFailure(message)
        return fault

    async def perform(self, stage: Stage, context: Context) -> JSON:
        fault = self.fault(stage)
        touched = await stage.inflict(fault, context)
        stage.topology = fault.after(stage.topology)
        return {
            "flows": touched.flows,
            "bytes": touched.bytes,
            "processes": touched.processes,
            **touched.details,
        }
