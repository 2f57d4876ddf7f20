"""What a kind of actor can do: its configuration, verbs and events, as it declares them.

Owns the reading of a declaration (a mapping with ``command``, ``config``, ``verbs``, ``events``), wherever
it comes from: an entry point in the group ``swrap.actors``, or a JSON file that a scenario names. Must not
know any actor, nor run one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from swrap.document import Schema
from swrap.document.keywords import unusable

GROUP = "swrap.actors"

_CLOSED: Schema = {"type": "object", "properties": {}}


class BadDeclaration(Exception):
    """A declaration that cannot be used; ``reasons`` has a sentence each."""

    def __init__(self, name: str, reasons: list[str]) -> None:
        super().__init__(f"the actor {name} is declared wrongly: " + "; ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that an actor can be told to do; both schemas are of JSON objects."""

    doc: str
    args: Schema
    result: Schema


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of event that an actor tells of; ``fields`` has each field's meaning."""

    doc: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ActorType:
    """A declaration, checked. ``command`` follows the Python executable (empty: the scenario's own).

    ``simulated`` is a function as ``"module:name"``: what it does where processes are simulated, if it can.
    """

    name: str
    command: tuple[str, ...] = ()
    config: Schema = field(default_factory=lambda: dict(_CLOSED))
    verbs: Mapping[str, Verb] = field(default_factory=dict)
    events: Mapping[str, EventType] = field(default_factory=dict)
    simulated: str | None = None


def available() -> list[str]:
    """The names of all actors that are installed, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def installed(name: str) -> ActorType | None:
    """The installed actor ``name``, or None. Raises BadDeclaration, for an import that fails too."""
    for point in entry_points(group=GROUP, name=name):
        try:
            declaration = point.load()
        except Exception as error:
            # Whatever an actor's module raises is its own fault, and the user's to read.
            raise BadDeclaration(name, [f"{point.value}: {type(error).__name__}: {error}"]) from error
        return declared(name, declaration)
    return None


def from_file(path: Path) -> ActorType:
    """The actor that the JSON file at ``path`` declares. Raises BadDeclaration."""
    try:
        return declared(path.name, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise BadDeclaration(path.name, [f"{path}: {error}"]) from error


def declared(name: str, declaration: object) -> ActorType:
    """The actor that a declaration describes. Raises BadDeclaration with all that is wrong with it."""
    if not isinstance(declaration, Mapping):
        raise BadDeclaration(name, [f"a {type(declaration).__name__} where a mapping belongs"])
    wrong: list[str] = []
    unknown = sorted(set(declaration) - {"command", "simulated", "config", "verbs", "events", "doc"})
    wrong += [f"unknown key {key!r}" for key in unknown]
    command = declaration.get("command", ())
    if not isinstance(command, list | tuple) or not all(isinstance(word, str) for word in command):
        wrong.append("`command` is a list of words")
        command = ()
    simulated = declaration.get("simulated")
    if not (simulated is None or (isinstance(simulated, str) and ":" in simulated)):
        wrong.append("`simulated` is a function, written module:name")
    config = _schema(declaration.get("config", _CLOSED), "config", wrong)
    verbs = {
        verb: Verb(
            str(body.get("doc", "")),
            _schema(body.get("args", _CLOSED), f"verbs.{verb}.args", wrong),
            _schema(body.get("result", {}), f"verbs.{verb}.result", wrong),
        )
        for verb, body in _named(declaration, "verbs", wrong)
    }
    events = {}
    for kind, body in _named(declaration, "events", wrong):
        fields = body.get("fields", {})
        if not isinstance(fields, Mapping):
            wrong.append(f"events.{kind}.fields is a mapping of names to meanings")
            fields = {}
        meanings = {str(key): str(meaning) for key, meaning in fields.items()}
        events[kind] = EventType(str(body.get("doc", "")), meanings)
    if wrong:
        raise BadDeclaration(name, wrong)
    return ActorType(name, tuple(command), config, verbs, events, simulated)


def _named(declaration: Mapping[Any, Any], key: str, wrong: list[str]) -> list[tuple[str, Mapping[str, Any]]]:
    bodies = declaration.get(key, {})
    if not isinstance(bodies, Mapping) or not all(isinstance(body, Mapping) for body in bodies.values()):
        wrong.append(f"`{key}` is a mapping of names to mappings")
        return []
    return [(str(name), body) for name, body in bodies.items()]


def _schema(schema: Any, where: str, wrong: list[str]) -> Schema:
    found = unusable(schema, where)
    wrong += found
    return _CLOSED if found else dict(schema)
