"""duplicate takes a chance."""

from __future__ import annotations

from typing import Any

from swrap.faults import Match
from swrap.faults.effects import Duplicate


def test_a_chance(spelled: Any) -> None:
    fault = spelled("duplicate", {"host": "server", "chance": "5%"})
    assert fault.asks() == [("duplicate", Match(host="server"), Duplicate(0.05))]
    assert spelled("duplicate", {"host": "server"}).wrong == ["key 'chance' is missing here"]
