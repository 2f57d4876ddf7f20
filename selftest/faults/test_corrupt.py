"""corrupt takes a chance."""

from __future__ import annotations

from typing import Any

from swrap.faults import Match
from swrap.faults.effects import Corrupt


def test_a_chance(spelled: Any) -> None:
    fault = spelled("corrupt", {"host": "server", "chance": "5%"})
    assert fault.asks() == [("corrupt", Match(host="server"), Corrupt(0.05))]
    assert spelled("corrupt", {"host": "server"}).wrong == ["key 'chance' is missing here"]
