"""The JSON Schema (draft-07) of a scenario file.

Owns the outermost shape; the parts come from where they are read: the lab, faults, actions, triggers,
expectations. The loader checks by these very values, and an editor can by what ``schema()`` returns. What
no schema can say (names that exist, one action a step, the arguments of an actor's verb) the loader adds.
"""

from __future__ import annotations

from swrap.document import Schema, keywords
from swrap.document.formats import DURATION
from swrap.faults import FAULTS
from swrap.scenario import actions, condition, expectations, triggers
from swrap.topology.schema import LAB

NAME = r"^[A-Za-z_][\w-]*$"
"""Of an actor and of a step's result: what a reference can say."""

ACTOR: Schema = {
    "type": "object",
    "title": "an actor",
    "properties": {
        "host": {"type": "string", "description": "Of the lab; where it runs."},
        "program": {"type": "string", "description": "An installed actor; `swrap actors` lists them."},
        "command": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "minItems": 1,
            "description": "Any program with its arguments; it runs in the scenario's folder.",
        },
        "schema": {"type": "string", "description": "A JSON file that declares what the command can do."},
        "protocol": {
            "enum": ["none"],
            "title": "protocol",
            "description": "The command is only run and watched.",
        },
        "with": {"type": "object", "title": "the actor's configuration"},
        "env": {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
    },
    "required": ["host"],
    "additionalProperties": False,
}

_FAILS_WHY: Schema = {
    "type": "object",
    "properties": {"message": condition.SCHEMA, "status": condition.SCHEMA},
    "minProperties": 1,
    "additionalProperties": False,
}

COMMON: dict[str, Schema] = {
    "as": {"type": "string", "pattern": NAME, "title": "a name: a letter, then letters, digits, - or _"},
    "when": triggers.SCHEMA,
    "within": DURATION
    | {"description": "A guard: the step fails if it takes longer; what it waits for included."},
    "background": {"type": "boolean", "description": "Go on while it is under way."},
    "fails": {
        "anyOf": [{"const": True}, _FAILS_WHY],
        "title": "true, or a mapping with message or status",
        "description": "It must fail; its result is the failure's message and status.",
    },
    "may-miss": {
        "type": "boolean",
        "description": "It may touch nothing, and the run proves something still.",
    },
}
"""What every step can say besides what it does."""

STEP: Schema = {
    "type": "object",
    "title": "a step",
    "properties": {
        **COMMON,
        **{word: action.schema | {"description": action.doc} for word, action in actions.OWN.items()},
        **{verb: fault.schema | {"description": fault.sentence} for verb, fault in FAULTS.items()},
    },
    "patternProperties": {r"^[^.]+\.[^.]+$": actions.Tell.schema},
    "additionalProperties": False,
}

SCENARIO: Schema = {
    "type": "object",
    "title": "a scenario",
    "properties": {
        "title": {"type": "string", "minLength": 1, "description": "The story in a line."},
        "description": {"type": "string"},
        "lab": {"anyOf": [LAB, {"type": "string"}], "title": "a lab, or the name of a lab file"},
        "actors": {"type": "object", "propertyNames": {"pattern": NAME}, "additionalProperties": ACTOR},
        "within": DURATION | {"description": "The default of every step's `within`; 60s by default."},
        "steps": {"type": "array", "items": STEP, "minItems": 1},
        "expect": {"type": "array", "items": expectations.SCHEMA},
    },
    "required": ["title", "lab", "steps"],
    "additionalProperties": False,
}


REFERENCE: Schema = {
    "type": "string",
    "pattern": r"^\$",
    "title": "a reference such as $login.session_id",
}


def schema() -> Schema:
    """What ``swrap schema`` prints: what the loader checks by, and where a reference may stand."""
    published = _published(SCENARIO, open_=False)
    step = published["properties"]["steps"]["items"]
    faults = {verb: _published(STEP["properties"][verb], open_=True) for verb in FAULTS}
    step["properties"] |= faults
    reference = {"definitions": {"reference": REFERENCE}}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **published, **reference}


def _published(part: Schema, *, open_: bool) -> Schema:
    """``part``, with a reference beside each value that must have a form, where one may stand (``open_``)."""
    inner = dict(part)
    open_ = bool(inner.pop(keywords.REFERENCES, False)) or open_
    for word, value in part.items():
        if word == "properties":
            inner[word] = {key: _published(one, open_=open_) for key, one in value.items()}
        elif word in ("items", "additionalProperties") and isinstance(value, dict):
            inner[word] = _published(value, open_=open_)
        elif word == "anyOf":
            inner[word] = [_published(one, open_=open_) for one in value]
    types = keywords.types(inner)
    strict = inner.keys() & {"format", "enum", "pattern"} or (types and "string" not in types)
    if not open_ or "anyOf" in inner or not strict:
        return inner
    return {"anyOf": [inner, {"$ref": "#/definitions/reference"}]}
