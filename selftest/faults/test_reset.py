"""reset ends the flows that it describes; it does not stay in force, and must hit something."""

from __future__ import annotations

from typing import Any

from swrap.faults import Match


def test_it_resets_what_matches(spelled: Any) -> None:
    reset = spelled("reset", {"port": 445})
    assert reset.asks() == [("reset", Match(port=445))]
    assert reset.fault.data() == {"port": 445}
    assert not reset.fault.may_miss


def test_it_does_not_reset_everything_by_accident(spelled: Any) -> None:
    assert spelled("reset", {}).wrong
