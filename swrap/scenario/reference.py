"""``$name.path``: the result of an earlier step, or a part of it.

Owns the syntax, the check of a path against what a result is declared to hold, and the look-up when the run
is there. Must not know how results come about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from swrap.document import JSON, Mark, Scalar, Schema, did_you_mean

Template: TypeAlias = Any
"""A JSON value in which a Reference may stand anywhere."""

_SYNTAX = re.compile(r"\$([A-Za-z_][\w-]*)((?:\.[\w-]+)*)")


@dataclass(frozen=True, slots=True)
class Reference:
    """``$login.session_id``: a step's ``as:`` and a path into its result; a number leads into a list."""

    name: str
    path: tuple[str, ...]
    mark: Mark

    def __str__(self) -> str:
        return "$" + ".".join((self.name, *self.path))


class NotThere(Exception):
    """A reference leads nowhere in this run; the message says what is there instead."""


def claim(scalar: Scalar) -> Reference | Scalar:
    """What a scalar means where a reference may stand: ``$x`` is one, ``$$x`` the text ``$x``.

    Raises ValueError where it is neither.
    """
    text = scalar.value
    if not isinstance(text, str) or not text.startswith("$"):
        return scalar
    if text.startswith("$$"):
        return Scalar(text[1:], scalar.mark, text[1:])
    match = _SYNTAX.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is no reference such as $login.session_id; $$ begins a text with a dollar"
        )
    return Reference(match.group(1), tuple(match.group(2).split(".")[1:]), scalar.mark)


def references(template: Template) -> list[Reference]:
    """All references in ``template``, in order."""
    if isinstance(template, Reference):
        return [template]
    if isinstance(template, Mapping):
        return [found for value in template.values() for found in references(value)]
    if isinstance(template, list | tuple):
        return [found for value in template for found in references(value)]
    return []


def path_problem(schema: Schema, path: tuple[str, ...]) -> str | None:
    """Why a result of the shape ``schema`` can have nothing at ``path``, or None where it can.

    Where a schema is silent anything goes; one that lists ``properties`` is taken at its word.
    """
    definitions = schema.get("definitions", {})
    for part in path:
        while "$ref" in schema:
            schema = definitions[schema["$ref"].rpartition("/")[2]]
        known = schema.get("properties", {})
        rest = schema.get("additionalProperties", "properties" not in schema)
        if part in known:
            schema = known[part]
        elif part.isdecimal() and "items" in schema:
            schema = schema["items"]
        elif rest is False:
            return f"there is no {part!r} in it" + did_you_mean(part, known)
        else:
            schema = rest if isinstance(rest, dict) else {}
        if not isinstance(schema, dict):
            return None
    return None


def resolve(template: Template, results: Mapping[str, JSON]) -> Any:
    """``template`` with every reference replaced by what it leads to. Raises NotThere."""
    if isinstance(template, Reference):
        return _look_up(template, results)
    if isinstance(template, Mapping):
        return {key: resolve(value, results) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [resolve(value, results) for value in template]
    return template


def _look_up(reference: Reference, results: Mapping[str, JSON]) -> JSON:
    if reference.name not in results:
        raise NotThere(f"{reference}: there is no result of {reference.name!r}")
    value = results[reference.name]
    for part in reference.path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            known = list(value) if isinstance(value, dict) else []
            raise NotThere(f"{reference}: there is no {part!r} in it" + did_you_mean(part, known))
    return value
