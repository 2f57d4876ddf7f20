"""Two nodes with one file system: what may be changed is open at one of them, and everything is as it was when that ends."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import cast

import pytest

from selftest.support.smb_peer import InProcess, InProcessWire, config, interface, ready
from server.config import ClusterConfig, NodeConfig
from server.posix import presence
from server.wire import create_contexts as contexts
from server.wire.create import Access, CreateOptions, OplockLevel, ShareAccess
from server.wire.create_contexts import CreateContext, DurableRequestV2
from server.wire.header import Command
from server.wire.ioctl import (
    ControlCode,
    IoctlRequest,
    IoctlResponse,
    decode_interfaces,
)
from server.wire.status import NTSTATUS

ALL = ShareAccess.READ | ShareAccess.WRITE | ShareAccess.DELETE
READ, WRITE = Access.READ_DATA, Access.READ_DATA | Access.WRITE_DATA
ATTRIBUTES = Access.READ_ATTRIBUTES
PLACES = (NodeConfig("a", "10.0.9.1", 4379), NodeConfig("b", "10.0.9.2", 4379))


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[InProcess, InProcess]]:
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "film").write_bytes(bytes(100))
    one, other = (
        InProcess(config(tmp_path, cluster=ClusterConfig(name, PLACES, "x" * 16, ("10.0.1.1",))))
        for name in "ab"
    )
    with one, other:
        yield one, other
    assert not one.failures.lines + other.failures.lines


@pytest.mark.parametrize(
    ("here", "there", "goes"),
    [
        (READ, READ, True),
        (READ, WRITE, False),
        (WRITE, READ, False),
        (WRITE, WRITE, False),
        (Access.DELETE, READ, False),
        (WRITE, ATTRIBUTES, True),
        (ATTRIBUTES, WRITE, True),
    ],
)
def test_what_goes_together(nodes: tuple[InProcess, InProcess], here: int, there: int, goes: bool) -> None:
    (peer, session), (other, session_there) = (ready(node, guid=uuid.uuid4()) for node in nodes)
    peer.create(session, "film", desired_access=here, share_access=ALL)
    answer = other.try_create(session_there, "film", desired_access=there, share_access=ALL)
    assert answer.status is (NTSTATUS.SUCCESS if goes else NTSTATUS.SHARING_VIOLATION)
    again = peer.try_create(session, "film", desired_access=here, share_access=ALL)
    assert again.status is NTSTATUS.SUCCESS, "at one node they share as ever"


def test_the_end_of_the_connection_is_the_end_of_its_opens(nodes: tuple[InProcess, InProcess]) -> None:
    (peer, session), (other, session_there) = (ready(node, guid=uuid.uuid4()) for node in nodes)
    durable = CreateContext(contexts.DURABLE_REQUEST_V2, DurableRequestV2(uuid.uuid4()).encode())
    opened = peer.open(session, "film", oplock_level=OplockLevel.BATCH, contexts=(durable,), share_access=ALL)
    assert opened.oplock_level == OplockLevel.BATCH
    assert contexts.find(opened.contexts, contexts.DURABLE_REQUEST_V2) is None, "nothing is durable"
    assert other.try_create(session_there, "film").status is NTSTATUS.SHARING_VIOLATION
    cast(InProcessWire, peer.exchange).close("pulled")
    assert other.try_create(session_there, "film").status is NTSTATUS.SUCCESS


def test_nothing_is_cached_that_another_node_may_change(nodes: tuple[InProcess, InProcess]) -> None:
    peer, session = ready(nodes[0])
    for about in (
        {"name": "", "options": CreateOptions.DIRECTORY_FILE},
        {"name": "film", "desired_access": ATTRIBUTES},
    ):
        opened = peer.open(session, oplock_level=OplockLevel.BATCH, **about)  # type: ignore[arg-type]
        assert opened.oplock_level == OplockLevel.NONE


def test_the_end_of_a_process_is_the_end_of_its_claims(tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.touch()
    claims = (
        "import os, sys; from server.posix import presence\n"
        "print(presence.claim(os.open(sys.argv[1], os.O_RDWR), 0, 2, change=True), flush=True)\n"
        "sys.stdin.read()"
    )
    ours, theirs = (os.open(path, os.O_RDWR) for _ in range(2))
    try:
        command = [sys.executable, "-c", claims, path]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"True\n"
            assert presence.claim(ours, 0, 2, change=True), "of the same node"
            os.close(ours)
            assert not presence.claim(theirs, 1, 2, change=False)
            process.kill()
        assert presence.claim(theirs, 1, 2, change=True)
    finally:
        os.close(theirs)


def test_public_addresses_are_not_offered(nodes: tuple[InProcess, InProcess]) -> None:
    server = nodes[0]
    server.interfaces.interfaces[:] = [interface(2, "10.0.1.1"), interface(2, "10.0.9.1")]
    peer, session = ready(server)
    body = IoctlRequest(ControlCode.QUERY_NETWORK_INTERFACE_INFO).encode()
    answer = peer.ask(Command.IOCTL, body, session)
    found = decode_interfaces(IoctlResponse.decode(answer.body).data)
    assert [entry.address for entry in found] == [ip_address("10.0.9.1")]
