"""The vocabulary of the schemas: types and how they are spoken of, bounds, known keywords.

Owns what ``read`` needs to know of single keywords, and the check of a schema itself, which refuses a
keyword that ``read`` would pass over in silence. The words are those of JSON Schema draft-07.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from swrap.document.formats import NUMBERS
from swrap.document.node import Mapping, Node, Sequence
from swrap.document.suggest import did_you_mean

SPOKEN = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}

BOUNDS: tuple[tuple[str, Callable[[Any, Any], bool], str], ...] = (
    ("minimum", operator.lt, "at least"),
    ("maximum", operator.gt, "at most"),
    ("exclusiveMinimum", operator.le, "more than"),
    ("exclusiveMaximum", operator.ge, "less than"),
)

_SCHEMA = frozenset({"additionalProperties", "items", "propertyNames"})
_SCHEMA_LISTS = frozenset({"anyOf"})
_SCHEMA_MAPS = frozenset({"properties", "patternProperties", "definitions"})
_PLAIN = frozenset({"type", "enum", "const", "format", "pattern", "minLength", "maxLength", "$ref"})
_COUNTS = frozenset({"required", "minProperties", "maxProperties", "minItems", "maxItems", "uniqueItems"})
REFERENCES = "x-references"
"""Our own: in a value of such a schema, and below, a reference may stand for a scalar."""
_ANNOTATIONS = frozenset(
    {REFERENCES, "title", "description", "default", "examples", "$schema", "$id", "$comment"}
)
_ALL = _SCHEMA | _SCHEMA_LISTS | _SCHEMA_MAPS | _PLAIN | _COUNTS | _ANNOTATIONS
CHECKING = (_SCHEMA | _SCHEMA_MAPS | _PLAIN | _COUNTS) - {"definitions"}
"""Those that say something of a value beside ``anyOf``."""
KNOWN = _ALL | {word for word, _, _ in BOUNDS}


def types(schema: dict[str, Any]) -> list[str]:
    """The types that ``schema`` allows; empty: any."""
    found = schema.get("type", [])
    return [found] if isinstance(found, str) else list(found)


def fits(node: Node, allowed: list[str], form: str | None = None) -> bool:
    """Is ``node`` of one of the types ``allowed``? Text in a unit fits where its number does."""
    if isinstance(node, Mapping):
        return "object" in allowed
    if isinstance(node, Sequence):
        return "array" in allowed
    value = node.value
    if value is None:
        return "null" in allowed
    if isinstance(value, bool):
        return "boolean" in allowed
    if isinstance(value, int):
        return bool({"integer", "number"} & set(allowed)) or (form in NUMBERS and "string" in allowed)
    if isinstance(value, float):
        return "number" in allowed or ("integer" in allowed and (value.is_integer() or form in NUMBERS))
    return "string" in allowed or (form in NUMBERS and bool({"integer", "number"} & set(allowed)))


def fits_schema(node: Node, schema: dict[str, Any]) -> bool:
    """Is ``node`` of a type that ``schema`` allows? No word is said of what is inside."""
    allowed = types(schema)
    return not allowed or fits(node, allowed, schema.get("format"))


def spoken(allowed: list[str]) -> str:
    """``["string", "array"]`` → ``"text or a list"``."""
    return " or ".join(SPOKEN[name] for name in allowed if not (name == "integer" and "number" in allowed))


def describe(node: Node) -> str:
    """What stands there, for a message."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if node.value is None:
        return "nothing"
    return repr(node.value) if isinstance(node.value, str) else node.text


def likeness(node: Mapping, schema: dict[str, Any]) -> int:
    """How much ``node`` looks like what ``schema`` describes: the keys that it asks for weigh most."""
    keys = {entry.key for entry in node}
    return 3 * len(keys & set(schema.get("required", ()))) + len(keys & set(schema.get("properties", {})))


def unusable(schema: Any, where: str = "schema", definitions: frozenset[str] | None = None) -> list[str]:
    """Why ``read`` cannot check by ``schema``, a sentence each; empty where it can."""
    if schema is True or (schema is False and where.endswith("additionalProperties")):
        return []
    if not isinstance(schema, dict):
        return [f"{where}: {schema!r} is no schema that can be checked"]
    if definitions is None:
        definitions = frozenset(f"#/definitions/{name}" for name in schema.get("definitions", {}))
    found = []
    for word, value in schema.items():
        here = f"{where}.{word}"
        if word not in KNOWN:
            found.append(f"{where}: the keyword {word!r} is not supported{did_you_mean(word, KNOWN)}")
        elif word in _SCHEMA:
            found += unusable(value, here, definitions)
        elif word in _SCHEMA_LISTS and isinstance(value, list):
            for index, item in enumerate(value):
                found += unusable(item, f"{here}[{index}]", definitions)
        elif word in _SCHEMA_MAPS and isinstance(value, dict):
            for name, item in value.items():
                found += unusable(item, f"{here}.{name}", definitions)
        elif word in _SCHEMA_LISTS | _SCHEMA_MAPS:
            found.append(f"{here}: {value!r} holds no schemas")
        elif word == "type":
            unknown = [name for name in types(schema) if name not in SPOKEN]
            found += [f"{here}: unknown type {name!r}{did_you_mean(str(name), SPOKEN)}" for name in unknown]
        elif word == "pattern":
            found += _bad_pattern(value, here)
        elif word == "$ref" and value not in definitions:
            found.append(f"{here}: {value!r} is not there{did_you_mean(str(value), definitions)}")
    return found


def _bad_pattern(value: object, where: str) -> list[str]:
    try:
        re.compile(str(value))
    except re.error as error:
        return [f"{where}: not a regular expression: {error}"]
    return []
