"""hold keeps traffic on its way."""

from __future__ import annotations

from typing import Any

from swrap.faults import Match
from swrap.faults.effects import Hold


def test_it_holds_what_matches(spelled: Any) -> None:
    hold = spelled("hold", {"between": ["laptop", "server"], "direction": "out"})
    assert hold.asks() == [("hold", Match(between=("laptop", "server"), direction="out"), Hold())]
    assert not hold.fault.may_miss
