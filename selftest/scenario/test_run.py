"""A story is played in its order, waits for what it waits for, and comes to the verdict that it deserves."""

from __future__ import annotations

from typing import Any

import pytest

from swrap.faults import Touched


def test_a_story_passes(stories: Any) -> None:
    ran = stories.run(
        """\
steps:
  - one.add: {a: 1, b: 2}
    as: first
  - two.add: {a: $first.sum, b: 10}
    as: second
  - two.greet:
    as: greeting
expect:
  - {value: $second.sum, equals: 13}
  - {value: $second.inner.list.0, equals: $first.sum}
  - {value: $greeting.greeting, matches: '^h.llo$'}
"""
    )
    assert ran.verdict.exit_code == 0, ran.verdict.reason
    assert [one.status for one in ran.verdict.expectations] == ["pass"] * 3
    assert ran.kinds()[0] == "run-started"
    assert ran.kinds()[-1] == "run-ended"
    assert ran.backend.closed == 1
    assert [program.host for program in ran.backend.started] == ["server", "laptop"]
    assert [data["expected"] for data in ran.of("actor-exited")] == [True, True]
    print(ran.kinds())
