"""Expectations say of a run exactly what is true of it, and when they fail, what was there instead."""

from __future__ import annotations

from typing import Any

import pytest

TOLD = """\
steps:
  - one.tell: {n: 1, colour: red}
  - one.tell: {n: 2, colour: red, more: {deep: 7}}
  - link-down: server.eth0
  - two.tell: {n: 3, colour: blue}
    as: last
  - link-up: server.eth0
expect:
  - """


@pytest.mark.parametrize(
    ("expectation", "text"),
    [
        ("{events: told}", "at least 1 told"),
        ("{events: told, from: one, exactly: 2}", "exactly 2 told from one"),
        ("{events: told, at-most: 3}", "at most 3 told"),
        ("{events: told, at-least: 2, at-most: 3}", "2 to 3 told"),
        ("{events: told, where: {n: 9}, exactly: 0}", "no told with n 9"),
        ("{events: told, where: {n: {at-least: 2}}, exactly: 2}", "exactly 2 told with n at least 2"),
        ("{events: told, where: {more.deep: 7}, exactly: 1}", "exactly 1 told with more.deep 7"),
        ("{events: told, from: one, each: {colour: red}}", "every told from one, each colour red"),
        ("{events: told, from: one, same: colour}", "every told from one, one colour in all"),
        ("{events: told, skip: 2, each: {colour: blue}}", "every told, after the first 2, each colour blue"),
        ("{events: told, skip: 1, same: colour, from: one}", "every told from one, after the first, one colour in all"),
        ("{events: told, title: it was told}", "it was told"),
        ("{events: link-down, each: {interface: server.eth0, flows: {at-least: 1}}}", "every link-down, each interface server.eth0, each flows at least 1"),
        ("{order: [{event: told, where: {n: 2}}, {link-down: server.eth0}, {event: told, from: two}]}", "in order: told with n 2, link-down with interface server.eth0, told from two"),
        ("{order: [{link-down: server.eth0}, {link-up: server.eth0}]}", "in order: link-down with interface server.eth0, link-up with interface server.eth0"),
        ("{order: [{event: told}, {event: told}, {event: told}]}", "in order: told, told, told"),
        ("{value: 5, at-least: 5}", "5 is at least 5"),
        ("{value: $$x, equals: $$x}", "$x equals $x"),
    ],
)  # fmt: skip
def test_what_is_true_passes_and_reads_well(stories: Any, expectation: str, text: str) -> None:
    (found,) = stories.run(TOLD + expectation + "\n").verdict.expectations
    assert (found.text, found.status) == (text, "pass"), found


@pytest.mark.parametrize(
    ("expectation", "expected", "seen"),
    [
        ("{events: told, exactly: 2}", "exactly 2", "3 × told (at 0.00 s, 0.00 s, 0.00 s)"),
        ("{events: told, from: network, exactly: 1}", None, None),
        ("{events: flow-opened}", "at least 1", "no flow-opened"),
        ("{events: told, skip: 3, each: {n: 1}}", "each n 1", "no told"),
        ("{events: told, each: {colour: red}}", "each colour red", "at 0.00 s colour blue"),
        ("{events: told, each: {more.deep: 7}, from: one}", "each more.deep 7", "at 0.00 s more.deep nothing"),
        ("{events: told, same: [colour, n]}", "one colour in all, one n in all", "colour: red, blue; n: 1, 2, 3"),
        ("{events: told, exactly: 1, same: colour}", "exactly 1, one colour in all", "3 × told (at 0.00 s, 0.00 s, 0.00 s); colour: red, blue"),
        ("{order: [{event: told, from: two}, {link-down: server.eth0}]}", "told from two, then link-down with interface server.eth0", "no link-down with interface server.eth0 after told at 0.00 s"),
        ("{order: [{event: told, where: {n: 4}}, {heal: {}}]}", "told with n 4, then heal", "no told with n 4 at all"),
        ("{value: 5, more-than: 5}", "more than 5", "5"),
    ],
)  # fmt: skip
def test_what_is_not_true_fails_and_says_what_was(
    stories: Any, expectation: str, expected: str | None, seen: str | None
) -> None:
    if expected is None:
        assert "unknown event 'told' of network" in stories.problems(TOLD + expectation + "\n")[0]
        return
    ran = stories.run(TOLD + expectation + "\n")
    (found,) = ran.verdict.expectations
    assert (found.status, found.expected, found.seen) == ("fail", expected, seen)
    assert ran.verdict.exit_code == 1


def test_references_work_in_every_place_of_an_expectation(stories: Any) -> None:
    ran = stories.run(
        """\
steps:
  - one.add: {a: 2, b: 3}
    as: five
  - one.tell: {n: 5}
  - one.tell: {n: 6}
expect:
  - {value: 7, more-than: $five.sum}
  - {events: told, where: {n: $five.sum}, exactly: 1}
  - {events: told, each: {n: {at-least: $five.sum}}}
  - {order: [{event: told, where: {n: $five.sum}}, {event: told, where: {n: {one-of: [$five.sum, 6]}}}]}
"""
    )
    assert ran.verdict.exit_code == 0, ran.verdict


def test_samples_are_not_evidence(stories: Any) -> None:
    text = "steps:\n  - one.copy: {size: 4}\nexpect:\n  - {events: progress}\n"
    assert "made by the clock" in stories.problems(text)[0]
