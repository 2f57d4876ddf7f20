"""A condition holds for what it describes and for nothing else, whatever kind of value comes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrap.document import Mark
from swrap.scenario import condition
from swrap.scenario.condition import Condition, quantity
from swrap.scenario.reference import NotThere, Reference, path_problem, references, resolve

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize(
    ("spelled", "holds", "does_not"),
    [
        (5, [5, 5.0], [6, "5", True, None]),
        (True, [True], [1, "true", False]),
        (None, [None], [0, "", False]),
        ("a", ["a"], ["b", ["a"]]),
        ([1, 2], [[1, 2]], [[2, 1], [1]]),
        ({"equals": {"a": 1}}, [{"a": 1}], [{}, {"a": 2}]),
        ({"not": 5}, [6, "5", None], [5, 5.0]),
        ({"at-least": 5}, [5, 6.5, "5"], [4, None, True, "many", [9]]),
        ({"at-most": "64MiB"}, [64 << 20, "64MiB", 0], [(64 << 20) + 1, "1GiB"]),
        ({"more-than": "2s"}, [2.1, "2100ms"], [2, "2s"]),
        ({"less-than": "10M"}, [9_999_999, "9.9M"], [10_000_000]),
        ({"at-least": 2, "at-most": 3}, [2, 3], [1, 4]),
        ({"one-of": ["a", 1]}, ["a", 1], ["b", True]),
        ({"matches": r"^10\.0\.2\."}, ["10.0.2.1:445"], ["10.0.1.1:445", 10.02, None]),
    ],
)  # fmt: skip
def test_what_it_says_is_what_holds(spelled: Any, holds: list[Any], does_not: list[Any]) -> None:
    found = condition.of(spelled)
    assert [found.holds(value) for value in holds] == [True] * len(holds)
    assert [found.holds(value) for value in does_not] == [False] * len(does_not)


@given(value=json_values, other=json_values)
def test_not_is_the_opposite_of_equals(value: Any, other: Any) -> None:
    assert condition.of({"equals": other}).holds(value) is not condition.of({"not": other}).holds(value)
    assert condition.of({"equals": value}).holds(value)


@pytest.mark.parametrize(
    ("spelled", "words"),
    [
        ("x", "x"),
        (True, "true"),
        ({"at-least": 4}, "at least 4"),
        ({"at-least": 4, "less-than": 9}, "at least 4 and less than 9"),
        ({"matches": "^a"}, "matching ^a"),
        ({"one-of": [1, None]}, "one of [1, nothing]"),
        ({"not": {"a": 1.5}}, "not {a: 1.5}"),
    ],
)
def test_it_says_what_it_asks_for(spelled: Any, words: str) -> None:
    assert str(condition.of(spelled)) == words


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("64MiB", 64 << 20),
        ("2m", 120),
        ("2M", 2_000_000),
        ("10", 10),
        (1.5, 1.5),
        (True, None),
        ("x", None),
        ("", None),
    ],
)
def test_units_tell_their_family(value: Any, number: Any) -> None:
    assert quantity(value) == number


HERE = Mark("f.yaml", 1, 1)


def ref(name: str, *path: str) -> Reference:
    return Reference(name, path, HERE)


def test_references_are_replaced_wherever_they_stand() -> None:
    results = {"login": {"id": "0x1", "channels": [{"port": 445}]}}
    template = {"a": [ref("login", "id"), 5], "b": ref("login", "channels", "0", "port"), "c": "$plain"}
    assert resolve(template, results) == {"a": ["0x1", 5], "b": 445, "c": "$plain"}
    assert [str(one) for one in references(template)] == ["$login.id", "$login.channels.0.port"]
    assert Condition((("equals", ref("login", "id")),)).resolved(results).holds("0x1")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (ref("logon"), "$logon: there is no result of 'logon'"),
        (ref("login", "lists"), "$login.lists: there is no 'lists' in it; did you mean 'list'?"),
        (ref("login", "list", "2"), "$login.list.2: there is no '2' in it"),
        (ref("login", "id", "x"), "$login.id.x: there is no 'x' in it"),
    ],
)
def test_a_reference_that_leads_nowhere_says_where_it_ended(reference: Reference, message: str) -> None:
    with pytest.raises(NotThere) as caught:
        resolve(reference, {"login": {"id": "0x1", "list": [1]}})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ((), None),
        (("id",), None),
        (("id", "anything"), None),
        (("list", "0", "port"), None),
        (("list", "0", "prot"), "there is no 'prot' in it; did you mean 'port'?"),
        (("files", "film.bin", "size"), None),
        (("files", "film.bin", "sise"), "there is no 'sise' in it; did you mean 'size'?"),
        (("open", "x", "y"), None),
        (("lits",), "there is no 'lits' in it; did you mean 'list'?"),
    ],
)
def test_a_path_is_checked_against_what_a_result_can_hold(path: tuple[str, ...], problem: str | None) -> None:
    channel = {"properties": {"port": {}}, "additionalProperties": False}
    shape = {
        "definitions": {"channel": channel},
        "properties": {
            "id": {"type": "string"},
            "list": {"type": "array", "items": {"$ref": "#/definitions/channel"}},
            "files": {"additionalProperties": {"properties": {"size": {}}}},
            "open": {"type": "object"},
        },
    }
    assert path_problem(shape, path) == problem
