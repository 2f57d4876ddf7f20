"""Actors come up in order, are told verbs, and are missed when they die."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from swrap.scenario import Ended

HEAD = """\
title: t
lab: {hosts: {server: {eth0: 10.0.1.1/24}}}
actors:
  one: {command: [toy], schema: toy.json, host: server, env: {LEVEL: 5}}
  tool: {command: [curl, -s], host: server}
"""


def ends(status: int | None = 0, signal: str | None = None, *, after: float = 1.0, printed: str = "") -> Any:
    """A program without the protocol that ends by itself."""

    async def program(process: Any) -> Ended:
        process.printed = printed
        process.words = "curl: (7) Failed to connect"
        await asyncio.sleep(after)
        return Ended(status, signal)

    return program


def test_a_program_without_the_protocol_is_run_and_its_end_awaited(stories: Any) -> None:
    backend = stories.backend(programs={"tool": ends(printed="<html>")})
    ran = stories.run(
        "steps:\n  - exit: tool\n    as: got\nexpect:\n  - {value: $got.output, equals: <html>}\n",
        HEAD,
        backend=backend,
    )
    assert ran.verdict.exit_code == 0, ran.verdict
    one, tool = backend.started
    assert (one.protocol, tool.protocol) == (True, False)
    assert one.environment["LEVEL"] == "5"
    assert tool.command == ("curl", "-s")
    assert tool.directory == stories.folder


@pytest.mark.parametrize(
    ("step", "status", "signal", "code"),
    [
        ("tool", 7, None, 1),
        ("{actor: tool, status: 7}", 7, None, 0),
        ("{actor: tool, status: any}", 7, None, 0),
        ("{actor: tool, status: any}", None, "KILL", 0),
        ("{actor: tool, status: SEGV}", None, "SEGV", 0),
        ("tool", None, "SEGV", 1),
    ],
)
def test_how_it_ended_is_looked_at(stories: Any, step: str, status: Any, signal: Any, code: int) -> None:
    backend = stories.backend(programs={"tool": ends(status, signal)})
    ran = stories.run(f"steps:\n  - exit: {step}\n", HEAD, backend=backend)
    assert ran.verdict.exit_code == code
    if code:
        how = "exited with status 7" if status else "was ended by signal SEGV"
        assert ran.failure == f"tool {how}; its last words:\ncurl: (7) Failed to connect"
        assert ran.verdict.failed.cause.expected == "tool to end with status 0"


def test_a_program_without_the_protocol_may_end_whenever_it_likes(stories: Any) -> None:
    backend = stories.backend(programs={"tool": ends(1, after=0.1)})
    ran = stories.run("steps:\n  - one.copy: {size: 4, pause: 1s}\n", HEAD, backend=backend)
    assert ran.verdict.exit_code == 0, ran.verdict


def test_an_actor_that_a_step_starts_does_not_run_before(stories: Any) -> None:
    backend = stories.backend(programs={"tool": ends()})
    ran = stories.run(
        "steps:\n  - one.greet:\n  - start: tool\n    as: tool\n  - exit: tool\n", HEAD, backend=backend
    )
    assert ran.verdict.exit_code == 0, ran.verdict
    started = [event for event in ran.events if event.kind == "actor-started"]
    assert [event.data["actor"] for event in started] == ["one", "tool"]
    kinds = ran.kinds()
    assert kinds.index("step-done") < len(kinds) - 1 - kinds[::-1].index("actor-started")


def test_an_actor_can_be_started_again_after_its_end_but_not_twice(stories: Any) -> None:
    backend = stories.backend(programs={"tool": ends()})
    ran = stories.run(
        "steps:\n  - start: tool\n  - exit: tool\n  - start: tool\n  - start: tool\n", HEAD, backend=backend
    )
    assert (ran.verdict.failed.number, ran.failure) == (4, "tool is running already")


def test_an_actor_that_was_not_started_cannot_be_spoken_to(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.greet:\n  - start: one\n", HEAD, backend=stories.backend(programs={"tool": ends()})
    )
    assert ran.failure == "one was not started yet; `- start: one` comes first"


def test_an_actor_that_refuses_its_configuration_fails_before_the_first_step(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.greet:\n",
        HEAD.replace("env:", "with: {fail: no such folder}, env:"),
        backend=stories.backend(programs={"tool": ends()}),
    )
    assert ran.verdict.exit_code == 1
    assert (ran.verdict.failed.text, ran.failure) == ("start one", "no such folder")
    assert ran.verdict.failed.where == f"{stories.file}:4"
    assert [data["step"] for data in ran.of("step-skipped")] == [1]


async def _mute(process: Any) -> Ended:
    await asyncio.Event().wait()
    raise AssertionError


async def _stillborn(process: Any) -> Ended:
    process.words = "ModuleNotFoundError: No module named 'toy'"
    return Ended(1, None)


def test_an_actor_that_never_says_hello_is_not_waited_for_for_ever(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.greet:\n", HEAD, backend=stories.backend(programs={"one": _mute, "tool": ends()})
    )
    assert ran.failure == "one was not ready within 30 s"


def test_an_actor_that_dies_at_birth_says_why(stories: Any) -> None:
    backend = stories.backend(programs={"one": _stillborn, "tool": ends()})
    ran = stories.run("steps:\n  - one.greet:\n", HEAD, backend=backend)
    assert ran.failure == (
        "one exited with status 1 before it said hello; its last words:\n"
        "ModuleNotFoundError: No module named 'toy'"
    )


# --- the other toys: two of them, both with the protocol


def test_verbs_run_at_the_same_time(stories: Any) -> None:
    slow = "one.copy: {size: 4, pause: 10s}\n    background: true\n    as: "
    ran = stories.run(f"steps:\n  - {slow}a\n  - {slow}b\n  - join: a\n  - join: b\n")
    assert ran.verdict.exit_code == 0, ran.verdict
    assert 40 <= ran.verdict.seconds < 50


def test_a_death_fails_the_verbs_that_were_under_way(stories: Any) -> None:
    ran = stories.run("steps:\n  - one.die: {status: 3}\n")
    assert ran.failure == "one exited with status 3 without an answer"
    assert ran.of("actor-exited")[0] == {
        "actor": "one",
        "pid": 1010,
        "expected": False,
        "status": 3,
        "signal": None,
    }


def test_a_death_that_nobody_asked_for_ends_the_story(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.die: {status: 3}\n    fails: true\n    as: dead\n    background: true\n"
        "  - two.copy: {size: 4, pause: 30s}\n"
    )
    assert ran.verdict.exit_code == 1
    assert ran.failure == "one exited with status 3 though nothing told it to"
    assert ran.verdict.seconds < 30


def test_a_death_that_a_step_waits_for_is_no_surprise(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.die: {status: 3}\n    fails: true\n  - exit: {actor: one, status: 3}\n"
    )
    assert ran.verdict.exit_code == 0, ran.verdict


def test_a_killed_actor_is_no_surprise_and_its_verbs_fail(stories: Any) -> None:
    ran = stories.run(
        "steps:\n  - one.never:\n    as: v\n    background: true\n    fails: {message: {matches: signal KILL}}\n"
        "  - kill: one\n    as: killed\n  - join: v\n  - one.greet:\n    fails: true\n"
        "expect:\n  - {value: $killed.processes, equals: 1}\n  - order: [{kill: one}, {event: actor-exited}]\n"
    )
    assert ran.verdict.exit_code == 0, ran.verdict
    assert ran.of("kill") == [
        {
            "actor": "one",
            "signal": "KILL",
            "flows": 0,
            "bytes": 0,
            "processes": 1,
            "pids": [1010],
            "pid": 1010,
        }
    ]


def test_the_processes_of_a_role_are_those_that_were_announced(stories: Any) -> None:
    ran = stories.run("steps:\n  - kill: {actor: two, role: worker, signal: TERM}\n")
    assert ran.verdict.exit_code == 0, ran.verdict
    assert ran.backend.asked == [("kill", 1021, "TERM")]


def test_an_unknown_role_is_named(stories: Any) -> None:
    ran = stories.run("steps:\n  - kill: {actor: two, role: wroker}\n")
    assert ran.failure == "two announced no process with the role 'wroker'; did you mean 'worker'?"


def test_a_pid_of_somebody_else_is_refused(stories: Any) -> None:
    ran = stories.run("steps:\n  - one.add: {a: 4000, b: 1}\n    as: s\n  - kill: {pid: $s.sum}\n")
    assert ran.failure == "process 4001 is none of this lab"


def test_an_actor_that_babbles_is_cut_off(stories: Any) -> None:
    ran = stories.run("steps:\n  - one.babble:\n")
    assert ran.failure.startswith("one said something that is not of the protocol: 'Segmentation fault'")


def test_a_reference_is_checked_against_the_verb_when_it_is_known(stories: Any) -> None:
    ran = stories.run("steps:\n  - two.greet:\n    as: g\n  - one.add: {a: $g.greeting, b: 1}\n")
    assert ran.failure == "'hello' where a whole number belongs"
