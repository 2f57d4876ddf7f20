"""lose-acks names the direction of the data whose ACKs are lost."""

from __future__ import annotations

from typing import Any

from swrap.faults import Match
from swrap.faults.effects import LoseAcks


def test_it_names_the_data(spelled: Any) -> None:
    lose = spelled("lose-acks", {"host": "laptop", "direction": "out"})
    assert lose.asks() == [("lose-acks", Match(host="laptop", direction="out"), LoseAcks())]
    assert lose.fault.data() == {"host": "laptop", "direction": "out"}
