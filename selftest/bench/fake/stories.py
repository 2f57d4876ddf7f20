"""Whole stories: the demonstration, and a minute of faults without bulk data."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from selftest.bench.fake.figure import Figure
from swrap.scenario import load
from swrap.scenario.fake_backend import run

DEMO = Path(__file__).resolve().parents[3] / "scenarios" / "link-switching" / "lan-to-wifi.yaml"
FLAPPING = """\
title: A minute of flapping links, lease breaks and time-outs
lab:
  hosts:
    server:
      eth0: {address: 10.0.1.1/24, speed: 10G}
      wlan0: {address: 10.0.2.1/24, speed: 300M}
      eth1: 10.0.3.1/24
    laptop: {eth0: {address: 10.0.1.2/24, speed: 10G}, wlan0: {address: 10.0.2.2/24, speed: 300M}}
    desk: {eth0: 10.0.3.2/24}
actors:
  server: {program: smb-server, host: server, with: {shares: {data: {}}, users: {alice: secret, bob: secret}}}
  laptop:
    program: smb-client
    host: laptop
    with: {server: 10.0.1.1, user: alice, password: secret, share: data}
  desk:
    program: smb-client
    host: desk
    with: {server: 10.0.3.1, user: bob, password: secret, share: data}
steps:
  - laptop.login: {}
  - laptop.connect: {channels: 2}
  - desk.login: {}
"""
ROUND = """\
  - laptop.open: {{handle: f{number}, path: f{number}, lease: RWH}}
    when: {{at: {at}s}}
  - link-down: server.eth0
    may-miss: true
  - desk.open: {{handle: f{number}, path: f{number}, lease: RH}}
  - laptop.write: {{handle: f{number}, size: 4KiB}}
  - desk.close: {{handle: f{number}}}
  - block: {{interface: server.wlan0}}
    when: {{at: {silent}s}}
    may-miss: true
  - unblock: {{}}
    when: {{after: 700ms}}
    may-miss: true
  - laptop.close: {{handle: f{number}}}
  - link-up: server.eth0
    may-miss: true
"""
ROUNDS = 10
EXPECTED = f"""\
expect:
  - {{events: lease-broken, from: laptop, exactly: {ROUNDS}}}
  - {{events: lease-broken, from: desk, exactly: {ROUNDS}}}
  - {{events: channel-lost, from: laptop, at-least: {ROUNDS}}}
"""


def _story() -> str:
    """Every six seconds a lease is broken while the cable goes out, and what is left is silent for a while."""
    rounds = (
        ROUND.format(number=number, at=6 * number + 1, silent=6 * number + 4) for number in range(ROUNDS)
    )
    return FLAPPING + "".join(rounds) + EXPECTED


def _seconds(file: Path) -> float:
    scenario = load(file)
    began = time.perf_counter()
    verdict = run(scenario, lambda event: None)
    if verdict.exit_code:
        raise RuntimeError(verdict.reason)
    return time.perf_counter() - began


def _flapping() -> float:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "flapping.yaml"
        file.write_text(_story())
        return _seconds(file)


DEMONSTRATION = Figure("fake-demo", "the demonstration", lambda: _seconds(DEMO), "s", 1.5, less=True)
FAULTS = Figure("fake-faults", "a minute of flapping links and lease breaks", _flapping, "s", 3.0, less=True)
