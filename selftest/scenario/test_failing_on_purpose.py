"""A step that is to fail passes by failing, in the way that was asked for, and in no other."""

from __future__ import annotations

from typing import Any

import pytest

FAIL = "steps:\n  - one.fail: {message: access denied, status: STATUS_ACCESS_DENIED}\n    as: f\n    fails: "


@pytest.mark.parametrize(
    "how",
    [
        "true",
        "{status: STATUS_ACCESS_DENIED}",
        "{message: {matches: denied}}",
        "{message: {matches: ^access}, status: {one-of: [STATUS_ACCESS_DENIED, STATUS_LOGON_FAILURE]}}",
    ],
)
def test_it_passes_by_failing_as_it_should_and_tells_how(stories: Any, how: str) -> None:
    ran = stories.run(f"{FAIL}{how}\nexpect:\n  - {{value: $f.status, equals: STATUS_ACCESS_DENIED}}\n")
    assert ran.verdict.exit_code == 0, ran.verdict
    assert ran.of("step-done")[0]["result"]["message"] == "access denied (STATUS_ACCESS_DENIED)"


def test_it_fails_by_failing_otherwise(stories: Any) -> None:
    ran = stories.run(f"{FAIL}{{status: STATUS_LOGON_FAILURE}}\n")
    cause = ran.verdict.failed.cause
    assert cause.expected == "status STATUS_LOGON_FAILURE"
    assert cause.seen == "status STATUS_ACCESS_DENIED"


def test_it_fails_by_not_failing(stories: Any) -> None:
    ran = stories.run("steps:\n  - one.add: {a: 1, b: 1}\n    fails: true\n")
    cause = ran.verdict.failed.cause
    assert cause.message == "it did not fail"
    assert cause.seen.startswith("it gave {'sum': 2")


def test_a_deadline_is_no_failure_that_anybody_asked_for(stories: Any) -> None:
    ran = stories.run("steps:\n  - one.never:\n    fails: true\n    within: 5s\n")
    assert ran.failure == "not done within 5 s; no answer"


def test_it_works_in_the_background_too(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.fail:\n    as: f\n    fails: true\n    background: true\n  - join: f\n    as: g\n"
        "expect:\n  - {value: $g.message, equals: told to}\n"
    )
    assert ran.verdict.exit_code == 0, ran.verdict
