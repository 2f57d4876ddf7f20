"""Steps wait for what they say, no shorter and no longer; what counts as having happened is exact."""

from __future__ import annotations

from typing import Any

import pytest

COPY = "  - one.copy: {size: 4MiB, pause: 10s}\n    as: copy\n    background: true\n"


def at(ran: Any, kind: str, **fields: Any) -> float:
    """When the only such event came."""
    (event,) = (
        event
        for event in ran.events
        if event.kind == kind and all(event.data.get(key) == value for key, value in fields.items())
    )
    return float(event.at)


def test_after_counts_from_the_step_before(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.copy: {size: 4, pause: 1s}\n  - heal: {}\n    when: {after: 2s}\n"
        "  - heal: {}\n    when: {after: 500ms}\n"
    )
    assert [round(event.at, 1) for event in ran.events if event.kind == "heal"] == [6.0, 6.5]


def test_at_counts_from_the_first_step_and_is_at_once_when_it_has_passed(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - heal: {}\n    when: {at: 3s}\n  - one.copy: {size: 4, pause: 1s}\n  - heal: {}\n    when: {at: 5s}\n"
    )
    assert [round(event.at, 1) for event in ran.events if event.kind == "heal"] == [3.0, 7.0]


@pytest.mark.parametrize(
    ("reaches", "seconds"), [("50%", 20.0), ("51%", 30.0), ("1MiB", 10.0), ("1048577", 20.0)]
)
def test_progress_is_waited_for(stories: Any, reaches: str, seconds: float) -> None:
    ran = stories.run(f"steps:\n{COPY}  - heal: {{}}\n    when: {{progress: copy, reaches: {reaches}}}\n")
    assert ran.verdict.exit_code == 0, ran.verdict
    assert round(at(ran, "heal")) == seconds
    assert ran.of("progress")[0] == {
        "step": 1,
        "as": "copy",
        "actor": "one",
        "done": 1 << 20,
        "total": 4 << 20,
    }


def test_progress_that_cannot_come_any_more_fails_at_once(stories: Any) -> None:
    ran = stories.run(f"steps:\n{COPY}  - heal: {{}}\n    when: {{progress: copy, reaches: 5MiB}}\n")
    assert ran.failure == "copy was done before it got so far; its last word was 4194304 of 4194304"
    assert round(at(ran, "step-failed")) == 40


def test_progress_that_was_never_told_fails_when_the_step_is_done(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.greet:\n    as: g\n    background: true\n  - wait: {progress: g, reaches: 1%}\n"
    )
    assert ran.failure == "g was done before it got so far; it never told its progress"


def test_a_deadline_fails_the_step_and_says_what_there_was_instead(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.tell: {n: 1}\n  - await: {event: told, from: one, where: {n: {at-least: 2}}}\n    within: 5s\n"
    )
    failed = ran.verdict.failed
    assert failed.number == 2
    assert failed.cause.expected == "told from one with n at least 2 within 5 s"
    assert failed.cause.seen.startswith("1 × told, the last at ")
    assert failed.cause.seen.endswith(" with n 1")
    assert round(at(ran, "step-failed"), 1) == 5.0


@pytest.mark.parametrize(
    ("step", "expected", "seen"),
    [
        ("one.never:", "one to answer within 5 s", "no answer"),
        ("wait: {event: told}", "told within 5 s", "no told"),
        ("wait: {progress: copy, reaches: 90%}", "copy to reach 90% within 5 s", "copy at 0 B"),
        ("join: copy", "copy to be done within 5 s", "copy at 0 B"),
        ("exit: one", "one to end with status 0 within 5 s", "one was still running"),
        ("heal: {}\n    when: {event: told, where: {n: 5}}", "told with n 5 within 5 s", "no told"),
        (
            "heal: {}\n    when: {progress: copy, reaches: 2MiB}",
            "copy to reach 2 MiB within 5 s",
            "copy at 0 B",
        ),
    ],
)
def test_every_wait_has_its_words_for_a_deadline(stories: Any, step: str, expected: str, seen: str) -> None:
    ran = stories.run(f"steps:\n{COPY}  - {step}\n    within: 5s\n")
    cause = ran.verdict.failed.cause
    assert (cause.expected, cause.seen) == (expected, seen)


def test_the_default_deadline_is_a_minute_or_what_the_scenario_says(stories: Any) -> None:
    assert round(at(stories.run("steps:\n  - one.never:\n"), "step-failed")) == 60
    assert round(at(stories.run("within: 7s\nsteps:\n  - one.never:\n"), "step-failed")) == 7


def test_a_deadline_does_not_count_the_time_that_the_story_itself_lets_pass(stories: Any) -> None:
    ran = stories.run("steps:\n  - heal: {}\n    when: {after: 90s}\n    within: 1s\n")
    assert ran.verdict.exit_code == 0


def test_an_await_finds_what_came_since_the_last_action_began(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.tell: {n: 1}\n  - await: {event: told, where: {n: 1}}\n    as: got\n"
        "expect:\n  - {value: $got.n, equals: 1}\n  - {value: $got.from, equals: one}\n  - {value: $got.at, at-least: 0}\n"
    )
    assert ran.verdict.exit_code == 0, ran.verdict


def test_an_await_does_not_find_what_came_before_the_last_action(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.tell: {n: 1}\n  - heal: {}\n  - await: {event: told}\n    within: 5s\n"
    )
    assert ran.verdict.failed.cause.seen.startswith("none since the last action; one before it, at ")


def test_waiting_steps_do_not_move_what_counts_and_two_awaits_may_come_in_either_order(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.tell: {n: 1}\n    as: t\n    background: true\n  - join: t\n"
        "  - await: {event: step-done, from: run, where: {as: t}}\n  - await: {event: told, where: {n: 1}}\n"
    )
    assert ran.verdict.exit_code == 0, ran.verdict


def test_an_event_counts_once(stories: Any) -> None:
    text = (
        "steps:\n  - one.tell: {n: 1}\n  - await: {event: told}\n  - await: {event: told}\n    within: 5s\n"
    )
    ran = stories.run(text)
    assert ran.verdict.failed.number == 3
    assert ran.verdict.failed.cause.seen.endswith("with waited for before")
    two = text.replace(
        "  - await", "  - two.tell: {n: 2}\n    as: second\n    background: true\n  - await", 1
    )
    assert stories.run(two).verdict.exit_code == 1  # the second action hides what came before it
    both = text.replace("{n: 1}\n", "{n: 1}\n    as: a\n    background: true\n").replace(
        "  - await", "  - two.tell-later: {n: 2}\n  - one.tell: {n: 3}\n  - await", 1
    )
    assert stories.run(both).verdict.exit_code == 0


def test_an_await_can_ask_for_several(stories: Any) -> None:
    text = "steps:\n  - one.tell: {n: 1}\n  - await: {event: told, count: 2}\n    within: 5s\n"
    assert stories.run(text).verdict.exit_code == 1
    text = "steps:\n  - one.tell-later: {n: 1}\n  - await: {event: told}\n    as: got\nexpect:\n  - {value: $got.n, equals: 1}\n"
    assert stories.run(text).verdict.exit_code == 0


def test_a_trigger_by_event_sees_the_same_events_as_an_await(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.tell-later: {n: 3}\n  - link-down: server.eth0\n    when: {event: told, from: one, where: {n: $run.seed}}\n",
        seed=3,
    )
    assert ran.verdict.exit_code == 0, ran.verdict
    assert at(ran, "link-down") >= at(ran, "told")


def test_a_step_in_the_background_lets_the_story_go_on_and_is_joined(stories: Any) -> None:
    ran = stories.run(
        f"steps:\n{COPY}  - two.greet:\n  - join: copy\n    as: copied\nexpect:\n  - {{value: $copied.bytes, equals: 4194304}}\n"
        "  - {value: $copy.bytes, equals: 4194304}\n"
    )
    assert ran.verdict.exit_code == 0, ran.verdict
    assert [data["step"] for data in ran.of("step-done")] == [2, 1, 3]


def test_a_step_in_the_background_that_nobody_joins_is_waited_for_at_the_end(stories: Any) -> None:
    ran = stories.run(f"steps:\n{COPY}expect:\n  - {{value: $copy.bytes, equals: 4194304}}\n")
    assert ran.verdict.exit_code == 0, ran.verdict
    assert ran.verdict.seconds >= 40


def test_a_failure_in_the_background_ends_the_story_at_once(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.fail: {message: broken}\n    as: f\n    background: true\n"
        "  - await: {event: told}\n  - two.greet:\n"
    )
    assert (ran.verdict.failed.number, ran.failure) == (1, "broken")
    assert [data["step"] for data in ran.of("step-skipped")] == [2, 3]
    assert ran.verdict.seconds < 5


def test_a_join_of_what_failed_does_not_fail_a_second_time(stories: Any) -> None:
    ran = stories.run("steps:\n  - one.fail:\n    as: f\n    background: true\n  - join: f\n")
    assert [data["step"] for data in ran.of("step-failed")] == [1]


def test_the_log_is_judged_when_what_is_under_way_has_arrived(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.tell-later: {n: 1}\nexpect:\n  - {events: told, from: one, exactly: 1}\n"
    )
    assert ran.verdict.exit_code == 0, ran.verdict
