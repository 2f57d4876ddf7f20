"""Every body reads back as it was written, and no bytes make a decoder do anything but read or refuse."""

from __future__ import annotations

import uuid
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.wire import create_contexts as cc
from server.wire import directory_infos, file_infos, fs_infos
from server.wire.create import CreateRequest, CreateResponse
from server.wire.errors import WireError
from server.wire.ioctl import (
    InterfaceCapability,
    IoctlRequest,
    IoctlResponse,
    NetworkInterface,
    ValidateNegotiateRequest,
    ValidateNegotiateResponse,
    decode_interfaces,
    encode_interfaces,
)
from server.wire.lock import LockElement, LockRequest
from server.wire.misc import Empty, ErrorResponse
from server.wire.negotiate import Dialect, NegotiateRequest, NegotiateResponse
from server.wire.negotiate_contexts import (
    Compression,
    Encryption,
    NetName,
    PreauthIntegrity,
    RdmaTransform,
    Signing,
    Transport,
    Unknown,
)
from server.wire.query import QueryDirectoryRequest, QueryInfoRequest, QueryResponse
from server.wire.readwrite import (
    CloseRequest,
    CloseResponse,
    FlushRequest,
    ReadRequest,
    ReadResponse,
    WriteRequest,
    WriteResponse,
)
from server.wire.session_setup import SessionFlags, SessionSetupRequest, SessionSetupResponse, SetupFlags
from server.wire.setinfo import SetInfoRequest, SetInfoResponse
from server.wire.smb1 import MultiProtocolNegotiate
from server.wire.tree import ShareType, TreeConnectRequest, TreeConnectResponse

u8, u16, u32, u64 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 64))
sixteen = st.binary(min_size=16, max_size=16)
data = st.binary(max_size=300)
names = st.text(max_size=40)
guids = st.uuids()
numbers = st.lists(u16, max_size=6).map(tuple)
some_numbers = st.lists(u16, min_size=1, max_size=6).map(tuple)

one_of_each = (
    st.builds(PreauthIntegrity, numbers, data),
    st.builds(Encryption, numbers),
    st.builds(Compression, some_numbers, u32),
    st.builds(RdmaTransform, some_numbers),
    st.builds(Signing, some_numbers),
)
anything = st.one_of(
    st.builds(NetName, names), st.builds(Transport, u32), st.builds(Unknown, st.integers(9, 0xFFFF), data)
)
negotiate_contexts = st.tuples(
    st.sets(st.integers(0, 4)), st.tuples(*one_of_each), st.lists(anything, max_size=3)
).map(lambda drawn: (*(drawn[1][i] for i in sorted(drawn[0])), *drawn[2]))
create_contexts = st.lists(
    st.builds(cc.CreateContext, st.binary(min_size=4, max_size=20), data), max_size=4
).map(tuple)

BODIES: dict[str, st.SearchStrategy[Any]] = {
    "negotiate request": st.builds(
        NegotiateRequest,
        numbers.map(lambda known: (*known, 0x311)),
        guids,
        st.integers(0, 3),
        st.integers(0, 0xFF),
        negotiate_contexts,
    ),
    "negotiate response": st.builds(
        NegotiateResponse,
        st.just(Dialect.SMB_3_1_1),
        guids,
        st.integers(0, 3),
        st.integers(0, 0xFF),
        u32,
        u32,
        u32,
        u64,
        data,
        negotiate_contexts,
    ),
    "session setup request": st.builds(SessionSetupRequest, data, st.sampled_from(SetupFlags), u8, u32, u64),
    "session setup response": st.builds(SessionSetupResponse, data, st.sampled_from(SessionFlags)),
    "tree connect request": st.builds(TreeConnectRequest, names, u16),
    "tree connect response": st.builds(TreeConnectResponse, st.sampled_from(ShareType), maximal_access=u32),
    "create request": st.builds(CreateRequest, names, u32, u32, u32, u32, u32, u8, u32, create_contexts),
    "create response": st.builds(
        CreateResponse, sixteen, u32, u8, u8, u64, u64, u64, u64, u64, u64, u32, create_contexts
    ),
    "read request": st.builds(ReadRequest, sixteen, u32, u64, u32, u8, u32),
    "read response": st.builds(ReadResponse, data, u32),
    "write request": st.builds(WriteRequest, sixteen, data, u64, u32, u32),
    "write response": st.builds(WriteResponse, u32, u32),
    "flush request": st.builds(FlushRequest, sixteen),
    "close request": st.builds(CloseRequest, sixteen, u16),
    "close response": st.builds(CloseResponse, u16, u64, u64, u64, u64, u64, u64, u32),
    "query directory request": st.builds(QueryDirectoryRequest, sixteen, u8, names, u8, u32, u32),
    "query info request": st.builds(QueryInfoRequest, sixteen, u8, u8, u32, u32, u32, data),
    "query response": st.builds(QueryResponse, data),
    "set info request": st.builds(SetInfoRequest, sixteen, u8, u8, data, u32),
    "set info response": st.builds(SetInfoResponse),
    "ioctl request": st.builds(IoctlRequest, u32, sixteen, data, u32, u32, u32),
    "ioctl response": st.builds(IoctlResponse, u32, sixteen, data),
    "validate negotiate request": st.builds(ValidateNegotiateRequest, u32, guids, u16, numbers),
    "validate negotiate response": st.builds(ValidateNegotiateResponse, u32, guids, u16, u16),
    "lock request": st.builds(
        LockRequest,
        sixteen,
        st.lists(st.builds(LockElement, u64, u64, u32), min_size=1, max_size=4).map(tuple),
        u32,
    ),
    "error response": st.builds(ErrorResponse, data, u8),
    "empty": st.builds(Empty),
    "durable request v2": st.builds(cc.DurableRequestV2, guids, u32, u32),
    "durable response v2": st.builds(cc.DurableResponseV2, u32, u32),
    "durable reconnect v2": st.builds(cc.DurableReconnectV2, sixteen, guids, u32),
    "lease v1": st.builds(cc.Lease, sixteen, u32, u32),
    "lease v2": st.builds(cc.Lease, sixteen, u32, u32, st.just(2), sixteen, u16),
    "maximal access": st.builds(cc.MaximalAccess, u32, u32),
    "on-disk id": st.builds(cc.OnDiskId, u64, u64),
    "basic": st.builds(file_infos.BasicInformation, u64, u64, u64, u64, u32),
    "standard": st.builds(file_infos.StandardInformation, u64, u64, u32, st.booleans(), st.booleans()),
    "network open": st.builds(file_infos.NetworkOpenInformation, u64, u64, u64, u64, u64, u64, u32),
    "rename": st.builds(file_infos.RenameInformation, names, st.booleans(), u64),
    "name": st.builds(file_infos.NameInformation, names),
    "size": st.builds(file_infos.SizeInformation, u64),
    "number": st.builds(file_infos.NumberInformation, u32),
    "file id": st.builds(file_infos.IdInformation, u64, u64),
    "volume": st.builds(fs_infos.VolumeInformation, names, u32, u64, st.booleans()),
    "fs size": st.builds(fs_infos.SizeInformation, u64, u64, u32, u32),
    "fs full size": st.builds(fs_infos.FullSizeInformation, u64, u64, u64, u32, u32),
    "fs attribute": st.builds(fs_infos.AttributeInformation, u32, u32, names),
    "fs object id": st.builds(fs_infos.ObjectIdInformation, guids),
}


@pytest.mark.parametrize("kind", BODIES)
@settings(max_examples=60)
@given(drawn=st.data())
def test_a_body_reads_back_as_it_was_written(kind: str, drawn: st.DataObject) -> None:
    value = drawn.draw(BODIES[kind])
    assert type(value).decode(value.encode()) == value


@pytest.mark.parametrize("kind", BODIES)
@settings(max_examples=60)
@given(drawn=st.data())
def test_a_damaged_body_is_read_or_refused(kind: str, drawn: st.DataObject) -> None:
    value = drawn.draw(BODIES[kind])
    raw = bytearray(value.encode())
    for _ in range(drawn.draw(st.integers(1, 4))):
        raw[drawn.draw(st.integers(0, len(raw) - 1))] = drawn.draw(u8)
    del raw[drawn.draw(st.integers(0, len(raw))) :]
    fatal = False
    try:
        type(value).decode(bytes(raw))
    except WireError as error:
        fatal = error.fatal
    assert not fatal, "a body is answered, the connection lives"


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_no_smb1_negotiate_or_one(raw: bytes) -> None:
    for message in (raw, MultiProtocolNegotiate(("a",)).encode()[:33] + raw):
        try:
            MultiProtocolNegotiate.decode(message)
        except WireError:
            continue


@given(st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126)), max_size=5).map(tuple))
def test_an_smb1_negotiate_reads_back(dialects: tuple[str, ...]) -> None:
    assert MultiProtocolNegotiate.decode(MultiProtocolNegotiate(dialects).encode()).dialects == dialects


def test_an_interface_is_152_bytes_linked_to_the_next() -> None:
    listed = (
        NetworkInterface(5, IPv4Address("10.0.0.1"), 10**10, InterfaceCapability.RSS),
        NetworkInterface(5, IPv6Address("fd00::1"), 10**10, InterfaceCapability.RSS),
    )
    raw = encode_interfaces(listed)
    assert len(raw) == 304
    assert raw[:4] == (152).to_bytes(4, "little")
    assert raw[152:156] == bytes(4)
    assert raw[24:32] == bytes.fromhex("0200 0000 0a000001".replace(" ", ""))
    assert raw[152 + 24 : 152 + 26] == b"\x17\0"
    assert decode_interfaces(raw) == listed


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_an_interface_list_or_none(raw: bytes) -> None:
    try:
        decode_interfaces(raw)
    except WireError:
        return


@given(
    st.sampled_from(directory_infos.DirectoryClass),
    st.lists(st.builds(directory_infos.DirectoryEntry, names, u64, u64, u64, u64, u64, u64, u32), max_size=5),
)
def test_a_directory_reads_back(
    info_class: directory_infos.DirectoryClass, entries: list[directory_infos.DirectoryEntry]
) -> None:
    listing = directory_infos.EntryList(100_000)
    for entry in entries:
        assert listing.add(directory_infos.encode_entry(entry, info_class))
    found = list(directory_infos.decode_entries(listing.encode(), info_class))
    assert [entry.name for entry in found] == [entry.name for entry in entries]
    if info_class is not directory_infos.DirectoryClass.NAMES:
        assert [entry.end_of_file for entry in found] == [entry.end_of_file for entry in entries]


def test_an_entry_list_never_exceeds_its_limit() -> None:
    entry = directory_infos.encode_entry(directory_infos.DirectoryEntry("x" * 9), 0x25)
    listing = directory_infos.EntryList(3 * len(entry))
    assert [listing.add(entry) for _ in range(4)] == [True, True, False, False]
    assert len(listing) <= 3 * len(entry)


def test_a_context_that_may_come_once_is_refused_twice() -> None:
    twice = NegotiateRequest((0x311,), uuid.UUID(int=1), contexts=(Signing((1,)), Signing((2,)))).encode()
    with pytest.raises(WireError, match="more than once"):
        NegotiateRequest.decode(twice)
