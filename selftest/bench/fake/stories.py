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
title: A minute of flapping links
lab:
  hosts:
    server: {eth0: {address: 10.0.1.1/24, speed: 10G}, wlan0: {address: 10.0.2.1/24, speed: 300M}}
    laptop: {eth0: {address: 10.0.1.2/24, speed: 10G}, wlan0: {address: 10.0.2.2/24, speed: 300M}}
actors:
  server: {program: smb-server, host: server, with: {shares: {data: {}}, users: {alice: secret}}}
  laptop:
    program: smb-client
    host: laptop
    with: {server: 10.0.1.1, user: alice, password: secret, share: data}
steps:
  - laptop.login: {}
  - laptop.connect: {channels: 2}
""" + "".join(
    f"  - link-{way}: server.eth0\n    when: {{at: {at}s}}\n    may-miss: true\n"
    for at, way in zip(range(3, 63, 3), ["down", "up"] * 10, strict=True)
)


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
        file.write_text(FLAPPING)
        return _seconds(file)


DEMONSTRATION = Figure("fake-demo", "the demonstration", lambda: _seconds(DEMO), "s", 1.5, less=True)
FAULTS = Figure("fake-faults", "a minute of flapping links", _flapping, "s", 3.0, less=True)
