"""Whatever a peer sends ends in an answer or a disconnect: no trace, no stuck worker, no leak of descriptors."""

from __future__ import annotations

import contextlib
import os
import random
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selftest.support.smb_peer import Closed, InProcess, OverTcp, Peer, config, ready
from selftest.support.smb_server import Running
from server.wire.header import SIZE, Command, Flags, Header
from server.wire.misc import EMPTY_BODY
from server.wire.status import NTSTATUS


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("garbage")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    command=st.sampled_from(Command),
    body=st.binary(max_size=200),
    flags=st.sampled_from([0, Flags.RELATED_OPERATIONS, Flags.REPLAY_OPERATION, Flags.ASYNC_COMMAND]),
    own_tree=st.booleans(),
)
def test_any_body_of_any_command_is_answered_or_ends_the_connection(
    share: Path, command: Command, body: bytes, flags: int, own_tree: bool
) -> None:
    with InProcess(config(share)) as server:
        peer, session = ready(server)
        if not own_tree:
            session.tree = 77
        message = peer._message(
            command,
            body,
            session_id=session.id,
            tree_id=session.tree,
            signer=session.signer,
            flags=flags,
        )
        peer.exchange.send(message)
        try:
            answer = peer._answer()
            assert answer.header.message_id == peer.message_id - 1
        except Closed:
            pass
        assert not server.failures.lines, server.failures.lines


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_as_a_message(share: Path, raw: bytes, with_magic: bool) -> None:
    with InProcess(config(share)) as server:
        peer, _ = ready(server)
        peer.exchange.send(b"\xfeSMB\x40\0" + raw if with_magic else raw)
        with contextlib.suppress(Closed):
            peer.exchange.receive()
        assert not server.failures.lines, server.failures.lines


@pytest.mark.parametrize(
    "pdu",
    [
        b"",
        b"\xfeSMB",
        b"\xfdSMB" + bytes(60),
        b"\xfcSMB" + bytes(60),
        b"\xffSMBr" + bytes(60),
        Header(Command.ECHO, message_id=2).encode()[:60],
        Header(Command.ECHO, message_id=2, next_command=8).encode() + EMPTY_BODY,
        Header(Command.ECHO, message_id=2, next_command=0xFFFFFFF8).encode() + EMPTY_BODY,
        Header(Command.ECHO, message_id=2, flags=Flags.SERVER_TO_REDIR).encode() + EMPTY_BODY,
    ],
)
def test_what_leaves_no_way_on_ends_the_connection(share: Path, pdu: bytes) -> None:
    with InProcess(config(share)) as server:
        peer, _ = ready(server)
        peer.exchange.send(pdu)
        with pytest.raises(Closed):
            peer.exchange.receive()


def test_a_live_server_survives_a_thousand_random_messages(tmp_path: Path) -> None:
    dice = random.Random(20)
    guid = uuid.uuid4()
    with Running(tmp_path / "share") as running:
        guard = Peer(OverTcp("127.0.0.1", running.port), guid)
        guard.negotiate()
        session = guard.log_on()
        guard.tree_connect(session)
        owner = int(running.wait_for("connection-ready")["pid"])
        before = len(os.listdir(f"/proc/{owner}/fd"))  # noqa: PTH208  # of another process
        for _ in range(40):
            peer = Peer(OverTcp("127.0.0.1", running.port), guid)
            peer.negotiate()
            try:
                for _ in range(25):
                    command = Command(dice.randrange(0x14))
                    header = Header(
                        command,
                        message_id=peer.message_id,
                        session_id=dice.choice([0, session.id]),
                        tree_id=dice.choice([0, session.tree]),
                        flags=dice.choice([0, 8, 4, 0x20000000]),
                        credits=10,
                    )
                    peer.message_id += 1
                    peer.exchange.send(header.encode() + dice.randbytes(dice.randrange(SIZE)))
                    if command is not Command.CANCEL:
                        peer.exchange.receive()
            except (Closed, BrokenPipeError, ConnectionResetError):
                pass
            assert isinstance(peer.exchange, OverTcp)
            peer.exchange.close()
        assert guard.ask(Command.ECHO, EMPTY_BODY, session).status is NTSTATUS.SUCCESS
        for _ in range(40):
            running.wait_for("connection-closed")
        assert len(os.listdir(f"/proc/{owner}/fd")) == before  # noqa: PTH208
        assert isinstance(guard.exchange, OverTcp)
        guard.exchange.close()
        assert running.end() == 0
    assert not [line for line in running.told if line[0].startswith("a request failed")]
