"""Connections that change hands while processes die and addresses move, in every order that some seed brings about."""

from __future__ import annotations

from pathlib import Path

import pytest

from selftest.scenario.test_fake_exploration import failing, scenario
from server.core import portable
from server.core.connection import Connection
from server.core.window import SequenceWindow

KILLED = """\
title: The owner of a session is killed while more channels are bound to it
lab:
  hosts:
    server: {eth0: {address: 10.0.1.1/24, speed: 10G}, eth1: {address: 10.0.2.1/24, speed: 10G}}
    laptop: {eth0: {address: 10.0.1.2/24, speed: 10G}, eth1: {address: 10.0.2.2/24, speed: 10G}}
actors:
  server:
    program: smb-server
    host: server
    with: {shares: {data: {}}, users: {alice: secret}, handover: HANDOVER}
  laptop:
    program: smb-client
    host: laptop
    with: {server: 10.0.1.1, user: alice, password: secret, share: data, chunk: 64KiB}
within: 60s
steps:
  - laptop.login: {}
  - await: {event: session-opened, from: server}
    as: opened
  - laptop.open: {handle: film, path: film.bin, lease: RH}
  - laptop.write: {handle: film, size: 1MiB, seed: 1}
    as: written
  - laptop.connect: {channels: 4}
    as: binding
    background: true
  - kill: {pid: $opened.pid}
    when: {after: AFTER}
  - join: binding
  - laptop.read: {handle: film, size: 1MiB}
    as: found
  - laptop.connect: {channels: 2}
  - server.sha256: {share: data, path: film.bin}
    as: stored
expect:
  - {value: $found.sha256, equals: $written.sha256}
  - {value: $stored.sha256, equals: $written.sha256}
  - {events: process-ended, from: server, where: {pid: $opened.pid}, exactly: 1}
  - {events: channel-bound, from: server, at-least: 1}
"""

MOVED = """\
title: A write is still under way at one node when its client writes the same bytes at the other
lab:
  hosts:
    first: {eth0: 10.0.1.10/24, eth1: 10.0.9.1/24}
    second: {eth0: 10.0.1.11/24, eth1: 10.0.9.2/24}
    laptop: {eth0: 10.0.1.3/24}
actors:
  first:
    program: smb-server
    host: first
    with: &node
      shares: {data: {common: true}}
      users: {alice: secret}
      cluster:
        node: first
        nodes: {first: "10.0.9.1:4379", second: "10.0.9.2:4379"}
        secret: known to the nodes alone
        public: [10.0.1.10, 10.0.1.11]
  second:
    program: smb-server
    host: second
    with:
      shares: {data: {common: true}}
      users: {alice: secret}
      cluster:
        node: second
        nodes: {first: "10.0.9.1:4379", second: "10.0.9.2:4379"}
        secret: known to the nodes alone
        public: [10.0.1.10, 10.0.1.11]
  laptop:
    program: smb-client
    host: laptop
    with: {server: 10.0.1.10, user: alice, password: secret, share: data, channels: 1}
within: 60s
steps:
  - laptop.login: {}
  - laptop.open: {handle: old, path: film.bin}
  - laptop.write: {handle: old, size: 512KiB, seed: 1}
    as: older
    background: true
    fails: true
  - move: {address: 10.0.1.10, to: second.eth0, reset: true}
    when: {after: 100us}
  - join: older
  - laptop.close: {handle: old}
  - laptop.open: {handle: new, path: film.bin}
  - laptop.write: {handle: new, size: 512KiB, seed: 2}
    as: written
  - second.sha256: {share: data, path: film.bin}
    as: stored
    when: {after: 2s}
expect:
  - {value: $stored.sha256, equals: $written.sha256}
  - {events: session-opened, from: second, exactly: 1}
""".replace(" &node", "")


def the_window_stays_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection is passed without the MessageIds that its client has used."""
    whole = portable.unpack

    def unpack(connection: Connection, state: portable.State) -> None:
        whole(connection, state)
        connection.window = SequenceWindow(connection.window.limit)

    monkeypatch.setattr(portable, "unpack", unpack)


def killed(handover: str, after: str) -> str:
    return KILLED.replace("HANDOVER", handover).replace("AFTER", after)


@pytest.mark.parametrize("handover", ["client", "session"])
@pytest.mark.parametrize("after", ["300us", "1ms"])
def test_the_owner_of_a_session_is_killed_while_channels_are_bound(
    tmp_path: Path, handover: str, after: str
) -> None:
    assert failing(scenario(tmp_path, killed(handover, after))) == []


def test_what_a_node_had_begun_is_over_before_the_other_begins(tmp_path: Path) -> None:
    assert failing(scenario(tmp_path, MOVED)) == []


def test_a_connection_that_is_passed_without_its_message_ids_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    the_window_stays_behind(monkeypatch)
    assert failing(scenario(tmp_path, killed("session", "1ms")))
