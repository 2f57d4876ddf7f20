"""Security descriptors are kept, inherited and enforced (MS-DTYP 2.5.3.2, 2.5.3.4.1)."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftest.support.smb_peer import InProcess, LoggedOn, Peer, ready
from server.core import access
from server.wire.create import FILE_ALL_ACCESS, Access, CreateOptions
from server.wire.create_contexts import SECURITY_DESCRIPTOR, CreateContext
from server.wire.errors import WireError
from server.wire.file_infos import FileClass, RenameInformation
from server.wire.header import Command
from server.wire.query import InfoType, QueryInfoRequest, QueryResponse
from server.wire.security import DACL, GROUP, OWNER, Ace, AceFlags, AceKind, Control, Descriptor, sid
from server.wire.setinfo import SetInfoRequest
from server.wire.status import NTSTATUS

ALICE, BOB = access.user_sid("alice"), access.user_sid("Bob")
READS = int(Access.READ_DATA | Access.READ_CONTROL | Access.SYNCHRONIZE)
BOTH = AceFlags.OBJECT_INHERIT | AceFlags.CONTAINER_INHERIT
SIDS = st.lists(st.integers(0, 2**32 - 1), max_size=15).map(lambda below: sid(5, *below))
ACES = st.builds(Ace, st.integers(0, 1), st.integers(0, 31), st.integers(0, 2**32 - 1), SIDS)


def listed(*aces: Ace) -> Descriptor:
    return Descriptor(dacl=aces, control=int(Control.DACL_PRESENT))


def allow(who: bytes, mask: int, flags: int = 0) -> Ace:
    return Ace(AceKind.ALLOW, flags, mask, who)


def put(peer: Peer, session: LoggedOn, file_id: bytes, parts: int, wanted: Descriptor) -> NTSTATUS:
    body = SetInfoRequest(file_id, InfoType.SECURITY, 0, wanted.encode(), parts).encode()
    return peer.ask(Command.SET_INFO, body, session).status


def get(peer: Peer, session: LoggedOn, file_id: bytes, parts: int = OWNER | GROUP | DACL) -> Descriptor:
    body = QueryInfoRequest(file_id, InfoType.SECURITY, 0, additional=parts).encode()
    return Descriptor.decode(QueryResponse.decode(peer.ask(Command.QUERY_INFO, body, session).body).data)


def as_bob(server: InProcess) -> tuple[Peer, LoggedOn]:
    peer = Peer(server.connect(), uuid.uuid4())
    peer.negotiate()
    session = peer.log_on("bob")
    assert peer.tree_connect(session).status is NTSTATUS.SUCCESS
    return peer, session


@given(st.builds(
    Descriptor, st.none() | SIDS, st.none() | SIDS, st.none() | st.lists(ACES, max_size=5).map(tuple),
    st.just(int(Control.DACL_PRESENT)),
))  # fmt: skip
def test_descriptors_survive_the_wire(descriptor: Descriptor) -> None:
    assert Descriptor.decode(descriptor.encode()) == descriptor


@given(st.binary(max_size=100))
def test_any_bytes_are_a_descriptor_or_refused(data: bytes) -> None:
    try:
        found = Descriptor.decode(data)
    except WireError:
        return
    assert Descriptor.decode(found.encode()) == found


@given(
    st.lists(st.builds(Ace, st.integers(0, 1), st.sampled_from([0, 8]), st.integers(0, 15), SIDS), max_size=6)
)
def test_of_each_right_the_first_entry_decides(aces: list[Ace]) -> None:
    who = frozenset(ace.sid for ace in aces[::2])
    found = access.permitted(listed(*aces), who)
    for right in (1, 2, 4, 8):
        first = next((a for a in aces if a.sid in who and a.mask & right and not a.flags & 8), None)
        assert bool(found & right) == (first is not None and first.kind == AceKind.ALLOW)


def test_a_file_that_nobody_protects_is_everybodys(server: InProcess, tmp_path: Path) -> None:
    (tmp_path / "share" / "file").write_bytes(b"")
    peer, session = ready(server)
    file_id = peer.create(session, "file", desired_access=FILE_ALL_ACCESS)
    assert get(peer, session, file_id) == access.EVERYBODYS


def test_what_a_list_does_not_give_is_refused_to_others(server: InProcess) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file", desired_access=FILE_ALL_ACCESS)
    wanted = listed(allow(ALICE, int(FILE_ALL_ACCESS)), allow(BOB, READS))
    assert put(peer, session, file_id, DACL, wanted) is NTSTATUS.SUCCESS
    kept = get(peer, session, file_id)
    assert (kept.owner, kept.dacl) == (ALICE, wanted.dacl)
    other, theirs = as_bob(server)
    assert other.try_create(theirs, "file", desired_access=READS).status is NTSTATUS.SUCCESS
    for refused in (Access.WRITE_DATA, Access.WRITE_DAC):
        answer = other.try_create(theirs, "file", desired_access=refused)
        assert answer.status is NTSTATUS.ACCESS_DENIED
    assert other.try_create(theirs, "file", desired_access=0x0200_0000).status is NTSTATUS.SUCCESS
    assert other.try_create(theirs, "file", disposition=5).status is NTSTATUS.ACCESS_DENIED


def test_rights_of_the_open_decide_who_may_change_it(server: InProcess) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file", desired_access=READS)
    assert put(peer, session, file_id, DACL, access.EVERYBODYS) is NTSTATUS.ACCESS_DENIED
    file_id = peer.create(session, "file", desired_access=FILE_ALL_ACCESS)
    assert put(peer, session, file_id, OWNER, Descriptor(owner=BOB)) is NTSTATUS.INVALID_OWNER


def test_new_files_inherit_and_no_entry_is_made_where_none_may_be(server: InProcess, tmp_path: Path) -> None:
    peer, session = ready(server)
    wanted = listed(
        allow(access.CREATOR_OWNER, int(FILE_ALL_ACCESS), BOTH | AceFlags.INHERIT_ONLY),
        allow(ALICE, int(FILE_ALL_ACCESS), BOTH),
        allow(BOB, READS, AceFlags.OBJECT_INHERIT),
    )
    folder = CreateContext(SECURITY_DESCRIPTOR, wanted.encode())
    peer.create(session, "dir", options=CreateOptions.DIRECTORY_FILE, contexts=(folder,))
    file_id = peer.create(session, "dir\\file", desired_access=FILE_ALL_ACCESS)
    rights = [(ace.sid, ace.mask, ace.flags) for ace in get(peer, session, file_id).dacl or ()]
    inherited = int(AceFlags.INHERITED)
    assert rights == [
        (ALICE, int(FILE_ALL_ACCESS), inherited), (ALICE, int(FILE_ALL_ACCESS), inherited), (BOB, READS, inherited)
    ]  # fmt: skip
    other, theirs = as_bob(server)
    assert other.try_create(theirs, "dir\\new", disposition=2).status is NTSTATUS.ACCESS_DENIED
    assert not (tmp_path / "share" / "dir" / "new").exists()
    moved = other.create(theirs, "mine", desired_access=FILE_ALL_ACCESS)
    body = SetInfoRequest(
        moved, InfoType.FILE, FileClass.RENAME, RenameInformation("dir\\mine").encode()
    ).encode()
    assert other.ask(Command.SET_INFO, body, theirs).status is NTSTATUS.ACCESS_DENIED


def test_who_may_delete_children_may_delete_any(server: InProcess) -> None:
    peer, session = ready(server)
    nobody = CreateContext(SECURITY_DESCRIPTOR, listed().encode())
    peer.create(session, "file", contexts=(nobody,))
    other, theirs = as_bob(server)
    assert other.try_create(theirs, "file", desired_access=READS).status is NTSTATUS.ACCESS_DENIED
    assert other.try_create(theirs, "file", desired_access=Access.DELETE).status is NTSTATUS.SUCCESS


def test_a_descriptor_that_makes_no_sense_lets_nobody_in(server: InProcess, tmp_path: Path) -> None:
    path = tmp_path / "share" / "file"
    path.write_bytes(b"")
    try:
        os.setxattr(path, "user.smb.security", b"nonsense")
    except OSError:
        pytest.skip("a file system without extended attributes")
    peer, session = ready(server)
    assert peer.try_create(session, "file").status.is_error
