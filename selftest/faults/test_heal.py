"""heal heals all, or takes one rule back."""

from __future__ import annotations

from typing import Any


def test_it_heals(spelled: Any) -> None:
    assert spelled("heal", {}).asks() == [("heal", None)]
    assert spelled("heal", {}).fault.may_miss
    assert spelled("heal", {"rule": 2}).asks() == [("heal", 2)]
    assert spelled("heal", {"interface": "server.eth0"}).wrong
