"""``when: {progress: copy, reaches: 50%}``: a step in the background has come so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from swrap.document import Mapping, Node, Schema
from swrap.document.units import show_size, size
from swrap.scenario.scope import Scope
from swrap.scenario.triggers.base import Trigger

if TYPE_CHECKING:
    from swrap.scenario.stage import Stage


@dataclass(frozen=True, slots=True)
class OnProgress(Trigger):
    """The step ``name`` has done ``share`` of its total (0 to 1), or ``amount`` of what it counts."""

    name: str
    share: float | None
    amount: int | None

    key: ClassVar = "progress"
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "progress": {"type": "string", "description": "The `as:` of a step in the background."},
            "reaches": {
                "type": ["string", "integer"],
                "title": "a share such as 50%, or an amount such as 32MiB",
            },
        },
        "required": ["progress", "reaches"],
        "additionalProperties": False,
    }

    @classmethod
    def of(cls, value: dict[str, Any], node: Node, scope: Scope) -> Self:
        marks = {entry.key: entry.value.mark for entry in node} if isinstance(node, Mapping) else {}
        named = scope.result(value["progress"], marks["progress"])
        if not named.progress:
            raise scope.complain(
                marks["progress"], f"{value['progress']!r} is no step with `background: true`"
            )
        reaches = value["reaches"]
        if isinstance(reaches, str) and reaches.endswith("%"):
            number = reaches[:-1].strip()
            if not number.replace(".", "", 1).isdecimal() or not 0 <= float(number) <= 100:
                raise scope.complain(marks["reaches"], f"{reaches!r} is no share: 0% to 100%")
            return cls(value["progress"], float(number) / 100, None)
        try:
            return cls(value["progress"], None, size(reaches))
        except ValueError as error:
            raise scope.complain(marks["reaches"], f"{error}, or a share such as 50%") from None

    async def wait(self, stage: Stage, turn: float) -> None:
        await stage.progress_of(self.name, self.reached)

    def reached(self, done: int, total: int) -> bool:
        """Is that far enough? Where the total is not known (0), no share is."""
        if self.share is not None:
            return total > 0 and done >= self.share * total
        return self.amount is not None and done >= self.amount

    def __str__(self) -> str:
        goal = f"{self.share:.0%}" if self.share is not None else show_size(self.amount or 0)
        return f"{self.name} to reach {goal}"

    def seen(self, stage: Stage) -> str:
        done, total = stage.progress.get(self.name, (0, 0))
        return f"{self.name} at {show_size(done)}" + (f" of {show_size(total)}" if total else "")
