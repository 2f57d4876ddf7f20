"""heal heals all, and takes no arguments."""

from __future__ import annotations

from typing import Any


def test_it_heals(spelled: Any) -> None:
    assert spelled("heal", {}).asks() == [("heal",)]
    assert spelled("heal", {}).fault.may_miss
    assert spelled("heal", {"interface": "server.eth0"}).wrong
