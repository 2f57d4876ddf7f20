"""The result as JSON: one object a run, on standard output alone."""

from __future__ import annotations

import io
import json
from typing import Any

from swrap.events import Event
from swrap.report import reporters


def run(stories: list[list[Event]], **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    with reporters(False, json=True, out=out, err=err) as reporter:
        for story in stories:
            for event in story:
                reporter.event(event)
            reporter.finish(**options)
    return out.getvalue(), err.getvalue()


def test_the_object_says_how_it_came_out(failed_story: list[Event]) -> None:
    out, err = run([failed_story])
    result = json.loads(out)
    assert (result["verdict"], result["exit_code"]) == ("fail", 1)
    assert result["expectations"][0] == {
        "text": "$stored.sha256 equals $copied.sha256",
        "status": "fail",
        "expected": "9f2c51e0",
        "seen": "00aa11bb",
        "where": "lan-to-wifi.yaml:30",
        "at": result["expectations"][0]["at"],
    }
    assert [step["status"] for step in result["steps"]] == ["pass"] * 4
    assert result["counters"]["flows"] == {"opened": 6, "refused": 0, "closed": 4}
    assert result["counters"]["events"]["link-down"] == 1
    sent = result["counters"]["interfaces"]
    assert abs(sent["laptop.eth0"]["sent"] + sent["laptop.wlan0"]["sent"] - (64 << 20)) < 16
    assert sent["laptop.eth0"]["sent"] == sent["server.eth0"]["received"]
    assert "did not hold" in err


def test_two_runs_are_two_lines_and_the_second_knows_nothing_of_the_first(
    story: list[Event], failed_story: list[Event]
) -> None:
    out, _ = run([failed_story, story])
    verdicts = [(json.loads(line)["verdict"], len(json.loads(line)["steps"])) for line in out.splitlines()]
    assert verdicts == [("fail", 4), ("pass", 4)]
