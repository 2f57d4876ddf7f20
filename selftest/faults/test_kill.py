"""kill finds its process by actor, by role or by pid."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("value", "call", "data"),
    [
        ("server", ("kill", "server", None, None, "KILL"), {"actor": "server", "signal": "KILL"}),
        (
            {"actor": "server", "role": "worker", "signal": "TERM"},
            ("kill", "server", "worker", None, "TERM"),
            {"actor": "server", "role": "worker", "signal": "TERM"},
        ),
        ({"pid": 4711}, ("kill", None, None, 4711, "KILL"), {"pid": 4711, "signal": "KILL"}),
    ],
)
def test_it_names_its_process(spelled: Any, value: Any, call: Any, data: Any) -> None:
    kill = spelled("kill", value)
    assert kill.asks() == [call]
    assert kill.fault.data() == data
    assert not kill.fault.may_miss


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"role": "worker"}, "key 'actor' is missing here"),
        ({"pid": 1}, "1 is not at least 2"),
        ({"actor": "server", "pid": 5}, "unknown key 'pid'; there are actor, role, signal"),
        ({"actor": "server", "signal": "KIL"}, "unknown signal 'KIL'; did you mean 'KILL'?"),
    ],
)
def test_half_a_name_or_two_are_refused(spelled: Any, value: Any, message: str) -> None:
    assert message in spelled("kill", value).wrong
