"""partition keeps two sets of hosts apart, or one of them from hearing the other."""

from __future__ import annotations

from typing import Any

from swrap.faults import Match
from swrap.faults.effects import Drop


def test_two_sets_are_kept_apart(spelled: Any) -> None:
    partition = spelled("partition", [["a", "b"], ["c"]])
    assert partition.asks() == [("partition", Match(between=(("a", "b"), ("c",))), Drop())]
    assert partition.fault.data() == {"between": [["a", "b"], ["c"]]}


def test_one_way(spelled: Any) -> None:
    partition = spelled("partition", {"between": [["a", "b"], "c"], "direction": "out"})
    assert partition.asks() == [("partition", Match(between=(("a", "b"), "c"), direction="out"), Drop())]


def test_a_set_has_a_member(spelled: Any) -> None:
    assert spelled("partition", [["a"], []]).wrong
