"""Every figure is printed beside what it is to reach; what cannot be compared here is named, and so is a name that is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from selftest.bench.__main__ import chosen
from selftest.bench.crowd import blocked, connected, reset
from selftest.bench.figure import Figure
from selftest.switch.driver import soon, switched

ROOT = Path(__file__).parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "selftest.bench", "--rounds", "1", "--seconds", "0.02", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=ROOT)


def test_a_row_says_what_was_seen_and_what_is_to_be() -> None:
    done = bench("udp", "relays", "parallel", "delay")
    assert done.returncode == 0, done.stderr
    for limit in ("≥ 0.85 ", "≥ 0.6 ", "≥ 0.9 ", "19 … 21"):
        assert limit in done.stdout
    assert done.stdout.count("≥ 1.5 ") + done.stdout.count("no socat") + done.stdout.count("no haproxy") == 2


def test_the_switch_has_all_its_tables_and_a_name_its_own() -> None:
    contests, measurements = chosen(["switch"])
    assert [len(one.benchmarks) for one in contests] == [4, 1, 1, 1]
    assert [one.name for one in measurements] == ["crowd", "delay", "rate"]
    assert chosen(["rate"])[0] == []
    assert {one.ours for one in chosen(["bulk"])[0]} == {"direct", "switched", "captured"}
    with pytest.raises(KeyError, match="no benchmark bulky; there are bulk"):
        chosen(["bulky"])


@pytest.mark.parametrize(
    ("measured", "bounds", "met"),
    [(50, (50,), True), (50.1, (50,), False), (18.9, (21, 19), False), (20, (21, 19), True), (1e9, (), True)],
)
def test_a_figure_is_met_within_its_bounds(measured: float, bounds: tuple[float, ...], met: bool) -> None:
    assert Figure("it", "ms", measured, *bounds).met() is met


def test_both_ends_of_a_crowd_are_looked_at(tmp_path: Path) -> None:
    with switched(tmp_path / "lab") as lab, connected(lab, 60) as flows:
        assert len(lab.do("flows")) == 60
        assert blocked(lab, flows) > 0
        flows.clients[0].sendall(b"x")
        soon(lambda: flows.ask("pending") == 1)
        with pytest.raises(RuntimeError, match="let something pass"):
            blocked(lab, flows)
        in_force, told = reset(lab, flows)
        assert 0 < in_force < told
