"""Files through the protocol: what a client asks for is what is on the disk afterwards, and the other way round."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from selftest.support.smb_peer import Answer, InProcess, LoggedOn, Peer, ready
from server.wire.create import (
    FILE_ALL_ACCESS,
    Access,
    CreateAction,
    CreateOptions,
    CreateRequest,
    CreateResponse,
    Disposition,
)
from server.wire.directory_infos import DirectoryClass, decode_entries
from server.wire.file_infos import (
    AllInformation,
    BasicInformation,
    FileClass,
    RenameInformation,
    SizeInformation,
    StandardInformation,
)
from server.wire.filetime import from_unix_ns
from server.wire.fs_infos import FsClass
from server.wire.header import Command, Flags
from server.wire.ioctl import NO_FILE
from server.wire.query import DirectoryFlags, InfoType, QueryDirectoryRequest, QueryInfoRequest, QueryResponse
from server.wire.readwrite import (
    CLOSE_FLAG_POSTQUERY_ATTRIB,
    CloseRequest,
    CloseResponse,
    FlushRequest,
    ReadRequest,
    ReadResponse,
    WriteRequest,
)
from server.wire.setinfo import SetInfoRequest
from server.wire.status import NTSTATUS

DIRECTORY = CreateOptions.DIRECTORY_FILE


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "share"


def close(peer: Peer, session: LoggedOn, file_id: bytes, flags: int = 0) -> Answer:
    return peer.ask(Command.CLOSE, CloseRequest(file_id, flags).encode(), session)


def set_info(peer: Peer, session: LoggedOn, file_id: bytes, kind: FileClass, data: bytes) -> NTSTATUS:
    body = SetInfoRequest(file_id, InfoType.FILE, kind, data).encode()
    return peer.ask(Command.SET_INFO, body, session).status


def query(
    peer: Peer,
    session: LoggedOn,
    file_id: bytes,
    kind: int,
    *,
    info_type: int = InfoType.FILE,
    output_length: int = 65536,
) -> Answer:
    body = QueryInfoRequest(file_id, info_type, kind, output_length).encode()
    return peer.ask(Command.QUERY_INFO, body, session)


def names(
    peer: Peer, session: LoggedOn, file_id: bytes, pattern: str = "*", flags: int = 0, **about: int
) -> list[str]:
    """One piece of an enumeration; empty when it is over."""
    body = QueryDirectoryRequest(file_id, DirectoryClass.ID_BOTH, pattern, flags, **about).encode()
    answer = peer.ask(Command.QUERY_DIRECTORY, body, session)
    if answer.status in (NTSTATUS.NO_MORE_FILES, NTSTATUS.NO_SUCH_FILE):
        return []
    assert answer.status is NTSTATUS.SUCCESS, answer.status.label
    data = QueryResponse.decode(answer.body).data
    return [entry.name for entry in decode_entries(data, DirectoryClass.ID_BOTH)]


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 3_000_000])
def test_what_is_written_is_on_disk_and_read_back(server: InProcess, root: Path, size: int) -> None:
    peer, session = ready(server)
    data = bytes(i * 7 % 251 for i in range(1000)) * (size // 1000 + 1)
    file_id = peer.create(session, "data.bin")
    assert peer.write(session, file_id, data[:size]).status is NTSTATUS.SUCCESS
    assert (root / "data.bin").read_bytes() == data[:size]
    if size:
        assert peer.content(session, file_id, size) == data[:size]
    assert peer.read(session, file_id, 10, size).status is NTSTATUS.END_OF_FILE


def test_a_read_over_the_end_is_short_unless_a_minimum_was_asked(server: InProcess, root: Path) -> None:
    (root / "short").write_bytes(b"12345")
    peer, session = ready(server)
    file_id = peer.create(session, "short")
    answer = peer.ask(Command.READ, ReadRequest(file_id, 100, 3).encode(), session)
    assert bytes(ReadResponse.decode(answer.body).data) == b"45"
    answer = peer.ask(Command.READ, ReadRequest(file_id, 100, 3, minimum=3).encode(), session)
    assert answer.status is NTSTATUS.END_OF_FILE


def test_a_request_pays_for_its_size(server: InProcess) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    body = WriteRequest(file_id, bytes(65537)).encode()
    assert peer.ask(Command.WRITE, body, session, charge=1).status is NTSTATUS.INVALID_PARAMETER
    assert peer.ask(Command.WRITE, body, session, charge=2).status is NTSTATUS.SUCCESS


@pytest.mark.parametrize(
    ("disposition", "absent", "present"),
    [
        (Disposition.SUPERSEDE, CreateAction.CREATED, CreateAction.SUPERSEDED),
        (Disposition.OPEN, NTSTATUS.OBJECT_NAME_NOT_FOUND, CreateAction.OPENED),
        (Disposition.CREATE, CreateAction.CREATED, NTSTATUS.OBJECT_NAME_COLLISION),
        (Disposition.OPEN_IF, CreateAction.CREATED, CreateAction.OPENED),
        (Disposition.OVERWRITE, NTSTATUS.OBJECT_NAME_NOT_FOUND, CreateAction.OVERWRITTEN),
        (Disposition.OVERWRITE_IF, CreateAction.CREATED, CreateAction.OVERWRITTEN),
    ],
)
def test_dispositions(
    server: InProcess,
    root: Path,
    disposition: Disposition,
    absent: CreateAction | NTSTATUS,
    present: CreateAction | NTSTATUS,
) -> None:
    (root / "present").write_bytes(b"content")
    peer, session = ready(server)
    for name, expected in (("absent", absent), ("present", present)):
        answer = peer.try_create(session, name, disposition=disposition)
        if isinstance(expected, NTSTATUS):
            assert answer.status is expected
        else:
            assert CreateResponse.decode(answer.body).action == expected
    replaced = present in (CreateAction.SUPERSEDED, CreateAction.OVERWRITTEN)
    assert (root / "present").read_bytes() == (b"" if replaced else b"content")


@pytest.mark.parametrize(
    ("name", "options", "status"),
    [
        ("file", DIRECTORY, NTSTATUS.NOT_A_DIRECTORY),
        ("dir", CreateOptions.NON_DIRECTORY_FILE, NTSTATUS.FILE_IS_A_DIRECTORY),
        ("missing\\file", 0, NTSTATUS.OBJECT_PATH_NOT_FOUND),
        ("file\\below", 0, NTSTATUS.OBJECT_PATH_NOT_FOUND),
        ("..\\outside", 0, NTSTATUS.OBJECT_PATH_SYNTAX_BAD),
        ("link", 0, NTSTATUS.OBJECT_NAME_NOT_FOUND),
        ("linked\\passwd", 0, NTSTATUS.OBJECT_PATH_NOT_FOUND),
        ("fifo", 0, NTSTATUS.OBJECT_NAME_NOT_FOUND),
        ("dir", DIRECTORY | CreateOptions.NON_DIRECTORY_FILE, NTSTATUS.INVALID_PARAMETER),
    ],
)
def test_what_cannot_be_opened(
    server: InProcess, root: Path, name: str, options: int, status: NTSTATUS
) -> None:
    (root / "file").write_bytes(b"")
    (root / "dir").mkdir()
    (root / "link").symlink_to("/etc/passwd")
    (root / "linked").symlink_to("/etc")
    os.mkfifo(root / "fifo")
    peer, session = ready(server)
    answer = peer.try_create(session, name, disposition=Disposition.OPEN, options=options)
    assert answer.status is status


def test_names_are_found_in_any_case_and_told_as_they_are(server: InProcess, root: Path) -> None:
    (root / "Film").mkdir()
    (root / "Film" / "Ünï.mp4").write_bytes(b"x")
    peer, session = ready(server)
    file_id = peer.create(session, "FILM\\üNÏ.MP4", disposition=Disposition.OPEN)
    told = AllInformation.decode(QueryResponse.decode(query(peer, session, file_id, FileClass.ALL).body).data)
    assert told.name == "\\Film\\Ünï.mp4"


def test_a_file_is_not_made_beside_one_of_another_case(server: InProcess, root: Path) -> None:
    (root / "Name").write_bytes(b"")
    peer, session = ready(server)
    answer = peer.try_create(session, "NAME", disposition=Disposition.CREATE)
    assert answer.status is NTSTATUS.OBJECT_NAME_COLLISION


def test_a_directory_is_listed_in_pieces_and_once(server: InProcess, root: Path) -> None:
    for number in range(100):
        (root / f"file{number:03}").write_bytes(b"")
    peer, session = ready(server)
    file_id = peer.create(session, "", disposition=Disposition.OPEN, desired_access=Access.READ_DATA)
    found: list[str] = []
    while piece := names(peer, session, file_id, output_length=1000):
        assert len(piece) < 20
        found += piece
    assert found == [".", "..", *(f"file{number:03}" for number in range(100))]
    assert names(peer, session, file_id, "FILE00?", DirectoryFlags.RESTART_SCANS)[:2] == [
        "file000",
        "file001",
    ]


def test_links_and_special_files_are_not_listed(server: InProcess, root: Path) -> None:
    (root / "link").symlink_to("/etc")
    (root / "plain").write_bytes(b"")
    peer, session = ready(server)
    file_id = peer.create(session, "")
    assert names(peer, session, file_id) == [".", "..", "plain"]


def test_a_pattern_that_nothing_matches(server: InProcess) -> None:
    peer, session = ready(server)
    body = QueryDirectoryRequest(peer.create(session, ""), DirectoryClass.FULL, "none*").encode()
    assert peer.ask(Command.QUERY_DIRECTORY, body, session).status is NTSTATUS.NO_SUCH_FILE


def test_a_rename_moves_the_file_and_its_open(server: InProcess, root: Path) -> None:
    (root / "dir").mkdir()
    peer, session = ready(server)
    file_id = peer.create(session, "old")
    assert set_info(peer, session, file_id, FileClass.RENAME, RenameInformation("dir\\new").encode()) is (
        NTSTATUS.SUCCESS
    )
    assert peer.write(session, file_id, b"after").status is NTSTATUS.SUCCESS
    assert (root / "dir" / "new").read_bytes() == b"after"
    assert not (root / "old").exists()


def test_a_rename_replaces_only_when_told(server: InProcess, root: Path) -> None:
    (root / "taken").write_bytes(b"theirs")
    peer, session = ready(server)
    file_id = peer.create(session, "mine")
    collision = set_info(peer, session, file_id, FileClass.RENAME, RenameInformation("taken").encode())
    assert collision is NTSTATUS.OBJECT_NAME_COLLISION
    assert (root / "taken").read_bytes() == b"theirs"
    replaced = set_info(peer, session, file_id, FileClass.RENAME, RenameInformation("taken", True).encode())
    assert replaced is NTSTATUS.SUCCESS
    assert (root / "taken").read_bytes() == b""


def test_a_rename_may_change_the_case_alone(server: InProcess, root: Path) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "name")
    assert set_info(peer, session, file_id, FileClass.RENAME, RenameInformation("NAME").encode()) is (
        NTSTATUS.SUCCESS
    )
    assert [path.name for path in root.iterdir()] == ["NAME"]


def test_deletion_waits_for_the_last_close(server: InProcess, root: Path) -> None:
    peer, session = ready(server)
    first, second = peer.create(session, "file"), peer.create(session, "file")
    assert set_info(peer, session, first, FileClass.DISPOSITION, b"\1") is NTSTATUS.SUCCESS
    assert peer.try_create(session, "file").status is NTSTATUS.DELETE_PENDING
    close(peer, session, first)
    assert (root / "file").exists()
    close(peer, session, second)
    assert not (root / "file").exists()


def test_a_directory_that_is_not_empty_is_not_deleted(server: InProcess, root: Path) -> None:
    (root / "dir").mkdir()
    (root / "dir" / "inside").write_bytes(b"")
    peer, session = ready(server)
    file_id = peer.create(session, "dir", options=DIRECTORY)
    assert set_info(peer, session, file_id, FileClass.DISPOSITION, b"\1") is NTSTATUS.DIRECTORY_NOT_EMPTY


def test_delete_on_close_goes_with_the_connection(server: InProcess, root: Path) -> None:
    peer, session = ready(server)
    peer.create(session, "temporary", options=CreateOptions.DELETE_ON_CLOSE)
    server.core.lost(server.core.sessions[session.id].connection)
    assert not (root / "temporary").exists()


def test_times_attributes_and_size_are_set_and_told(server: InProcess, root: Path) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    written = from_unix_ns(1_600_000_000_000_000_000)
    basic = BasicInformation(0, 0, written, 0, 0).encode()
    assert set_info(peer, session, file_id, FileClass.BASIC, basic) is NTSTATUS.SUCCESS
    assert set_info(peer, session, file_id, FileClass.END_OF_FILE, SizeInformation(5000).encode()) is (
        NTSTATUS.SUCCESS
    )
    assert (root / "file").stat().st_size == 5000
    peer.write(session, file_id, b"", 0)
    set_info(peer, session, file_id, FileClass.BASIC, basic)
    told = CloseResponse.decode(close(peer, session, file_id, CLOSE_FLAG_POSTQUERY_ATTRIB).body)
    assert (told.end_of_file, told.last_write_time) == (5000, written)


def test_an_empty_file_has_no_allocation(server: InProcess) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "empty")
    data = QueryResponse.decode(query(peer, session, file_id, FileClass.STANDARD).body).data
    assert StandardInformation.decode(data) == StandardInformation(0, 0)


@pytest.mark.parametrize("kind", [FsClass.VOLUME, FsClass.SIZE, FsClass.DEVICE, FsClass.ATTRIBUTE,
                                  FsClass.FULL_SIZE, FsClass.OBJECT_ID, FsClass.SECTOR_SIZE])  # fmt: skip
def test_the_file_system_is_told(server: InProcess, kind: FsClass) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "")
    assert query(peer, session, file_id, kind, info_type=InfoType.FILESYSTEM).status is NTSTATUS.SUCCESS
    assert query(peer, session, file_id, kind, info_type=InfoType.FILESYSTEM, output_length=1).status is (
        NTSTATUS.INFO_LENGTH_MISMATCH
    )


def test_a_name_that_does_not_fit_is_cut_with_a_warning(server: InProcess) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "a-rather-long-name")
    answer = query(peer, session, file_id, FileClass.ALL, output_length=110)
    assert answer.status is NTSTATUS.BUFFER_OVERFLOW
    assert len(QueryResponse.decode(answer.body).data) == 110


def test_rights_that_were_not_granted_are_not_there(server: InProcess) -> None:
    peer, session = ready(server)
    peer.write(session, peer.create(session, "file"), b"x")
    reader = peer.create(session, "file", desired_access=Access.READ_DATA)
    assert peer.write(session, reader, b"y").status is NTSTATUS.ACCESS_DENIED
    writer = peer.create(session, "file", desired_access=Access.WRITE_DATA)
    assert peer.read(session, writer, 1).status is NTSTATUS.ACCESS_DENIED


def test_share_modes_hold_between_opens(server: InProcess) -> None:
    peer, session = ready(server)
    peer.create(session, "file", share_access=1)
    answer = peer.try_create(session, "file", desired_access=Access.WRITE_DATA)
    assert answer.status is NTSTATUS.SHARING_VIOLATION
    # the first open writes, so whoever shares with it must allow that
    reader = peer.try_create(session, "file", desired_access=Access.READ_DATA, share_access=1)
    assert reader.status is NTSTATUS.SHARING_VIOLATION
    assert peer.try_create(session, "file", desired_access=Access.READ_DATA, share_access=7).status is (
        NTSTATUS.SUCCESS
    )


def test_a_closed_file_stays_closed(server: InProcess) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    close(peer, session, file_id)
    assert peer.read(session, file_id, 1).status is NTSTATUS.FILE_CLOSED
    assert close(peer, session, file_id).status is NTSTATUS.FILE_CLOSED


def test_related_requests_inherit_what_the_first_made(server: InProcess, root: Path) -> None:
    peer, session = ready(server)
    answers = peer.compound(
        session,
        [
            (Command.CREATE, CreateRequest("file", FILE_ALL_ACCESS, Disposition.CREATE).encode(), False),
            (Command.WRITE, WriteRequest(NO_FILE, b"in one go").encode(), True),
            (Command.FLUSH, FlushRequest(NO_FILE).encode(), True),
            (Command.CLOSE, CloseRequest(NO_FILE).encode(), True),
        ],
    )
    assert [answer.status for answer in answers] == [NTSTATUS.SUCCESS] * 4
    assert [bool(answer.header.flags & Flags.RELATED_OPERATIONS) for answer in answers] == [
        False,
        *[True] * 3,
    ]
    assert all(session.signer.verify(answer.message, server=True) for answer in answers)
    assert (root / "file").read_bytes() == b"in one go"


def test_a_create_that_fails_fails_what_is_related_to_it(server: InProcess) -> None:
    peer, session = ready(server)
    answers = peer.compound(
        session,
        [
            (Command.CREATE, CreateRequest("missing", disposition=Disposition.OPEN).encode(), False),
            (Command.READ, ReadRequest(NO_FILE, 10).encode(), True),
            (Command.CLOSE, CloseRequest(NO_FILE).encode(), True),
        ],
    )
    assert [answer.status for answer in answers] == [NTSTATUS.OBJECT_NAME_NOT_FOUND] * 3


def test_the_first_of_a_chain_is_related_to_nothing(server: InProcess) -> None:
    peer, session = ready(server)
    close_nothing = (Command.CLOSE, CloseRequest(NO_FILE).encode(), True)
    answers = peer.compound(session, [close_nothing, close_nothing])
    assert [answer.status for answer in answers] == [NTSTATUS.INVALID_PARAMETER] * 2


def test_a_stale_write_is_fenced_off_and_its_data_not_there(server: InProcess, root: Path) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    peer.sequence = 1
    assert peer.write(session, file_id, b"new").status is NTSTATUS.SUCCESS
    peer.sequence = 0
    assert peer.write(session, file_id, b"old").status is NTSTATUS.FILE_NOT_AVAILABLE
    assert peer.read(session, file_id, 3).status is NTSTATUS.SUCCESS
    assert (root / "file").read_bytes() == b"new"
    replayed = peer.ask(
        Command.WRITE, WriteRequest(file_id, b"old").encode(), session, flags=Flags.REPLAY_OPERATION
    )
    assert replayed.status is NTSTATUS.FILE_NOT_AVAILABLE


def test_a_replayed_write_of_the_present_sequence_is_taken(server: InProcess, root: Path) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    peer.sequence = 1
    replayed = peer.ask(
        Command.WRITE, WriteRequest(file_id, b"again").encode(), session, flags=Flags.REPLAY_OPERATION
    )
    assert replayed.status is NTSTATUS.SUCCESS
    assert (root / "file").read_bytes() == b"again"


def test_a_time_that_is_none_is_refused_and_one_that_cannot_be_kept_is_brought_near(
    server: InProcess,
) -> None:
    peer, session = ready(server)
    file = peer.create(session, "f")
    for wrong in (2**63, 2**64 - 3):
        basic = BasicInformation(wrong, 0, 0, 0, 0).encode()
        assert set_info(peer, session, file, FileClass.BASIC, basic) is NTSTATUS.INVALID_PARAMETER
    for far in (1, 2**63 - 1):
        basic = BasicInformation(far, far, far, 0, 0).encode()
        assert set_info(peer, session, file, FileClass.BASIC, basic) is NTSTATUS.SUCCESS
