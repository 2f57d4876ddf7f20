"""Extended attributes and short names: what clients may keep with a file, and what they may call it by."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftest.support.smb_peer import InProcess, LoggedOn, Peer, ready
from server.wire import ea
from server.wire.create import FILE_ALL_ACCESS, Access, Disposition
from server.wire.create_contexts import EXTENDED_ATTRIBUTES, CreateContext
from server.wire.errors import WireError
from server.wire.file_infos import FileClass, NameInformation, NumberInformation
from server.wire.header import Command
from server.wire.query import InfoType, QueryInfoRequest, QueryResponse
from server.wire.setinfo import SetInfoRequest
from server.wire.short_names import is_short, may_be_made, short_name
from server.wire.status import NTSTATUS

ALL = int(FILE_ALL_ACCESS)
NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


def put(peer: Peer, session: LoggedOn, file_id: bytes, *attributes: tuple[str, bytes]) -> NTSTATUS:
    body = SetInfoRequest(file_id, InfoType.FILE, FileClass.FULL_EA, ea.encode_full(attributes)).encode()
    return peer.ask(Command.SET_INFO, body, session).status


def get(peer: Peer, session: LoggedOn, file_id: bytes, *names: str) -> list[tuple[str, bytes]] | NTSTATUS:
    body = QueryInfoRequest(
        file_id, InfoType.FILE, FileClass.FULL_EA, data=ea.encode_names(names) if names else b""
    ).encode()
    answer = peer.ask(Command.QUERY_INFO, body, session)
    if answer.status is not NTSTATUS.SUCCESS:
        return answer.status
    return ea.decode_full(QueryResponse.decode(answer.body).data)


def info(peer: Peer, session: LoggedOn, file_id: bytes, kind: int) -> bytes:
    answer = peer.ask(Command.QUERY_INFO, QueryInfoRequest(file_id, InfoType.FILE, kind).encode(), session)
    return bytes(QueryResponse.decode(answer.body).data)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=50)), max_size=5))
def test_lists_survive_the_wire(attributes: list[tuple[str, bytes]]) -> None:
    assert ea.decode_full(ea.encode_full(attributes)) == attributes
    names = [name for name, _ in attributes]
    assert ea.decode_names(ea.encode_names(names)) == names


@given(st.binary(max_size=60))
def test_any_bytes_are_a_list_or_refused(data: bytes) -> None:
    for decode in (ea.decode_full, ea.decode_names):
        try:
            found = decode(data)
        except WireError:
            continue
        assert len(found) <= len(data)


def test_they_are_kept_by_any_spelling_and_counted(server: InProcess) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file", desired_access=ALL)
    assert get(peer, session, file_id) is NTSTATUS.NO_EAS_ON_FILE
    assert put(peer, session, file_id, ("Author", b"alice"), ("SIZE", b"1")) is NTSTATUS.SUCCESS
    assert put(peer, session, file_id, ("AUTHOR", b"bob")) is NTSTATUS.SUCCESS
    assert get(peer, session, file_id) == [("Author", b"bob"), ("SIZE", b"1")]
    assert get(peer, session, file_id, "size", "none") == [("size", b"1"), ("none", b"")]
    size = NumberInformation.decode(info(peer, session, file_id, FileClass.EA)).value
    assert size == 4 + (4 + 7 + 3) + (4 + 5 + 1)
    assert put(peer, session, file_id, ("author", b""), ("SIZE", b"")) is NTSTATUS.SUCCESS
    assert get(peer, session, file_id) is NTSTATUS.NO_EAS_ON_FILE


def test_a_new_file_may_have_them_and_an_overwritten_one_loses_them(server: InProcess) -> None:
    peer, session = ready(server)
    wanted = CreateContext(EXTENDED_ATTRIBUTES, ea.encode_full([("A", b"1")]))
    file_id = peer.create(session, "file", desired_access=ALL, contexts=(wanted,))
    assert get(peer, session, file_id) == [("A", b"1")]
    file_id = peer.create(session, "file", desired_access=ALL, disposition=Disposition.OVERWRITE)
    assert get(peer, session, file_id) is NTSTATUS.NO_EAS_ON_FILE


def test_none_of_them_is_one_of_the_servers_own(server: InProcess, tmp_path: Path) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file", desired_access=ALL)
    for name in ("smb.security", "user.smb.streams", "smb.dos"):
        assert put(peer, session, file_id, (name, b"nonsense")) is NTSTATUS.SUCCESS
    there = os.listxattr(tmp_path / "share" / "file")
    assert {"user.smb.security", "user.smb.streams", "user.smb.dos"} & set(there) == set()


def test_what_cannot_be_kept_is_refused(server: InProcess) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file", desired_access=ALL)
    assert put(peer, session, file_id, ("a=b", b"1")) is NTSTATUS.INVALID_EA_NAME
    assert put(peer, session, file_id, ("big", bytes(60_000))) is NTSTATUS.EA_TOO_LARGE
    reader = peer.create(session, "file", desired_access=Access.READ_DATA)
    assert put(peer, session, reader, ("A", b"1")) is NTSTATUS.ACCESS_DENIED
    assert get(peer, session, reader) is NTSTATUS.ACCESS_DENIED


@given(st.text(max_size=30))
def test_short_names_are_short(name: str) -> None:
    found = short_name(name)
    assert is_short(found)
    assert found == name.upper() if is_short(name) else may_be_made(found)


@pytest.mark.parametrize("name", ["a long name.text", "Ünïcode-name", "two.dots.here"])
def test_a_file_is_found_by_the_short_name_that_is_told(server: InProcess, tmp_path: Path, name: str) -> None:
    (tmp_path / "share" / name).write_bytes(b"found")
    peer, session = ready(server)
    file_id = peer.create(session, name, disposition=Disposition.OPEN)
    told = NameInformation.decode(info(peer, session, file_id, FileClass.ALTERNATE_NAME)).name
    file_id = peer.create(session, told.lower(), disposition=Disposition.OPEN)
    assert peer.content(session, file_id, 5) == b"found"
