"""unblock takes back one rule, or all."""

from __future__ import annotations

from typing import Any


def test_one_rule_or_all(spelled: Any) -> None:
    assert spelled("unblock", {"rule": 3}).asks() == [("unblock", 3)]
    assert spelled("unblock", {}).asks() == [("unblock", None)]
    assert spelled("unblock", {}).fault.data() == {}
    assert spelled("unblock", {}).fault.may_miss


def test_a_rule_is_a_number(spelled: Any) -> None:
    assert spelled("unblock", {"rule": "first"}).wrong == ["'first' where a whole number belongs"]
