"""Bugs that are put in on purpose are found by trying seeds, and each found seed shows its bug again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from server import acceptor
from server.core.breaks import Breaks
from server.core.fence import Fence
from swrap.scenario import Scenario, load
from swrap.scenario.explore import explore
from swrap.scenario.fake_backend import run

SEEDS = range(24)
COPY = """\
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

BREAK = """\
title: A lease is broken while one of its two channels goes silent
lab:
  hosts:
    server: {eth0: {address: 10.0.1.1/24, speed: 10G}, eth1: {address: 10.0.2.1/24, speed: 10G}}
    laptop: {eth0: {address: 10.0.1.2/24, speed: 10G}, eth1: {address: 10.0.2.2/24, speed: 10G}}
    desk: {eth0: 10.0.1.3/24}
actors:
  server: {program: smb-server, host: server, with: {shares: {data: {}}, users: {alice: secret, bob: secret}}}
  laptop:
    program: smb-client
    host: laptop
    with: {server: 10.0.1.1, user: alice, password: secret, share: data}
  desk:
    program: smb-client
    host: desk
    with: {server: 10.0.1.1, user: bob, password: secret, share: data}
steps:
  - laptop.login: {}
  - laptop.connect: {channels: 2}
  - desk.login: {}
  - laptop.open: {handle: film, path: film.bin, lease: RWH}
  - desk.open: {handle: film, path: film.bin, access: read}
    as: opening
    background: true
  - block: {interface: laptop.eth0}
    when: {after: 150us}
  - join: opening
    within: 20s
expect:
  - {events: lease-broken, from: laptop, where: {path: film.bin, acknowledged: true}, exactly: 1}
"""
STALE = """\
title: Writes are held on one channel, sent again on another, overwritten, and come after all
lab:
  hosts:
    server: {eth0: {address: 10.0.1.1/24, speed: 10G}, eth1: {address: 10.0.2.1/24, speed: 10G}}
    laptop: {eth0: {address: 10.0.1.2/24, speed: 10G}, eth1: {address: 10.0.2.2/24, speed: 10G}}
actors:
  server: {program: smb-server, host: server, with: {shares: {data: {}}, users: {alice: secret}}}
  laptop:
    program: smb-client
    host: laptop
    with: {server: 10.0.1.1, user: alice, password: secret, share: data}
within: 20s
steps:
  - laptop.login: {}
  - laptop.connect: {channels: 2}
  - laptop.open: {handle: film, path: film.bin}
  - hold: {interface: laptop.eth0}
    as: hold
  - laptop.write: {handle: film, size: 4KiB, seed: 1}
  - laptop.write: {handle: film, size: 4KiB, seed: 2}
    as: newer
    background: true
  - release: {rule: $hold.rule}
  - join: newer
    as: written
  - laptop.read: {handle: film, size: 4KiB}
    when: {after: 1s}
    as: found
expect:
  - {value: $found.sha256, equals: $written.sha256}
"""


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


def a_break_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent on a channel that turns out to be dead is not sent on the next."""

    async def forget(*_: object) -> None:
        """See nothing through."""

    monkeypatch.setattr(Breaks, "_deliver", forget)


def a_stale_write_is_not_fenced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ChannelSequence that is behind is no reason to refuse a write."""
    monkeypatch.setattr(Fence, "_refuse", staticmethod(lambda modifying: None))


Bug = Callable[[pytest.MonkeyPatch], None]
BUGS = [(COPY, the_sender_reads_on), (BREAK, a_break_is_not_repeated), (STALE, a_stale_write_is_not_fenced)]


def scenario(tmp_path: Path, text: str) -> Scenario:
    file = tmp_path / "story.yaml"
    file.write_text(text)
    return load(file)


def failing(story: Scenario) -> list[int]:
    return [seed for seed, verdict in explore(story, SEEDS) if verdict.exit_code]


@pytest.mark.parametrize(("text", "bug"), BUGS, ids=lambda part: getattr(part, "__name__", ""))
def test_a_bug_is_found_and_shown_again_and_without_it_no_seed_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, bug: Bug
) -> None:
    story = scenario(tmp_path, text)
    assert failing(story) == []
    bug(monkeypatch)
    found = failing(story)
    assert found
    assert run(story, lambda event: None, found[0]).exit_code
