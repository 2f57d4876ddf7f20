"""An entry of ``actors:`` → an Actor.

Owns what an actor may say of itself and where its declaration comes from. Called by ``loader``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from swrap.document import Entry, Mapping, Mark, Problems, did_you_mean, read
from swrap.events import NETWORK, RUN
from swrap.scenario import actor_type
from swrap.scenario.actor_type import ActorType, BadDeclaration
from swrap.scenario.model import Actor
from swrap.scenario.scope import Scope, Skipped
from swrap.scenario.shape import ACTOR, NAME


def actor_of(entry: Entry, scope: Scope, folder: Path) -> Actor:
    """The actor of one entry; ``folder`` is the scenario's. Raises Skipped."""
    name, node = entry.key, entry.value
    if not re.search(NAME, name):
        scope.complain(entry.mark, f"{name!r} cannot name an actor: a letter, then letters, digits, - or _")
    if name in (RUN, NETWORK):
        scope.complain(entry.mark, f"{name!r} is taken: events of that source are not an actor's")
    found = Problems()
    value: dict[str, Any] = read(node, ACTOR, found)
    scope.problems.extend(found)
    if found or not isinstance(node, Mapping):
        raise Skipped
    marks = {part.key: part.value.mark for part in node}
    scope.host(value["host"], marks["host"])
    kind, command = _program(value, marks, node.mark, scope, folder)
    config: Any = {}
    given = node.get("with")
    if kind is not None:
        config = scope.read(given or Mapping((), entry.mark), kind.config, references=True)
    elif given is not None:
        raise scope.complain(marks["with"], "`with:` configures an actor; a command takes arguments")
    environment = {key: str(part) for key, part in value.get("env", {}).items()}
    directory = folder if "command" in value else None
    program = value.get("program") or value["command"][0]
    return Actor(name, entry.mark, value["host"], program, command, kind, config, environment, directory)


def _program(
    value: dict[str, Any], marks: dict[str, Mark], mark: Mark, scope: Scope, folder: Path
) -> tuple[ActorType | None, tuple[str, ...]]:
    """What the actor can do, and the whole command line that starts it."""
    if ("program" in value) == ("command" in value):
        raise scope.complain(mark, "an actor has either `program:` or `command:`")
    try:
        if "program" in value:
            for key in ("schema", "protocol"):
                if key in value:
                    raise scope.complain(
                        marks[key], f"`{key}:` goes with `command:`; {value['program']} has its own"
                    )
            kind = actor_type.installed(value["program"])
            if kind is None:
                hint = did_you_mean(value["program"], actor_type.available())
                raise scope.complain(
                    marks["program"], f"no actor called {value['program']!r} is installed{hint}"
                )
            if not kind.command:
                raise BadDeclaration(value["program"], ["`command` is missing"])
            return kind, (sys.executable, *kind.command)
        if "schema" in value and "protocol" in value:
            raise scope.complain(marks["protocol"], "an actor with a schema speaks the protocol")
        file = folder / value["schema"] if "schema" in value else None
        return actor_type.from_file(file) if file else None, tuple(value["command"])
    except BadDeclaration as error:
        raise scope.complain(marks.get("schema", marks.get("program", mark)), str(error)) from error
