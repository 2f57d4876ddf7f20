"""Bugs that are put in on purpose are found by trying seeds, and each found seed shows its bug again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from server import acceptor
from server.client import files
from server.client.request import Repeat
from swrap.scenario import Scenario, load
from swrap.scenario.explore import explore
from swrap.scenario.fake_backend import run

SEEDS = range(24)
STORY = """\
title: Channels fail in the middle of a copy
lab:
  hosts:
    server: {eth0: {address: 10.0.1.1/24, speed: 10G, rate: 40M}, wlan0: {address: 10.0.2.1/24, speed: 300M}}
    laptop: {eth0: {address: 10.0.1.2/24, speed: 10G}, wlan0: {address: 10.0.2.2/24, speed: 300M}}
actors:
  server: {program: smb-server, host: server, with: {shares: {data: {}}, users: {alice: secret}}}
  laptop:
    program: smb-client
    host: laptop
    with: {server: 10.0.1.1, user: alice, password: secret, share: data, chunk: 64KiB}
within: 20s
steps:
  - laptop.login: {}
  - laptop.connect: {channels: 2}
  - laptop.put: {path: film.bin, size: 2MiB}
    as: copy
    background: true
  - reset: {flow: 1}
    when: {progress: copy, reaches: 25%}
  - join: copy
    as: copied
  - server.sha256: {share: data, path: film.bin}
    as: stored
expect:
  - {value: $stored.sha256, equals: $copied.sha256}
  - {events: connection-ready, from: server, same: [pid, client_guid], at-least: 2}
"""


@pytest.fixture
def story(tmp_path: Path) -> Scenario:
    file = tmp_path / "story.yaml"
    file.write_text(STORY)
    return load(file)


def the_sender_reads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A passed descriptor is still read by the process that passed it."""
    hand_over = acceptor.Acceptor._hand_over

    async def and_read(self: acceptor.Acceptor, offer: acceptor.Offer) -> None:
        kept = offer.sock.dup()

        async def read() -> None:
            with kept:
                try:
                    await asyncio.wait_for(self._loop.sock_recv(kept, 1), 1)
                except (TimeoutError, OSError):
                    return

        reading = self._loop.create_task(read())
        self._tasks.add(reading)
        reading.add_done_callback(self._tasks.discard)
        await hand_over(self, offer)

    monkeypatch.setattr(acceptor.Acceptor, "_hand_over", and_read)


def nothing_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a lost channel owed is not asked again over another one."""
    never = SimpleNamespace(FLAGGED=Repeat.NEVER, NEVER=Repeat.NEVER, PLAIN=Repeat.PLAIN)
    monkeypatch.setattr(files, "Repeat", never)


def the_sender_shuts_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who passed a connection ends it, where it should only close its own descriptor."""
    hand_over = acceptor.Acceptor._hand_over

    async def and_shut_down(self: acceptor.Acceptor, offer: acceptor.Offer) -> None:
        await hand_over(self, offer)
        offer.sock.shutdown(socket.SHUT_RDWR)

    monkeypatch.setattr(acceptor.Acceptor, "_hand_over", and_shut_down)


def failing(story: Scenario) -> list[int]:
    return [seed for seed, verdict in explore(story, SEEDS) if verdict.exit_code]


def test_without_a_bug_no_seed_fails(story: Scenario) -> None:
    assert failing(story) == []


@pytest.mark.parametrize(
    "bug", [the_sender_reads_on, nothing_is_repeated, the_sender_shuts_down], ids=lambda bug: bug.__name__
)
def test_a_bug_is_found_and_shown_again(
    story: Scenario, monkeypatch: pytest.MonkeyPatch, bug: Callable[[pytest.MonkeyPatch], None]
) -> None:
    bug(monkeypatch)
    found = failing(story)
    assert found
    assert run(story, lambda event: None, found[0]).exit_code
