"""delay takes a time and a jitter, in whatever unit."""

from __future__ import annotations

from typing import Any

import pytest

from swrap.faults import Match
from swrap.faults.effects import Delay


def test_times_have_units(spelled: Any) -> None:
    delay = spelled("delay", {"interface": "server.eth0", "time": "20ms", "jitter": "5ms"})
    assert delay.asks() == [("delay", Match(interface="server.eth0"), Delay(0.02, 0.005))]
    assert delay.fault.data() == {"interface": "server.eth0", "time": 0.02, "jitter": 0.005}


def test_there_is_no_jitter_where_none_is_asked(spelled: Any) -> None:
    assert spelled("delay", {"port": 445, "time": 1}).asks() == [("delay", Match(port=445), Delay(1))]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"port": 445}, "key 'time' is missing here"),
        ({"port": 445, "time": "20mss"}, "unknown unit 'mss' of a time"),
        ({"port": 445, "time": "20ms", "jiter": "1ms"}, "unknown key 'jiter'; did you mean 'jitter'?"),
        ({"port": 445, "time": "20ms", "jitter": "30ms"}, "a jitter is 0 to the delay itself"),
    ],
)
def test_what_makes_no_sense_is_told(spelled: Any, value: Any, message: str) -> None:
    assert message in " ".join(spelled("delay", value).wrong)
