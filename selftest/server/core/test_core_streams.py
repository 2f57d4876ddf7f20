"""Named streams through the protocol: data of their own, and one file with it (MS-FSA 2.1.5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from selftest.support.smb_peer import Answer, InProcess, LoggedOn, Peer, ready
from server.wire.create import FILE_ALL_ACCESS, Access, CreateOptions, Disposition
from server.wire.file_infos import (
    AllInformation,
    BasicInformation,
    FileClass,
    RenameInformation,
    StandardInformation,
    decode_streams,
)
from server.wire.header import Command
from server.wire.query import InfoType, QueryInfoRequest, QueryResponse
from server.wire.readwrite import CloseRequest
from server.wire.setinfo import SetInfoRequest
from server.wire.status import NTSTATUS

ALL = int(FILE_ALL_ACCESS)
SHARED = 7


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "share"


def query(peer: Peer, session: LoggedOn, file_id: bytes, kind: int) -> bytes:
    answer = peer.ask(Command.QUERY_INFO, QueryInfoRequest(file_id, InfoType.FILE, kind).encode(), session)
    assert answer.status is NTSTATUS.SUCCESS, answer.status.label
    return bytes(QueryResponse.decode(answer.body).data)


def streams(peer: Peer, session: LoggedOn, name: str) -> dict[str, int]:
    file_id = peer.create(session, name, disposition=Disposition.OPEN, share_access=SHARED)
    found = decode_streams(query(peer, session, file_id, FileClass.STREAM))
    close(peer, session, file_id)
    return {one.name: one.size for one in found}


def close(peer: Peer, session: LoggedOn, file_id: bytes) -> Answer:
    return peer.ask(Command.CLOSE, CloseRequest(file_id).encode(), session)


def set_info(peer: Peer, session: LoggedOn, file_id: bytes, kind: int, data: bytes) -> NTSTATUS:
    body = SetInfoRequest(file_id, InfoType.FILE, kind, data).encode()
    return peer.ask(Command.SET_INFO, body, session).status


def filled(peer: Peer, session: LoggedOn, name: str, data: bytes) -> None:
    file_id = peer.create(session, name, disposition=Disposition.OPEN_IF)
    assert peer.write(session, file_id, data).status is NTSTATUS.SUCCESS
    close(peer, session, file_id)


def test_streams_have_data_of_their_own_under_any_spelling(server: InProcess, root: Path) -> None:
    (root / "file").write_bytes(b"the data")
    peer, session = ready(server)
    filled(peer, session, "file:Zone.Identifier", b"a stream")
    filled(peer, session, "FILE:second:$data", b"x" * 100_000)
    assert (root / "file").read_bytes() == b"the data"
    file_id = peer.create(session, "file:zone.identifier:$DATA", disposition=Disposition.OPEN)
    assert peer.content(session, file_id, 8) == b"a stream"
    expected = {"::$DATA": 8, ":Zone.Identifier:$DATA": 8, ":second:$DATA": 100_000}
    assert streams(peer, session, "file") == expected
    assert [entry.name for entry in root.iterdir() if ":" not in entry.name] == ["file"]


def test_a_stream_of_no_file_makes_one_if_it_may(server: InProcess, root: Path) -> None:
    peer, session = ready(server)
    answer = peer.try_create(session, "new:s", disposition=Disposition.OPEN)
    assert answer.status is NTSTATUS.OBJECT_NAME_NOT_FOUND
    assert not (root / "new").exists()
    peer.create(session, "new:s", disposition=Disposition.CREATE)
    assert (root / "new").read_bytes() == b""
    answer = peer.try_create(session, "NEW:S", disposition=Disposition.CREATE)
    assert answer.status is NTSTATUS.OBJECT_NAME_COLLISION


@pytest.mark.parametrize(
    ("name", "status"),
    [
        (":streams\\x", NTSTATUS.OBJECT_NAME_INVALID),
        ("\\:streams", NTSTATUS.INVALID_PARAMETER),
        ("::streams", NTSTATUS.OBJECT_NAME_INVALID),
        ("file:", NTSTATUS.OBJECT_NAME_INVALID),
        ("file:s:$FOO", NTSTATUS.OBJECT_NAME_INVALID),
        ("file:s:", NTSTATUS.OBJECT_NAME_INVALID),
        ("file:a/b", NTSTATUS.OBJECT_NAME_INVALID),
        ("file:../../secret", NTSTATUS.OBJECT_NAME_INVALID),
        ("file:s\\t", NTSTATUS.OBJECT_NAME_INVALID),
        ("file:" + "ü" * 255, NTSTATUS.OBJECT_NAME_INVALID),
        ("dir::$DATA", NTSTATUS.FILE_IS_A_DIRECTORY),
    ],
)
def test_no_stream_name_leads_anywhere_else(
    server: InProcess, root: Path, name: str, status: NTSTATUS
) -> None:
    (root / "file").write_bytes(b"")
    (root / "dir").mkdir()
    peer, session = ready(server)
    filled(peer, session, "file:real", b"1")
    assert peer.try_create(session, name).status is status


def test_dots_are_streams_like_any_other(server: InProcess) -> None:
    peer, session = ready(server)
    for name in (".", ".."):
        filled(peer, session, f"file:{name}", name.encode())
    assert streams(peer, session, "file") == {"::$DATA": 0, ":.:$DATA": 1, ":..:$DATA": 2}


def test_directories_and_the_root_have_named_streams_alone(server: InProcess, root: Path) -> None:
    (root / "dir").mkdir()
    peer, session = ready(server)
    filled(peer, session, "dir:s", b"123")
    filled(peer, session, ":of the root", b"1")
    assert streams(peer, session, "dir") == {":s:$DATA": 3}
    assert streams(peer, session, "") == {":of the root:$DATA": 1}
    answer = peer.try_create(session, "dir:s", options=CreateOptions.DIRECTORY_FILE)
    assert answer.status is NTSTATUS.NOT_A_DIRECTORY


def test_share_modes_are_of_each_stream(server: InProcess) -> None:
    peer, session = ready(server)
    peer.create(session, "file:one", desired_access=Access.WRITE_DATA, share_access=0)
    for name, status in (
        ("file:one", NTSTATUS.SHARING_VIOLATION),
        ("file:two", NTSTATUS.SUCCESS),
        ("file", NTSTATUS.SUCCESS),
    ):
        answer = peer.try_create(session, name, desired_access=Access.WRITE_DATA, share_access=SHARED)
        assert answer.status is status, name


def test_a_file_is_not_deleted_from_under_its_streams(server: InProcess, root: Path) -> None:
    peer, session = ready(server)
    stream = peer.create(session, "file:s", desired_access=ALL, share_access=3)
    answer = peer.try_create(session, "file", desired_access=Access.DELETE, share_access=SHARED)
    assert answer.status is NTSTATUS.SHARING_VIOLATION
    close(peer, session, stream)
    stream = peer.create(session, "file:s", desired_access=Access.READ_DATA, share_access=SHARED)
    doomed = peer.create(
        session, "file", desired_access=Access.DELETE, options=CreateOptions.DELETE_ON_CLOSE, share_access=7
    )
    close(peer, session, doomed)
    for name in ("file", "file:s"):
        assert peer.try_create(session, name).status is NTSTATUS.DELETE_PENDING
    assert (root / "file").exists()
    close(peer, session, stream)
    assert not (root / "file").exists()
    depot = root / ":streams"
    assert list(depot.iterdir()) == []


def test_a_file_that_goes_takes_its_streams_along(server: InProcess, root: Path) -> None:
    peer, session = ready(server)
    filled(peer, session, "file:s", b"1")
    filled(peer, session, "other:s", b"2")
    replaced = peer.create(session, "other", desired_access=Access.DELETE)
    rename = RenameInformation("file", replace=True).encode()
    assert set_info(peer, session, replaced, FileClass.RENAME, rename) is NTSTATUS.SUCCESS
    close(peer, session, replaced)
    assert len(list((root / ":streams").iterdir())) == 1
    file_id = peer.create(session, "file:s", disposition=Disposition.OPEN)
    assert peer.content(session, file_id, 1) == b"2"


def test_overwriting_a_file_empties_it_of_streams_and_overwriting_a_stream_that_alone(
    server: InProcess,
) -> None:
    peer, session = ready(server)
    filled(peer, session, "file", b"data")
    filled(peer, session, "file:s", b"stream")
    close(peer, session, peer.create(session, "file:s", disposition=Disposition.OVERWRITE))
    assert streams(peer, session, "file") == {"::$DATA": 4, ":s:$DATA": 0}
    close(peer, session, peer.create(session, "file", disposition=Disposition.OVERWRITE))
    assert streams(peer, session, "file") == {"::$DATA": 0}


def test_a_stream_is_renamed_within_its_file(server: InProcess) -> None:
    peer, session = ready(server)
    filled(peer, session, "file:full", b"1")
    filled(peer, session, "file:empty", b"")
    file_id = peer.create(session, "file:s", desired_access=ALL)
    for name, replace, status in (
        (":empty", False, NTSTATUS.OBJECT_NAME_COLLISION),
        (":full", True, NTSTATUS.INVALID_PARAMETER),
        ("other:s", False, NTSTATUS.SHARING_VIOLATION),
        ("::$DATA", True, NTSTATUS.NOT_SUPPORTED),
        (":empty:$DATA", True, NTSTATUS.SUCCESS),
        (":new", False, NTSTATUS.SUCCESS),
    ):
        rename = RenameInformation(name, replace=replace).encode()
        assert set_info(peer, session, file_id, FileClass.RENAME, rename) is status, name
    assert streams(peer, session, "file") == {"::$DATA": 0, ":full:$DATA": 1, ":new:$DATA": 0}
    base = peer.create(session, "file", desired_access=ALL)
    rename = RenameInformation("moved").encode()
    assert set_info(peer, session, base, FileClass.RENAME, rename) is NTSTATUS.ACCESS_DENIED
    close(peer, session, file_id)
    assert set_info(peer, session, base, FileClass.RENAME, rename) is NTSTATUS.SUCCESS


def test_a_stream_has_the_times_and_attributes_of_its_file(server: InProcess) -> None:
    peer, session = ready(server)
    filled(peer, session, "file", b"12345")
    stream = peer.create(session, "file:s", desired_access=ALL)
    hidden = BasicInformation(creation_time=116444736000000000 + 12345670, attributes=2).encode()
    assert set_info(peer, session, stream, FileClass.BASIC, hidden) is NTSTATUS.SUCCESS
    file = peer.create(session, "file", desired_access=ALL, disposition=Disposition.OPEN)
    of_stream = AllInformation.decode(query(peer, session, stream, FileClass.ALL))
    of_file = AllInformation.decode(query(peer, session, file, FileClass.ALL))
    assert of_stream.basic == of_file.basic
    assert of_stream.basic.attributes == 2
    assert of_stream.index == of_file.index
    assert (of_stream.standard.end_of_file, of_file.standard.end_of_file) == (0, 5)
    assert of_stream.name == "\\file:s"


def test_what_is_allocated_is_told_though_nothing_is_there(server: InProcess) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file", desired_access=ALL)
    size = (100_000).to_bytes(8, "little")
    assert set_info(peer, session, file_id, FileClass.ALLOCATION, size) is NTSTATUS.SUCCESS
    told = StandardInformation.decode(query(peer, session, file_id, FileClass.STANDARD))
    assert (told.allocation_size, told.end_of_file) == (102_400, 0)
