"""A document that does not fit its schema is told all that is wrong, at the right places, with suggestions."""

from __future__ import annotations

from typing import Any

import pytest

from swrap.document import Problems, Scalar, Schema, parse, read
from swrap.document.formats import DURATION, RATE, SIZE
from swrap.document.keywords import unusable

ADDRESSES: Schema = {
    "type": "array",
    "items": {"type": "string", "format": "interface-address"},
    "minItems": 1,
}
INTERFACE: Schema = {
    "anyOf": [
        {"type": "string", "format": "interface-address"},
        {
            "type": "object",
            "properties": {
                "address": {"anyOf": [{"type": "string", "format": "interface-address"}, ADDRESSES]},
                "rate": RATE,
                "rss": {"type": "boolean", "default": False},
            },
            "required": ["address"],
        },
    ],
    "title": "an address such as 10.0.1.1/24, or a mapping",
}
TRIGGER: Schema = {
    "anyOf": [
        {"type": "object", "properties": {"after": DURATION}, "required": ["after"]},
        {"type": "object", "properties": {"event": {"type": "string"}, "from": {}}, "required": ["event"]},
    ]
}


def check(text: str, schema: Schema, **more: Any) -> tuple[Any, list[str]]:
    found = Problems()
    node = parse(text, "f.yaml", found)
    assert node is not None
    assert unusable(schema) == []
    return read(node, schema, found, **more), [str(problem).removeprefix("f.yaml:") for problem in found]


def of(schema: Schema) -> Schema:
    return {"type": "object", "properties": {"x": schema}}


def test_a_right_document_becomes_plain_values_with_units_and_defaults_in_place() -> None:
    schema: Schema = {"type": "object", "additionalProperties": INTERFACE}
    text = "eth0: 10.0.1.1/24\nwlan0: {address: ['fd00::1/64'], rate: 80M}\n"
    assert check(text, schema) == (
        {"eth0": "10.0.1.1/24", "wlan0": {"address": ["fd00::1/64"], "rate": 80_000_000, "rss": False}},
        [],
    )


@pytest.mark.parametrize(
    ("schema", "text", "problems"),
    [
        (of({}), "y: 1", ["1:1: unknown key 'y'; there is x"]),
        (of({}), "xx: 1", ["1:1: unknown key 'xx'; did you mean 'x'?"]),
        (of({"type": "integer"}), "x: many", ["1:4: 'many' where a whole number belongs"]),
        (of({"type": "integer"}), "x: true", ["1:4: true where a whole number belongs"]),
        (of({"type": "integer"}), "x: 1.5", ["1:4: 1.5 where a whole number belongs"]),
        (of({"type": "boolean"}), "x: yes", ["1:4: 'yes' where true or false belongs; did you mean true?"]),
        (of({"type": "string"}), "x:\n  a: 1", ["2:3: a mapping where text belongs"]),
        (of({"type": ["string", "array"]}), "x:", ["1:3: nothing where text or a list belongs"]),
        (of({"type": "integer", "minimum": 1, "maximum": 9}), "x: 0", ["1:4: 0 is not at least 1"]),
        (of({"type": "number", "exclusiveMinimum": 0}), "x: 0", ["1:4: 0 is not more than 0"]),
        (of({"enum": ["in", "out", "both"]}), "x: ou", ["1:4: unknown value 'ou'; did you mean 'out'?"]),
        (of({"const": "none"}), "x: all", ["1:4: 'all' where only \"none\" belongs"]),
        (of({"type": "string", "pattern": "^[a-z]+$"}), "x: A1", ["1:4: 'A1' is not of the form ^[a-z]+$"]),
        (of({"type": "string", "minLength": 1}), "x: ''", ["1:4: this is empty"]),
        (of({"type": "array", "maxItems": 1}), "x: [1, 2]", ["1:4: 2 items; 1 at most"]),
        (of({"type": "array", "minItems": 1}), "x: []", ["1:4: 0 items; 1 at least"]),
        (of({"type": "array", "uniqueItems": True}), "x: [1, 1]", ["1:8: 1 is there twice"]),
        ({"type": "object", "required": ["x", "z"]}, "y: 1", ["1:1: key 'x' is missing here", "1:1: key 'z' is missing here"]),
        (of(SIZE), "x: 64MIB", ["1:4: unknown unit 'MIB' of a size; did you mean 'MiB'?"]),
        (of({"type": "string", "format": "address"}), "x: 10.0.0", ["1:4: '10.0.0' is not an address, such as 10.0.1.1 or fd00::1"]),
        (of({"type": "string", "format": "ipv4"}), "x: '::1'", ["1:4: ::1 is not an IPv4 address"]),
        (of({"type": "string", "format": "regex"}), "x: a(", ["1:4: not a regular expression: missing ), unterminated subpattern at position 1"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(schema: Schema, text: str, problems: list[str]) -> None:
    assert check(text, schema)[1] == problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("eth0: 10.0.1.1", "1:7: 10.0.1.1 has no prefix length; did you mean 10.0.1.1/24?"),
        ("eth0: fd00::1", "1:7: fd00::1 has no prefix length; did you mean fd00::1/64?"),
        ("eth0: 10.0.1.1/33", "1:7: /33 is no prefix of an IPv4 address: 0 to 32"),
        ("eth0: 10.0.1/24", "1:7: '10.0.1/24' is not an address with a prefix, such as 10.0.1.1/24"),
        ("eth0: 5", "1:7: 5 where an address such as 10.0.1.1/24, or a mapping belongs"),
        ("eth0: {adress: 10.0.1.1/24}", "1:8: unknown key 'adress'; did you mean 'address'?"),
        ("eth0: {address: [10.0.1.1/24, 10.0.1.2]}", "1:31: 10.0.1.2 has no prefix length; did you mean 10.0.1.2/24?"),
    ],
)  # fmt: skip
def test_of_several_forms_the_one_that_was_meant_is_explained(text: str, problem: str) -> None:
    assert problem in check(text, {"type": "object", "additionalProperties": INTERFACE})[1]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("after: soon", ["1:8: 'soon' is not a time: write 3s, 250ms or 2m"]),
        ("event: x\nform: y", ["2:1: unknown key 'form'; did you mean 'from'?"]),
        ("in: 3", ["1:1: one of these keys is missing: after, event"]),
        ("afterwards: 3", ["1:1: unknown key 'afterwards'; did you mean 'after'?"]),
    ],
)
def test_of_several_mappings_the_keys_decide_which_was_meant(text: str, problems: list[str]) -> None:
    assert check(text, TRIGGER)[1] == problems


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    schema = of({"type": "array", "items": of({"type": "integer"})})
    text = "x:\n  - {x: one}\n  - {y: 2}\n  - 3\n"
    assert [line.split(": ", 1)[0] for line in check(text, schema)[1]] == ["2:9", "3:6", "4:5"]


def test_a_key_with_a_typo_is_not_missed_as_well() -> None:
    schema: Schema = {"type": "object", "properties": {"reaches": {}}, "required": ["reaches"]}
    assert check("reachs: 1", schema)[1] == ["1:1: unknown key 'reachs'; did you mean 'reaches'?"]


def test_a_name_of_ones_own_may_be_a_typo_of_a_known_key() -> None:
    schema: Schema = {
        "type": "object",
        "properties": {"forward": {"type": "boolean"}},
        "additionalProperties": INTERFACE,
    }
    assert "1:1: is 'forwrd' a typo; did you mean 'forward'?" in check("forwrd: true", schema)[1]


def test_text_in_a_unit_fits_where_its_number_is_asked_for() -> None:
    schema = of({"type": "integer", "format": "size", "minimum": 10})
    assert check("x: 64MiB", schema) == ({"x": 64 << 20}, [])
    assert check("x: 4B", schema)[1] == ["1:4: 4B is not at least 10"]


def test_a_reference_is_taken_as_it_is() -> None:
    def claim(scalar: Scalar) -> object:
        return ("ref", scalar.text) if scalar.text.startswith("$") else scalar

    assert check("x: $a.b", of({"type": "integer", "x-references": True}), reference=claim) == (
        {"x": ("ref", "$a.b")},
        [],
    )


def test_definitions_are_followed() -> None:
    schema: Schema = {
        "definitions": {"n": {"type": "integer"}},
        "type": "object",
        "properties": {"x": {"$ref": "#/definitions/n"}},
    }
    assert check("x: a", schema)[1] == ["1:4: 'a' where a whole number belongs"]


def test_any_of_stands_beside_other_words() -> None:
    schema: Schema = {
        "type": "object",
        "properties": {"a": {}, "b": {"type": "integer"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    }
    assert check("b: 1", schema) == ({"b": 1}, [])
    assert check("b: x", schema)[1] == ["1:4: 'x' where a whole number belongs"]
    assert check("c: 1", schema)[1] == [
        "1:1: one of these keys is missing: a, b",
        "1:1: unknown key 'c'; there are a, b",
    ]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"oneOf": []}, "the keyword 'oneOf' is not supported; did you mean 'anyOf'?"),
        (
            {"properties": {"x": {"tpye": "string"}}},
            "schema.properties.x: the keyword 'tpye' is not supported",
        ),
        ({"type": "int"}, "unknown type 'int'"),
        ({"items": [{}]}, "is no schema"),
        ({"pattern": "("}, "not a regular expression"),
        ({"$ref": "#/definitions/x"}, "'#/definitions/x' is not there"),
        ({"anyOf": [{"not": {}}]}, "anyOf[0]: the keyword 'not'"),
        ({"properties": 5}, "holds no schemas"),
    ],
)
def test_a_schema_that_would_be_checked_in_part_only_is_refused(schema: Schema, reason: str) -> None:
    assert any(reason in line for line in unusable(schema)), unusable(schema)
