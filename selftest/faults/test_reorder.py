"""reorder takes a chance, and how late."""

from __future__ import annotations

from typing import Any

from swrap.faults import Match
from swrap.faults.effects import Reorder


def test_a_chance_and_a_time(spelled: Any) -> None:
    assert spelled("reorder", {"host": "server", "chance": "5%", "time": "30ms"}).asks() == [
        ("reorder", Match(host="server"), Reorder(0.05, 0.03))
    ]
    assert spelled("reorder", {"host": "server", "chance": 1}).asks() == [
        ("reorder", Match(host="server"), Reorder(1, 0.01))
    ]
