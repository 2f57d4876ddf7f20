"""Nodes, checked against a JSON Schema, to plain values.

Owns the one checker: labs, scenarios, and the arguments of anybody's actor go through it, and ``swrap
schema`` prints the very schemas that it reads, so that the check and the published schema cannot differ.
Must not know what any document means.

What differs from a plain validator: a problem stands at a place in the file and suggests the nearest known
word; a mapping that lists ``properties`` is closed unless ``additionalProperties`` opens it; text in a unit
(``format: size``) is converted; ``reference`` may claim a scalar (``$copied.sha256``), which is then taken
as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from swrap.document import keywords
from swrap.document.formats import FORMATS
from swrap.document.node import Entry, Mapping, Mark, Node, Scalar, Sequence, node_of
from swrap.document.problem import Problems
from swrap.document.suggest import did_you_mean, nearest

Schema = dict[str, Any]
Claim = Callable[[Scalar], Any]
"""Takes a scalar where a reference may stand; returns what to put there, or a Scalar to be checked."""

_BOOLEAN_WORDS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def read(
    node: Node,
    schema: Schema,
    problems: Problems,
    *,
    definitions: Schema | None = None,
    reference: Claim | None = None,
    references_everywhere: bool = False,
) -> Any:
    """The plain value of ``node``; what is wrong goes to ``problems``, and the value is then of no use.

    ``definitions`` are what ``$ref: "#/definitions/…"`` means. ``reference`` is asked about every scalar
    below a schema with ``x-references`` (or, with ``references_everywhere``, about all).
    """
    inner = definitions or schema.get("definitions", {})
    return _Reader(problems, inner, reference, references_everywhere).value(node, schema)


class _Reader:
    def __init__(self, problems: Problems, definitions: Schema, reference: Claim | None, open_: bool) -> None:
        self.problems = problems
        self.definitions = definitions
        self.reference = reference
        self.open = open_

    def value(self, node: Node, schema: Schema) -> Any:
        schema = self.target(schema)
        if self.reference is None:
            return self.checked(node, schema)
        outer, self.open = self.open, self.open or keywords.REFERENCES in schema
        try:
            if self.open and isinstance(node, Scalar):
                claimed = self.reference(node)
                if not isinstance(claimed, Scalar):
                    return claimed
                node = claimed
            return self.checked(node, schema)
        finally:
            self.open = outer

    def checked(self, node: Node, schema: Schema) -> Any:
        value: Any
        if "anyOf" in schema:
            value = self.alternative(node, schema["anyOf"], schema)
            if not keywords.CHECKING & schema.keys():
                return value
        if not self.typed(node, schema):
            return None
        if isinstance(node, Mapping):
            value = self.mapping(node, schema)
        elif isinstance(node, Sequence):
            value = self.sequence(node, schema)
        else:
            value = self.scalar(node, schema)
        self.members(node, value, schema)
        return value

    def target(self, schema: Schema) -> Schema:
        while isinstance(schema, dict) and "$ref" in schema:
            schema = self.definitions[schema["$ref"].rpartition("/")[2]]
        return schema if isinstance(schema, dict) else {}

    def complain(self, mark: Mark, message: str) -> None:
        self.problems.add(mark, message)

    # --- types

    def typed(self, node: Node, schema: Schema) -> bool:
        if keywords.fits_schema(node, schema):
            return True
        types = keywords.types(schema)
        what = schema.get("title") or keywords.spoken(types)
        message = f"{keywords.describe(node)} where {what} belongs"
        if types == ["boolean"] and isinstance(node, Scalar) and node.text.lower() in _BOOLEAN_WORDS:
            message += f"; did you mean {_BOOLEAN_WORDS[node.text.lower()]}?"
        self.complain(node.mark, message)
        return False

    def alternative(self, node: Node, alternatives: list[Schema], schema: Schema) -> Any:
        """The first alternative that fits; where none does, the complaints of the likeliest."""
        resolved = [self.target(alternative) for alternative in alternatives]
        fitting = [
            a for a in resolved if not (t := keywords.types(a)) or keywords.fits(node, t, a.get("format"))
        ]
        if not fitting:
            every = [name for alternative in resolved for name in keywords.types(alternative)]
            what = schema.get("title") or keywords.spoken(list(dict.fromkeys(every)))
            self.complain(node.mark, f"{keywords.describe(node)} where {what} belongs")
            return None
        tries: list[tuple[Problems, Any]] = []
        for alternative in fitting:
            attempt = _Reader(Problems(), self.definitions, self.reference, self.open)
            value = attempt.checked(node, alternative)
            if not attempt.problems:
                return value
            tries.append((attempt.problems, value))
        if len(fitting) > 1 and isinstance(node, Mapping):
            near = [keywords.likeness(node, alternative) for alternative in fitting]
            if max(near) == 0:
                self.unlike_any(node, sorted({key for one in fitting for key in one.get("required", ())}))
                return None
            best = near.index(max(near))
        else:
            best = min(range(len(tries)), key=lambda index: len(tries[index][0]))
        self.problems.extend(tries[best][0])
        return tries[best][1]

    def unlike_any(self, node: Mapping, keys: list[str]) -> None:
        """None of the keys that tell the alternatives apart is there; one may be there with a typo."""
        for entry in node:
            if nearest(entry.key, keys) is not None:
                self.complain(entry.mark, f"unknown key {entry.key!r}" + did_you_mean(entry.key, keys))
                return
        self.complain(node.mark, f"one of these keys is missing: {', '.join(keys)}")

    # --- shapes

    def mapping(self, node: Mapping, schema: Schema) -> dict[str, Any]:
        known: Schema = schema.get("properties", {})
        patterns: Schema = schema.get("patternProperties", {})
        rest = schema.get("additionalProperties", "properties" not in schema and not patterns)
        names = schema.get("propertyNames", {}).get("pattern")
        value: dict[str, Any] = {}
        meant: set[str | None] = set()
        for entry in node:
            pattern = next((text for text in patterns if re.search(text, entry.key)), None)
            if entry.key in known:
                value[entry.key] = self.value(entry.value, known[entry.key])
            elif pattern is not None:
                value[entry.key] = self.value(entry.value, patterns[pattern])
            elif rest is False:
                self.complain(entry.mark, f"unknown key {entry.key!r}" + did_you_mean(entry.key, known))
                meant.add(nearest(entry.key, known))
            else:
                if names is not None and not re.search(names, entry.key):
                    self.complain(
                        entry.mark, f"{entry.key!r} cannot be a name here: it does not match {names}"
                    )
                value[entry.key] = self.other(entry, {} if rest is True else rest, known)
        for key in schema.get("required", ()):
            if node.get(key) is None and key not in meant:
                self.complain(node.mark, f"key {key!r} is missing here")
        for key, child in known.items():
            if "default" in self.target(child) and key not in value:
                value[key] = self.value(node_of(self.target(child)["default"], node.mark), child)
        if len(node.entries) < schema.get("minProperties", 0):
            self.complain(node.mark, schema.get("title", "something") + " is missing here")
        if len(node.entries) > schema.get("maxProperties", len(node.entries)):
            self.complain(node.mark, f"{len(node.entries)} keys; {schema['maxProperties']} at most")
        return value

    def other(self, entry: Entry, schema: Schema, known: Schema) -> Any:
        """A key of the file's own choosing; if its value is wrong, it may be a known key with a typo."""
        before = len(self.problems)
        value = self.value(entry.value, schema)
        meant = nearest(entry.key, known)
        if len(self.problems) > before and meant is not None:
            self.complain(entry.mark, f"is {entry.key!r} a typo; did you mean {meant!r}?")
        return value

    def sequence(self, node: Sequence, schema: Schema) -> list[Any]:
        items = schema.get("items", {})
        if len(node.items) < schema.get("minItems", 0):
            self.complain(node.mark, f"{len(node.items)} items; {schema['minItems']} at least")
        if len(node.items) > schema.get("maxItems", len(node.items)):
            self.complain(node.mark, f"{len(node.items)} items; {schema['maxItems']} at most")
        values = [self.value(item, items) for item in node.items]
        if schema.get("uniqueItems"):
            for index, item in enumerate(node.items):
                if values[index] in values[:index]:
                    self.complain(item.mark, f"{values[index]!r} is there twice")
        return values

    def scalar(self, node: Scalar, schema: Schema) -> Any:
        value = node.value
        form = schema.get("format", "")
        if form in FORMATS and value is not None:
            try:
                return self.bounded(node, FORMATS[form](value), schema)
            except ValueError as error:
                self.complain(node.mark, str(error))
                return None
        if isinstance(value, float) and "integer" in keywords.types(schema) and value.is_integer():
            value = int(value)
        if isinstance(value, str):
            self.text(node, value, schema)
        return self.bounded(node, value, schema)

    # --- what a value must be beyond its type

    def text(self, node: Scalar, value: str, schema: Schema) -> None:
        if len(value) < schema.get("minLength", 0):
            self.complain(node.mark, "this is empty" if not value else f"{value!r} is too short")
        if len(value) > schema.get("maxLength", len(value)):
            self.complain(node.mark, f"{value!r} is longer than {schema['maxLength']} characters")
        pattern = schema.get("pattern")
        if pattern is not None and not re.search(pattern, value):
            self.complain(node.mark, f"{value!r} is not {schema.get('title') or f'of the form {pattern}'}")

    def bounded(self, node: Scalar, value: Any, schema: Schema) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            for word, wrong, said in keywords.BOUNDS:
                if word in schema and wrong(value, schema[word]):
                    self.complain(node.mark, f"{node.text or value} is not {said} {schema[word]}")
        return value

    def members(self, node: Node, value: Any, schema: Schema) -> None:
        if "const" in schema and value != schema["const"]:
            self.complain(
                node.mark, f"{keywords.describe(node)} where only {json.dumps(schema['const'])} belongs"
            )
        if "enum" in schema and value not in schema["enum"]:
            known = [str(member) for member in schema["enum"]]
            hint = did_you_mean(str(value), known) or f": one of {', '.join(known)}"
            self.complain(node.mark, f"unknown {schema.get('title', 'value')} {value!r}" + hint)
