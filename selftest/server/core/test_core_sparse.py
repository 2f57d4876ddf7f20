"""Sparse files: their flag, their holes, and zeros on demand (MS-FSCC 2.3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from selftest.support.smb_peer import InProcess, LoggedOn, Peer, fsctl, ready
from server.wire.create import Access, CreateOptions
from server.wire.ioctl import ControlCode, IoctlResponse
from server.wire.sparse import Range, decode_ranges, encode_ranges, encode_trim, encode_zero_data
from server.wire.status import NTSTATUS

KIB64 = 65536


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "share"


def ranges(
    peer: Peer, session: LoggedOn, file_id: bytes, wanted: Range, room: int = 4096
) -> tuple[NTSTATUS, list[Range]]:
    asked = encode_ranges([wanted])
    answer = fsctl(peer, session, file_id, ControlCode.QUERY_ALLOCATED_RANGES, asked, room)
    return answer.status, decode_ranges(IoctlResponse.decode(answer.body).data)


def test_a_punched_hole_is_one(server: InProcess, root: Path) -> None:
    (root / "file").write_bytes(b"x" * 4 * KIB64)
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    assert fsctl(peer, session, file_id, ControlCode.SET_SPARSE).status is NTSTATUS.SUCCESS
    blocks = (root / "file").stat().st_blocks
    for offset in (0, 2 * KIB64):
        asked = encode_zero_data(offset, KIB64)
        assert fsctl(peer, session, file_id, ControlCode.SET_ZERO_DATA, asked).status is NTSTATUS.SUCCESS
    assert (root / "file").read_bytes() == (bytes(KIB64) + b"x" * KIB64) * 2
    if (root / "file").stat().st_blocks == blocks:
        pytest.skip("a file system without holes")
    status, found = ranges(peer, session, file_id, (0, 2**40))
    assert (status, found) == (NTSTATUS.SUCCESS, [(KIB64, KIB64), (3 * KIB64, KIB64)])
    status, found = ranges(peer, session, file_id, (0, 2**40), room=16)
    assert (status, found) == (NTSTATUS.BUFFER_OVERFLOW, [(KIB64, KIB64)])


def test_zeros_and_trims_stay_within_the_file(server: InProcess, root: Path) -> None:
    (root / "file").write_bytes(b"x" * 100)
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    asked = encode_zero_data(90, 1000)
    assert fsctl(peer, session, file_id, ControlCode.SET_ZERO_DATA, asked).status is NTSTATUS.SUCCESS
    asked = encode_trim([(0, 10), (500, 10)])
    assert fsctl(peer, session, file_id, ControlCode.FILE_LEVEL_TRIM, asked).status is NTSTATUS.SUCCESS
    assert (root / "file").read_bytes() == bytes(10) + b"x" * 80 + bytes(10)


def test_a_file_that_is_not_sparse_has_no_holes(server: InProcess, root: Path) -> None:
    with (root / "file").open("wb") as file:
        file.truncate(1_000_000)
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    assert ranges(peer, session, file_id, (10, 2_000_000))[1] == [(10, 999_990)]
    assert ranges(peer, session, file_id, (1_000_000, 5))[1] == []


@pytest.mark.parametrize(
    ("code", "data", "room", "status"),
    [
        (ControlCode.QUERY_ALLOCATED_RANGES, b"", 4096, NTSTATUS.INVALID_PARAMETER),
        (
            ControlCode.QUERY_ALLOCATED_RANGES,
            encode_ranges([(1, 2**64 - 1)]),
            4096,
            NTSTATUS.INVALID_PARAMETER,
        ),
        (ControlCode.QUERY_ALLOCATED_RANGES, encode_ranges([(0, 10)]), 15, NTSTATUS.BUFFER_TOO_SMALL),
        (ControlCode.SET_ZERO_DATA, encode_ranges([(10, 9)]), 0, NTSTATUS.INVALID_PARAMETER),
        (ControlCode.FILE_LEVEL_TRIM, encode_trim([(0, 1)])[:-1], 8, NTSTATUS.INVALID_PARAMETER),
        (ControlCode.FILE_LEVEL_TRIM, encode_trim([(0, 1)] * 257), 8, NTSTATUS.INVALID_PARAMETER),
        (ControlCode.SET_COMPRESSION, b"\1\0", 0, NTSTATUS.NOT_SUPPORTED),
        (ControlCode.SET_COMPRESSION, b"\0\0", 0, NTSTATUS.SUCCESS),
        (ControlCode.GET_COMPRESSION, b"", 2, NTSTATUS.SUCCESS),
    ],
)
def test_what_cannot_be_is_refused(
    server: InProcess, root: Path, code: int, data: bytes, room: int, status: NTSTATUS
) -> None:
    (root / "file").write_bytes(b"x" * 100)
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    assert fsctl(peer, session, file_id, code, data, room).status is status
    assert (root / "file").read_bytes() == b"x" * 100


def test_rights_and_directories(server: InProcess, root: Path) -> None:
    (root / "file").write_bytes(b"x")
    peer, session = ready(server)
    reader = peer.create(session, "file", desired_access=Access.READ_DATA)
    assert fsctl(peer, session, reader, ControlCode.SET_SPARSE).status is NTSTATUS.ACCESS_DENIED
    asked = encode_zero_data(0, 1)
    assert fsctl(peer, session, reader, ControlCode.SET_ZERO_DATA, asked).status is NTSTATUS.ACCESS_DENIED
    folder = peer.create(session, "dir", options=CreateOptions.DIRECTORY_FILE)
    assert fsctl(peer, session, folder, ControlCode.SET_SPARSE).status is NTSTATUS.INVALID_PARAMETER
