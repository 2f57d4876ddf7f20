"""A story on real processes and a real lab: faults bite, deaths are seen, and nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selftest.support import commands
from selftest.support.lab_fixtures import namespace, runtime_directory
from selftest.support.processes import Watched
from swrap.events import Event, read_lines
from swrap.lab import runtime
from swrap.scenario import Verdict, load, run
from swrap.scenario.runner import GRACE
from swrap.scenario.shim_backend import ShimBackend

__all__ = ["namespace", "runtime_directory"]

TOY = Path(__file__).with_name("toy_actor.py")
RUN_STORY = Path(__file__).with_name("run_story.py")

HEAD = f"""\
title: Two toys on a cable
lab:
  hosts:
    server: {{eth0: 10.0.1.1/24, wlan0: "fd00:2::1/64"}}
    laptop: {{eth0: 10.0.1.2/24, wlan0: "fd00:2::2/64"}}
actors:
  one: {{command: [{sys.executable}, {TOY}], schema: toy.json, host: server}}
  two: {{command: [{sys.executable}, {TOY}], schema: toy.json, host: laptop}}
within: 20s
steps:
  - one.listen: {{address: 10.0.1.1, port: 445}}
  - two.connect: {{address: 10.0.1.1, port: 445}}
    as: connected
  - await: {{event: flow-opened, from: network, where: {{client: $connected.local}}}}
    as: flow
"""


class Run:
    """Runs stories on a lab, in this process or in a process of its own."""

    def __init__(self, folder: Path, toys: dict[str, Any]) -> None:
        self.file = folder / "story.yaml"
        (folder / "toy.json").write_text(json.dumps(toys))
        self.events: list[Event] = []

    def write(self, text: str) -> Path:
        self.file.write_text(HEAD + text)
        return self.file

    def __call__(self, text: str) -> Verdict:
        async def go() -> Verdict:
            return await run(load(self.write(text)), ShimBackend(), self.events.append)

        verdict = asyncio.run(go())
        assert not runtime.base_path().exists(), "the lab was left behind"
        return verdict

    def of(self, kind: str) -> list[Any]:
        return [event.data for event in self.events if event.kind == kind]


@pytest.fixture
def story(tmp_path: Path, toys: dict[str, Any]) -> Run:
    return Run(tmp_path, toys)


def test_what_is_not_emulated_is_told_at_the_end(story: Run) -> None:
    asks = "import socket; s = socket.socket(); [s.setsockopt(0, 15, 1) for _ in range(3)]"
    tool = f"""\
title: One that asks for too much
lab:
  hosts:
    server: {{eth0: 10.0.1.1/24}}
    laptop: {{eth0: 10.0.1.2/24}}
actors:
  tool: {{command: [{sys.executable}, -c, {json.dumps(asks)}], host: laptop}}
within: 20s
steps:
  - await: {{event: actor-exited, from: run, where: {{actor: tool, status: 0}}}}
"""
    story.file.write_text(tool)

    async def go() -> Verdict:
        return await run(load(story.file), ShimBackend(), story.events.append)

    assert asyncio.run(go()).exit_code == 0
    (gap,) = story.of("gap")
    assert (gap["host"], gap["call"], gap["what"], gap["count"]) == (
        *("laptop", "setsockopt, without effect", "IPPROTO_IP IP_FREEBIND", 3),
    )
    assert gap["program"].startswith("python")
    assert len(gap["pids"]) == 1
    assert [event.kind for event in story.events][-1] == "run-ended"


def test_a_cable_that_is_pulled_touches_the_flow_over_it(story: Run) -> None:
    verdict = story(
        """\
  - link-down: server.eth0
    as: pulled
  - link-up: server.eth0
expect:
  - {value: $pulled.flows, equals: 1}
  - {value: $flow.interfaces, equals: [laptop.eth0, server.eth0]}
  - {value: $flow.server_host, equals: server}
  - {order: [{event: flow-opened}, {link-down: server.eth0}, {link-up: server.eth0}]}
  - {events: link-down, exactly: 1}
"""
    )
    assert verdict.exit_code == 0, verdict


def test_a_cable_that_nothing_crosses_makes_the_run_inconclusive(story: Run) -> None:
    verdict = story("  - link-down: server.wlan0\n")
    assert verdict.exit_code == 4
    assert "link-down server.wlan0: touched nothing" in verdict.reason


def test_reset_block_and_heal_reach_the_network(story: Run) -> None:
    verdict = story(
        """\
  - block: {port: 445, host: server}
    as: blocked
  - unblock: {rule: $blocked.rule}
  - reset: {between: [server, laptop]}
  - await: {event: flow-closed, where: {how: reset}}
  - two.connect: {address: 10.0.1.1, port: 445}
  - block: {interface: laptop.eth0}
  - heal: {}
    as: healed
expect:
  - {value: $blocked.flows, equals: 1}
  - {value: $healed.flows, equals: 1}
"""
    )
    assert verdict.exit_code == 0, verdict


def test_what_the_network_refuses_fails_the_step_with_its_words(story: Run) -> None:
    verdict = story("  - unblock: {rule: 99}\n")
    assert verdict.failed is not None
    assert verdict.failed.cause.message == "no rule 99"


def test_a_killed_process_takes_its_flows_along(story: Run) -> None:
    verdict = story(
        """\
  - kill: two
  - await: {event: actor-exited, from: run, where: {actor: two, signal: KILL, expected: true}}
  - await: {event: flow-closed, from: network}
"""
    )
    assert verdict.exit_code == 0, verdict


def test_no_process_but_the_labs_can_be_killed(story: Run) -> None:
    verdict = story(f"  - one.add: {{a: {os.getpid()}, b: 0}}\n    as: us\n  - kill: {{pid: $us.sum}}\n")
    assert verdict.failed is not None
    assert verdict.failed.cause.message == f"process {os.getpid()} is none of this lab"


def test_flows_are_sampled_with_their_holders(story: Run) -> None:
    verdict = story("  - one.copy: {size: 4, pause: 300ms}\n")
    assert verdict.exit_code == 0, verdict
    samples = [data for data in story.of("flow-sample") if data["state"] == "established"]
    pids = {data["actor"]: data["pid"] for data in story.of("actor-started")}
    held = [(data["server_holders"], data["client_holders"]) for data in samples]
    assert ([[pids["one"], "toy_actor.py"]], [[pids["two"], "toy_actor.py"]]) in held
    assert samples[0]["to_server"] == {
        "bytes": 0,
        "unacked": 0,
        "packets": 0,
        "lost": 0,
        "blocked": False,
    }


def test_a_program_that_is_not_there_is_the_harness_failure_and_named(story: Run) -> None:
    story.write("")
    text = story.file.read_text().replace(f"[{sys.executable}, {TOY}]", "[no-such-program]", 1)
    story.file.write_text(text)
    verdict = asyncio.run(_run(story))
    assert verdict.exit_code == 3
    assert verdict.reason.startswith("one cannot be started: ")
    assert "no-such-program" in verdict.reason


async def _run(story: Run) -> Verdict:
    return await run(load(story.file), ShimBackend(), story.events.append)


def test_ordinary_programs_take_part(story: Run) -> None:
    text = (
        HEAD.replace("actors:\n", f"actors:\n  web: {{command: [{sys.executable}, -m, http.server, '80'], host: server}}\n"
        "  curl: {command: [curl, -sS, --retry, '9', --retry-connrefused, --retry-delay, '1', 'http://10.0.1.1/'], host: laptop}\n")
        + "  - start: curl\n  - exit: curl\n    as: got\nexpect:\n  - {value: $got.output, matches: story.yaml}\n"
    )  # fmt: skip
    story.file.write_text(text)
    verdict = asyncio.run(_run(story))
    assert verdict.exit_code == 0, verdict


# --- in a process of its own: signals, and the death of parts


class Running:
    """A story that never ends, in a process of its own; ``events`` come as it tells them."""

    def __init__(self, file: Path) -> None:
        self.file = file
        command = [sys.executable, str(RUN_STORY), str(file)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.events = read_lines(self.process.stdout)

    def until(self, kind: str, **fields: Any) -> Event:
        for event in self.events:
            if event.kind == kind and all(event.data.get(key) == value for key, value in fields.items()):
                return event
        raise AssertionError(f"no {kind}")

    def pids(self) -> list[int]:
        """Of the actors and of the lab's own helpers, once the last step runs."""
        started = [self.until("actor-started"), self.until("actor-started")]
        self.until("step-started", step=4)
        lab = json.loads((commands.directory_of(self.file) / "lab.json").read_text())
        return [event.data["pid"] for event in started] + [lab[part]["pid"] for part in ("keeper", "switch")]


@pytest.fixture
def running(story: Run) -> Iterator[Running]:
    found = Running(story.write("  - two.never:\n    within: 60s\n"))
    yield found
    commands.finish([found.process])


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_all_of_it_and_is_told(running: Running, number: int, status: int) -> None:
    with Watched(running.pids()) as watched:
        running.process.send_signal(number)
        ended = running.until("run-ended")
        assert (ended.data["exit_code"], ended.data["outcome"]) == (status, "interrupted")
        assert running.process.wait() == status
        assert watched.left_after() == []
    assert not runtime.base_path().exists()


def test_a_second_signal_ends_it_without_grace(story: Run) -> None:
    deaf = (
        "actors:\n  deaf: {command: [sh, -c, 'trap \"\" TERM; while :; do sleep 60; done'], host: server}\n"
    )
    story.write("  - two.never:\n    within: 60s\n")
    story.file.write_text(story.file.read_text().replace("actors:\n", deaf))
    running = Running(story.file)
    try:
        running.until("step-started", step=4)
        running.process.send_signal(signal.SIGINT)
        began = running.until("actor-exited").at
        running.process.send_signal(signal.SIGINT)
        ended = running.until("run-ended")
        assert ended.data["exit_code"] == 130
        assert ended.at - began < GRACE
        assert running.process.wait() == 130
    finally:
        commands.finish([running.process])


def test_a_signal_before_the_lab_is_up_ends_it_too(running: Running) -> None:
    running.until("run-started")
    running.process.send_signal(signal.SIGTERM)
    assert running.until("run-ended").data["exit_code"] == 143
    assert running.process.wait() == 143
    assert not runtime.base_path().exists()


def test_a_killed_switch_is_exit_3_and_ends_all_of_it(running: Running) -> None:
    pids = running.pids()
    with Watched(pids) as watched:
        os.kill(pids[-1], signal.SIGKILL)
        ended = running.until("run-ended")
        assert ended.data["exit_code"] == 3
        assert "the switch was killed by SIGKILL" in ended.data["reason"]
        assert running.process.wait() == 3
        assert watched.left_after() == []
    assert not runtime.base_path().exists()


def test_a_killed_runner_leaves_nothing(running: Running) -> None:
    with Watched(running.pids()) as watched:
        running.process.kill()
        assert watched.left_after() == []


def test_a_killed_actor_ends_the_story_with_exit_1(running: Running) -> None:
    pids = running.pids()
    os.kill(pids[0], signal.SIGKILL)
    failed = running.until("step-failed")
    assert failed.data["error"].startswith("one was ended by signal KILL though nothing told it to")
    assert running.until("run-ended").data["exit_code"] == 1
    assert running.process.wait() == 1
