"""Server-side copy (MS-SMB2 3.3.5.15.5, .6): what it copies, how much at most, and who may."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftest.support.smb_peer import InProcess, LoggedOn, Peer, fsctl, ready
from server.wire.copychunk import Chunk, CopyRequest, CopyResponse, decode_resume_key
from server.wire.create import FILE_ALL_ACCESS, Access
from server.wire.errors import WireError
from server.wire.header import Command
from server.wire.ioctl import ControlCode, IoctlResponse
from server.wire.lock import LockElement, LockFlags, LockRequest
from server.wire.readwrite import CloseRequest
from server.wire.status import NTSTATUS

LIMITS = CopyResponse(256, 1024 * 1024, 16 * 1024 * 1024)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "share"


def key_of(peer: Peer, session: LoggedOn, file_id: bytes) -> bytes:
    answer = fsctl(peer, session, file_id, ControlCode.SRV_REQUEST_RESUME_KEY)
    return decode_resume_key(IoctlResponse.decode(answer.body).data)


def copy(
    peer: Peer,
    session: LoggedOn,
    source: bytes,
    target: bytes,
    *chunks: tuple[int, int, int],
    code: int = ControlCode.SRV_COPYCHUNK,
) -> tuple[NTSTATUS, CopyResponse]:
    asked = CopyRequest(key_of(peer, session, source), tuple(Chunk(*chunk) for chunk in chunks))
    answer = fsctl(peer, session, target, code, asked.encode())
    return answer.status, CopyResponse.decode(IoctlResponse.decode(answer.body).data)


@pytest.fixture
def files(server: InProcess, root: Path) -> tuple[Peer, LoggedOn, bytes, bytes]:
    (root / "source").write_bytes(bytes(range(256)) * 256)
    peer, session = ready(server)
    return peer, session, peer.create(session, "source"), peer.create(session, "target")


def test_chunks_go_where_they_are_sent(files: tuple[Peer, LoggedOn, bytes, bytes], root: Path) -> None:
    status, done = copy(*files, (1, 0, 100), (0, 100, 65536))
    assert (status, done) == (NTSTATUS.SUCCESS, CopyResponse(2, 0, 65636))
    whole = bytes(range(256)) * 256
    assert (root / "target").read_bytes() == whole[1:101] + whole


@pytest.mark.parametrize(
    "chunks",
    [
        [(0, 0, 0)],
        [(0, 0, 1024 * 1024 + 1)],
        [(0, 0, 1)] * 257,
        [(0, 0, 1024 * 1024)] * 17,
    ],
)
def test_who_asks_for_too_much_is_told_how_much_there_may_be(
    files: tuple[Peer, LoggedOn, bytes, bytes], root: Path, chunks: list[tuple[int, int, int]]
) -> None:
    assert copy(*files, *chunks) == (NTSTATUS.INVALID_PARAMETER, LIMITS)
    assert (root / "target").read_bytes() == b""


def test_what_was_copied_before_a_failure_is_told(files: tuple[Peer, LoggedOn, bytes, bytes]) -> None:
    status, done = copy(*files, (0, 0, 10), (65530, 10, 10), (0, 20, 10))
    assert (status, done) == (NTSTATUS.INVALID_VIEW_SIZE, CopyResponse(1, 0, 10))


@pytest.mark.parametrize("locked", ["source", "target"])
def test_a_range_that_somebody_has_locked_is_not_copied(
    files: tuple[Peer, LoggedOn, bytes, bytes], locked: str
) -> None:
    peer, session, source, target = files
    other = peer.create(session, locked)
    flags = LockFlags.EXCLUSIVE | LockFlags.FAIL_IMMEDIATELY
    body = LockRequest(other, (LockElement(0, 10, flags),)).encode()
    assert peer.ask(Command.LOCK, body, session).status is NTSTATUS.SUCCESS
    assert copy(peer, session, source, target, (0, 0, 5))[0] is NTSTATUS.FILE_LOCK_CONFLICT
    assert copy(peer, session, source, target, (10, 10, 5))[0] is NTSTATUS.SUCCESS


@pytest.mark.parametrize(
    ("of_source", "of_target", "code", "status"),
    [
        (Access.EXECUTE, FILE_ALL_ACCESS, ControlCode.SRV_COPYCHUNK, NTSTATUS.SUCCESS),
        (Access.READ_ATTRIBUTES, FILE_ALL_ACCESS, ControlCode.SRV_COPYCHUNK, NTSTATUS.ACCESS_DENIED),
        (Access.READ_DATA, Access.READ_DATA, ControlCode.SRV_COPYCHUNK, NTSTATUS.ACCESS_DENIED),
        (Access.READ_DATA, Access.WRITE_DATA, ControlCode.SRV_COPYCHUNK, NTSTATUS.ACCESS_DENIED),
        (Access.READ_DATA, Access.WRITE_DATA, ControlCode.SRV_COPYCHUNK_WRITE, NTSTATUS.SUCCESS),
    ],
)
def test_rights(
    server: InProcess, root: Path, of_source: int, of_target: int, code: int, status: NTSTATUS
) -> None:
    (root / "source").write_bytes(b"0123456789")
    peer, session = ready(server)
    source = peer.create(session, "source", desired_access=of_source)
    target = peer.create(session, "target", desired_access=of_target)
    asked = CopyRequest(key_of(peer, session, source), (Chunk(0, 0, 10),))
    assert fsctl(peer, session, target, code, asked.encode()).status is status


def test_a_key_is_of_an_open_of_the_same_session(server: InProcess, root: Path) -> None:
    (root / "source").write_bytes(b"0123456789")
    peer, session = ready(server)
    source, target = peer.create(session, "source"), peer.create(session, "target")
    asked = CopyRequest(key_of(peer, session, source), (Chunk(0, 0, 10),)).encode()
    stranger, other = ready(server)
    theirs = stranger.create(other, "target")
    answer = fsctl(stranger, other, theirs, ControlCode.SRV_COPYCHUNK, asked)
    assert answer.status is NTSTATUS.OBJECT_NAME_NOT_FOUND
    assert peer.ask(Command.CLOSE, CloseRequest(source).encode(), session).status is NTSTATUS.SUCCESS
    answer = fsctl(peer, session, target, ControlCode.SRV_COPYCHUNK, asked)
    assert answer.status is NTSTATUS.OBJECT_NAME_NOT_FOUND


@given(st.binary(max_size=80))
def test_a_request_that_is_none_is_refused_by_name(data: bytes) -> None:
    with contextlib.suppress(WireError):
        if CopyRequest.count(data) <= 256:
            assert CopyRequest.decode(data).encode() == data[:32]


@given(st.binary(min_size=24, max_size=24), st.lists(st.tuples(*[st.integers(0, 2**32 - 1)] * 3), max_size=9))
def test_requests_survive_the_wire(key: bytes, chunks: list[tuple[int, int, int]]) -> None:
    asked = CopyRequest(key, tuple(Chunk(*chunk) for chunk in chunks))
    assert CopyRequest.decode(asked.encode()) == asked
