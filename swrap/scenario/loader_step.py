"""An item of ``steps:`` → a Step.

Owns what every step can say besides its action, and that it has exactly one action. Called by ``loader``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from swrap.document import Entry, Mapping, Node, Scalar, Schema, Sequence, did_you_mean
from swrap.scenario import condition
from swrap.scenario.actions import WORDS, action_for
from swrap.scenario.model import Fails, Step
from swrap.scenario.scope import ANYTHING, Named, Scope, Skipped
from swrap.scenario.shape import COMMON
from swrap.scenario.triggers import trigger_of

FAILURE: Schema = {"properties": {"message": {"type": "string"}, "status": {}}}
"""The result of a step that was to fail."""


def step_of(node: Node, scope: Scope, number: int, within: float) -> Step:
    """The step of one item; its ``as:`` becomes known to those after it. Raises Skipped."""
    if not isinstance(node, Mapping):
        raise scope.complain(
            node.mark, "a step is a mapping such as `laptop.login: {}` or `link-down: server.eth0`"
        )
    name = _name(node)
    try:
        return _step(node, scope, number, within, name)
    except Skipped:
        if name is not None and name[0] not in scope.results:
            # What comes after may refer to it; that it is wrong has been told once.
            scope.define(name[0], Named(ANYTHING, name[1].mark, pending=True, progress=True, broken=True))
        raise


def _step(node: Mapping, scope: Scope, number: int, within: float, name: tuple[str, Node] | None) -> Step:
    entry = _action_entry(node, scope)
    common = Mapping(tuple(part for part in node if part.key in COMMON and part.key != "when"), node.mark)
    schema = {"type": "object", "properties": {key: part for key, part in COMMON.items() if key != "when"}}
    value: dict[str, Any] = scope.read(common, schema)
    when = node.get("when")
    trigger = None if when is None else trigger_of(when, scope)
    kind = action_for(entry.key)
    if kind is None:
        raise AssertionError(entry.key)
    background = value.get("background", False)
    if background and not kind.acts:
        raise scope.complain(
            node.place("background"), f"{entry.key} only waits; in the background that is nothing"
        )
    if background and name is None:
        hint = "it has no `as:`, so nothing can join it"
        raise scope.complain(node.place("background"), f"a step in the background needs a name: {hint}")
    if "may-miss" in value and not kind.may_miss:
        raise scope.complain(node.place("may-miss"), "only a fault can miss")
    action = kind.of(entry, scope)
    fails = _fails(value.get("fails", False))
    if name is not None:
        shape = FAILURE if fails else action.shape()
        scope.define(name[0], Named(shape, name[1].mark, pending=background, progress=background))
    return Step(
        number=number,
        mark=entry.mark,
        text=f"{entry.key} {spell(entry.value)}".strip(),
        action=action,
        trigger=trigger,
        within=value.get("within", within),
        name=name[0] if name else None,
        background=background,
        fails=fails,
        may_miss=value.get("may-miss", False),
    )


def _action_entry(node: Mapping, scope: Scope) -> Entry:
    """The one key that says what is done; complains of unknown keys and of any number but one."""
    entries = [entry for entry in node if entry.key not in COMMON]
    found = [entry for entry in entries if action_for(entry.key) is not None]
    for entry in entries:
        if entry not in found:
            known = [*COMMON, *WORDS, *(f"{actor}." for actor in scope.actors)]
            hint = f"; a verb of {entry.key} is {entry.key}.VERB" if entry.key in scope.actors else ""
            scope.complain(entry.mark, f"unknown key {entry.key!r}{hint or did_you_mean(entry.key, known)}")
    if len(found) == 1 and len(entries) == 1:
        return found[0]
    if len(found) > 1:
        words = ", ".join(entry.key for entry in found)
        scope.complain(found[1].mark, f"one step, one action; here are {len(found)}: {words}")
    elif not entries:
        words = ", ".join(WORDS)
        scope.complain(node.mark, f"what is to be done here? A step has one of ACTOR.VERB, {words}")
    raise Skipped


def _name(node: Mapping) -> tuple[str, Node] | None:
    found = node.get("as")
    if isinstance(found, Scalar) and isinstance(found.value, str):
        return found.value, found
    return None


def _fails(value: Any) -> Fails | None:
    if value is False:
        return None
    if value is True:
        return Fails()
    return Fails(**{key: condition.of(part) for key, part in value.items()})


def note_starts_and_exits(steps: Node | None, scope: Scope) -> None:
    """Mark the actors that a step starts, and those whose end a step waits for."""
    for node in steps.items if isinstance(steps, Sequence) else ():
        if isinstance(node, Mapping):
            for word, field in (("start", "started_by_step"), ("exit", "exit_awaited")):
                value = node.get(word)
                named = value.get("actor") if isinstance(value, Mapping) else value
                actor = scope.actors.get(str(named.value)) if isinstance(named, Scalar) else None
                if actor is not None:
                    scope.actors[actor.name] = replace(actor, **{field: True})  # type: ignore[arg-type]


def spell(node: Node, *, inside: bool = False) -> str:
    """What was written, on one line: of a mapping without its outer braces."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return "[" + ", ".join(spell(item, inside=True) for item in node.items) + "]"
    text = ", ".join(f"{entry.key}: {spell(entry.value, inside=True)}" for entry in node)
    return "{" + text + "}" if inside else text
