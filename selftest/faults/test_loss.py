"""loss takes a chance: as a share, or in percent."""

from __future__ import annotations

from typing import Any

import pytest

from swrap.faults import Match
from swrap.faults.effects import Loss


@pytest.mark.parametrize("chance", ["1%", 0.01, "0.01"])
def test_a_chance(spelled: Any, chance: Any) -> None:
    loss = spelled("loss", {"between": ["laptop", "server"], "chance": chance})
    assert loss.asks() == [("loss", Match(between=("laptop", "server")), Loss(0.01))]
    assert loss.fault.data() == {"between": ["laptop", "server"], "chance": 0.01}


@pytest.mark.parametrize("chance", ["101%", -1, 1.5, "often", 0, True])
def test_no_chance(spelled: Any, chance: Any) -> None:
    assert spelled("loss", {"port": 445, "chance": chance}).wrong
