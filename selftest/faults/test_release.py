"""release lets go what hold keeps: of one rule, or all."""

from __future__ import annotations

from typing import Any


def test_one_rule_or_all(spelled: Any) -> None:
    assert spelled("release", {"rule": 3}).asks() == [("release", 3)]
    assert spelled("release", {}).asks() == [("release", None)]
    assert spelled("release", {}).fault.may_miss
