"""cut keeps two hosts apart, and names nothing but them."""

from __future__ import annotations

from typing import Any

import pytest

from swrap.faults import Match
from swrap.faults.effects import Drop


@pytest.mark.parametrize("value", [["laptop", "server"], {"between": ["laptop", "server"]}])
def test_two_hosts_are_cut_apart(spelled: Any, value: Any) -> None:
    cut = spelled("cut", value)
    assert cut.asks() == [("cut", Match(between=("laptop", "server")), Drop())]
    assert cut.fault.data() == {"between": ["laptop", "server"]}
    assert not cut.fault.may_miss


@pytest.mark.parametrize(
    "value", [[], ["laptop"], ["a", "b", "c"], {"port": 445}, {"between": "laptop"}, "laptop"]
)
def test_anything_else_is_refused(spelled: Any, value: Any) -> None:
    assert spelled("cut", value).wrong
