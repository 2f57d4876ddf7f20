"""A story is played in its order, and comes to the verdict that it deserves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from swrap.events import Event
from swrap.faults import Touched

TWO_SUMS = """\
steps:
  - one.add: {a: 1, b: 2}
    as: first
  - two.add: {a: $first.sum, b: 10}
    as: second
  - two.greet:
    as: greeting
"""


def test_a_story_passes(stories: Any) -> None:
    ran = stories.run(
        TWO_SUMS
        + """\
expect:
  - {value: $second.sum, equals: 13}
  - {value: $second.inner.list.0, equals: $first.sum}
  - {value: $greeting.greeting, matches: '^h.llo$'}
"""
    )
    assert ran.verdict.exit_code == 0, ran.verdict.reason
    assert [one.status for one in ran.verdict.expectations] == ["pass"] * 3
    assert [program.host for program in ran.backend.started] == ["server", "laptop"]


def test_all_of_a_run_is_in_its_events(stories: Any) -> None:
    ran = stories.run(TWO_SUMS + "expect:\n  - {value: $second.sum, equals: 13}\n", seed=7)
    assert ran.kinds("process-started") == [
        "run-started",
        *("actor-started", "actor-ready") * 2,
        *("step-started", "step-done") * 3,
        "expectation",
        *("actor-exited",) * 2,
        "run-ended",
    ]
    (started,) = ran.of("run-started")
    assert (started["title"], started["seed"], started["backend"]) == ("A test", 7, "test")
    assert started["topology"]["hosts"]["server"]["eth0"]["address"] == ["10.0.1.1/24"]
    (first, *_) = ran.of("step-started")
    assert first == {"step": 1, "text": "one.add a: 1, b: 2", "where": f"{stories.file}:10", "as": "first"}
    assert ran.of("step-done")[1]["result"]["sum"] == 13
    (ended,) = ran.of("run-ended")
    assert (ended["exit_code"], ended["outcome"]) == (0, "pass")
    assert [data["expected"] for data in ran.of("actor-exited")] == [True, True]
    times = [event.at for event in ran.events]
    assert times == sorted(times)


def test_the_same_seed_gives_the_same_events(stories: Any) -> None:
    text = TWO_SUMS + "  - one.copy: {size: 1MiB, pause: 1s}\n    as: c\n    background: true\n"
    assert stories.run(text, seed=1).events == stories.run(text, seed=1).events


def test_the_seed_reaches_steps_and_actors(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.add: {a: $run.seed, b: 1}\n    as: s\nexpect:\n  - {value: $s.sum, equals: 42}\n",
        seed=41,
    )
    assert ran.verdict.exit_code == 0
    assert ran.backend.started[0].environment["SWRAP_SEED"] == "41"


def test_an_expectation_that_does_not_hold_says_where_what_and_what_instead(stories: Any) -> None:
    ran = stories.run(
        TWO_SUMS + "expect:\n  - {value: $second.sum, equals: 14}\n  - {value: $first.sum, equals: 3}\n"
    )
    assert ran.verdict.exit_code == 1
    wrong, right = ran.verdict.expectations
    assert (wrong.status, wrong.expected, wrong.seen) == ("fail", "14", "13")
    assert wrong.where == f"{stories.file}:17"
    assert right.status == "pass"
    assert ran.verdict.reason == f"{stories.file}:17: $second.sum equals 14: expected 14, seen 13"
    assert [data["status"] for data in ran.of("expectation")] == ["fail", "pass"]


def test_a_failed_step_ends_the_story_and_the_rest_is_still_judged_where_it_can_be(stories: Any) -> None:
    ran = stories.run(
        """\
steps:
  - one.add: {a: 1, b: 2}
    as: first
  - one.fail: {message: no such share, status: STATUS_BAD_NETWORK_NAME}
  - one.add: {a: 5, b: 5}
    as: never
expect:
  - {value: $first.sum, equals: 3}
  - {value: $never.sum, equals: 10}
"""
    )
    assert ran.verdict.exit_code == 1
    failed = ran.verdict.failed
    assert (failed.number, failed.where) == (2, f"{stories.file}:12")
    assert failed.cause.message == "no such share (STATUS_BAD_NETWORK_NAME)"
    assert failed.cause.status == "STATUS_BAD_NETWORK_NAME"
    assert [data["step"] for data in ran.of("step-skipped")] == [3]
    assert [one.status for one in ran.verdict.expectations] == ["pass", "skipped"]
    assert ran.verdict.expectations[1].seen == "$never.sum: there is no result of 'never'"
    assert ran.backend.closed == 1


def test_a_fault_reaches_the_network_and_its_result_the_story(stories: Any) -> None:
    blocked = Touched(3, 500, details={"rule": 9})
    backend = stories.backend(touched={"block": blocked})
    ran = stories.run(
        """\
steps:
  - block: {port: 445}
    as: rule
  - unblock: {rule: $rule.rule}
  - link-down: server.eth0
expect:
  - {value: $rule.flows, equals: 3}
  - order: [{block: {port: 445}}, {event: unblock, where: {rule: 9}}, {link-down: server.eth0}]
""",
        backend=backend,
    )
    assert ran.verdict.exit_code == 0, ran.verdict
    assert [call[0] for call in backend.asked] == ["block", "unblock", "link"]
    assert backend.asked[1] == ("unblock", 9)
    assert ran.of("block") == [{"port": 445, "flows": 3, "bytes": 500, "rule": 9}]
    assert ran.of("link-down") == [{"interface": "server.eth0", "flows": 2, "bytes": 1000}]


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("link-down: server.eth0", 4),
        ("link-down: server.eth0\n    may-miss: true", 0),
        ("reset: {port: 445}", 4),
        ("link-up: server.eth0", 0),
        ("heal: {}", 0),
        ("unblock: {}", 0),
    ],
)
def test_a_fault_that_touches_nothing_proves_nothing(stories: Any, step: str, code: int) -> None:
    nothing = dict.fromkeys(("link", "reset", "heal", "unblock"), Touched())
    ran = stories.run(f"steps:\n  - {step}\n", backend=stories.backend(touched=nothing))
    assert ran.verdict.exit_code == code
    assert len(ran.of("fault-missed")) == (code == 4)
    if code == 4:
        assert ran.verdict.reason.endswith("touched nothing")
        assert f"{stories.file}:10" in ran.verdict.reason


def test_a_failure_stands_though_a_fault_missed(stories: Any) -> None:
    text = "steps:\n  - link-down: server.eth0\n  - one.fail: {}\n"
    ran = stories.run(text, backend=stories.backend(touched={"link": Touched()}))
    assert ran.verdict.exit_code == 1
    assert "touched nothing" in ran.verdict.reason


def test_what_comes_of_a_fault_is_logged_after_it(stories: Any) -> None:
    backend = stories.backend()
    backend.before_touch = lambda: backend.notice("flow-closed", {"id": 1, "how": "reset"})
    ran = stories.run("steps:\n  - reset: {port: 445}\n", backend=backend)
    kinds = ran.kinds()
    assert kinds.index("reset") < kinds.index("flow-closed")
    times = [event.at for event in ran.events]
    assert times == sorted(times)


def test_a_fault_that_the_network_refuses_fails_its_step(stories: Any) -> None:
    backend = stories.backend()

    def refuse() -> None:
        raise ValueError("no rule 7")

    backend.before_touch = refuse
    ran = stories.run("steps:\n  - unblock: {rule: 7}\n", backend=backend)
    assert ran.verdict.exit_code == 1
    assert ran.failure == "no rule 7"


def test_the_networks_own_events_are_part_of_the_story(stories: Any) -> None:
    backend = stories.backend()

    def tell() -> None:
        backend.notice("flow-sample", {"id": 1})
        backend.notice("flow-opened", {"id": 1, "client": "10.0.1.2:40000"})

    backend.before_touch = tell
    ran = stories.run(
        "steps:\n  - heal: {}\n  - await: {event: flow-opened, from: network, where: {client: {matches: '^10.0.1.2:'}}}\n",
        backend=backend,
    )
    assert ran.verdict.exit_code == 0, ran.verdict
    assert len(ran.of("flow-sample")) == 1


# --- the harness


def test_a_network_that_does_not_start_is_the_harness_own_failure(stories: Any) -> None:
    from swrap.scenario.failure import HarnessFailure

    ran = stories.run(
        "steps:\n  - heal: {}\n", backend=stories.backend(start_raises=HarnessFailure("no switch"))
    )
    assert (ran.verdict.exit_code, ran.verdict.reason) == (3, "no switch")
    assert ran.backend.closed == 1
    assert ran.kinds() == ["run-started", "run-ended"]


def test_a_network_that_breaks_down_is_exit_3_whatever_fails_because_of_it(stories: Any) -> None:
    backend = stories.backend()

    def break_down(event: Event) -> None:
        if event.kind == "step-started" and event.data["step"] == 1:
            backend.broken.set_result("the switch was killed by SIGKILL")

    ran = stories.run(
        "steps:\n  - one.never:\nexpect:\n  - {events: told}\n", backend=backend, on_event=break_down
    )
    assert (ran.verdict.exit_code, ran.verdict.reason) == (3, "the switch was killed by SIGKILL")
    assert ran.verdict.expectations == ()
    assert ran.of("run-ended")[0]["outcome"] == "harness failed"


def test_a_step_that_fails_with_the_network_does_not_hide_that_the_network_broke(stories: Any) -> None:
    backend = stories.backend()

    def break_down(event: Event) -> None:
        if event.kind == "step-failed":
            asyncio.get_running_loop().call_later(0.05, backend.broken.set_result, "the switch ended")

    ran = stories.run("steps:\n  - one.fail:\n", backend=backend, on_event=break_down)
    assert (ran.verdict.exit_code, ran.verdict.reason) == (3, "the switch ended")


def test_a_reporter_that_fails_is_told_and_ends_the_run(stories: Any) -> None:
    def fail(event: Event) -> None:
        if event.kind == "step-started":
            raise OSError("no space left on device")

    ran = stories.run("steps:\n  - one.never:\n", on_event=fail)
    assert ran.verdict.exit_code == 3
    assert "a reporter failed: OSError('no space left on device')" in ran.verdict.reason
    assert ran.backend.closed == 1


def test_a_bug_of_the_runner_is_exit_3_and_everything_is_ended(stories: Any, caplog: Any) -> None:
    backend = stories.backend()

    def bug() -> None:
        raise ZeroDivisionError("bug")

    backend.before_touch = bug
    ran = stories.run("steps:\n  - heal: {}\n", backend=backend)
    assert (ran.verdict.exit_code, ran.verdict.reason) == (3, "the runner failed: ZeroDivisionError('bug')")
    assert ran.backend.closed == 1
    assert "ZeroDivisionError" in caplog.text


def test_a_cancelled_run_ends_everything_and_stays_cancelled(stories: Any) -> None:
    def cancel(event: Event) -> None:
        if event.kind == "step-started":
            asyncio.get_running_loop().call_soon(main.cancel)

    backend = stories.backend()
    main: asyncio.Task[Any]

    async def go() -> None:
        nonlocal main
        from swrap.scenario import run

        main = asyncio.create_task(
            run(stories.load("steps:\n  - one.never:\n"), backend, cancel, signals=False)
        )
        with pytest.raises(asyncio.CancelledError):
            await main

    stories.virtually(go())
    assert backend.closed == 1
    assert all(process.life.done() for process in backend.processes.values())
