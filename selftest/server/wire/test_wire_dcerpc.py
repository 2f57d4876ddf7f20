"""DCE/RPC and srvsvc are written as clients read them, and nothing that they could write makes us fail."""

from __future__ import annotations

import contextlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.wire import dcerpc, srvsvc
from server.wire.dcerpc import Bind, Call, Kind, Part, Pdu
from server.wire.errors import MalformedError
from server.wire.ndr import Reader, Writer
from server.wire.srvsvc import ShareInfo, Werror

# A bind to srvsvc, byte for byte as C706 12.6.4.3 lays it out.
BIND = bytes.fromhex(
    "05000b03100000004800000001000000b810b810000000000100000000000100c84f324b7016d30112785a47bf6ee188"
    "03000000045d888aeb1cc9119fe808002b10486002000000"
)


def test_a_bind_is_read_and_written_as_it_is_laid_out() -> None:
    message = Pdu.decode(BIND)
    assert (message.kind, message.call, dcerpc.length_of(BIND)) == (Kind.BIND, 1, len(BIND))
    assert Bind.decode(message.body) == Bind(4280, ((0, srvsvc.INTERFACE, (dcerpc.NDR,)),))
    again = dcerpc.pdu(Kind.BIND, 1, Bind.decode(message.body).encode())
    assert again == BIND


@given(value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20))
def test_strings_and_numbers_come_back(value: str) -> None:
    reader = Reader(Writer().string(value).number(7).pointer().string(value).done())
    assert (reader.string(), reader.number(), reader.unique_string()) == (value, 7, value)


@pytest.mark.parametrize("level", [0, 1])
def test_shares_in_the_layout_of_ms_srvs(level: int) -> None:
    shares = [ShareInfo("data", srvsvc.DISK, "all"), ShareInfo("IPC$", srvsvc.IPC | srvsvc.SPECIAL)]
    reader = Reader(srvsvc.enumerated(level, shares))
    assert [reader.number(), reader.number(), bool(reader.number())] == [level, level, True]
    assert [reader.number(), bool(reader.number()), reader.number()] == [2, True, 2]
    for share in shares:
        assert reader.number(), "a pointer to the name"
        if level:
            assert (reader.number(), bool(reader.number())) == (share.type, True)
    for share in shares:
        assert reader.string() == share.name
        if level:
            assert reader.string() == share.comment
    assert [reader.number(), reader.number(), reader.number()] == [2, 0, Werror.SUCCESS]


def test_another_level_is_refused() -> None:
    assert srvsvc.enumerated(502, [])[-4:] == (124).to_bytes(4, "little")
    assert srvsvc.described(502, ShareInfo("data", 0))[-4:] == (124).to_bytes(4, "little")
    assert srvsvc.described(1, None)[-4:] == (2310).to_bytes(4, "little")


@given(stub=st.binary(max_size=500), fragment=st.integers(40, 300))
def test_an_answer_comes_in_fragments_that_fit(stub: bytes, fragment: int) -> None:
    rest, found = dcerpc.response(3, 0, stub, fragment), b""
    parts = []
    while rest:
        length = dcerpc.length_of(rest)
        assert length <= fragment
        message = Pdu.decode(rest[:length])
        parts.append(message.parts)
        found += message.body[8:]
        rest = rest[length:]
    assert found == stub
    assert [bool(one & Part.FIRST) for one in parts] == [True] + [False] * (len(parts) - 1)
    assert [bool(one & Part.LAST) for one in parts] == [False] * (len(parts) - 1) + [True]


@given(data=st.binary(max_size=120))
def test_garbage_is_malformed_and_nothing_else(data: bytes) -> None:
    message = Pdu(0, Part.OBJECT, 0, memoryview(data))
    for decode in (Pdu.decode, Bind.decode, srvsvc.asked_share, srvsvc.asked_level, dcerpc.length_of):
        with contextlib.suppress(MalformedError):
            decode(data)
    with contextlib.suppress(MalformedError):
        Call.decode(message)


def test_an_authenticated_message_is_refused() -> None:
    signed = bytearray(BIND)
    signed[10] = 16
    with pytest.raises(MalformedError):
        Pdu.decode(signed)


def test_a_call_with_an_object_has_its_stub_behind_it() -> None:
    body = Call(0, 15, memoryview(uuid.uuid4().bytes + b"stub")).encode()
    assert bytes(Call.decode(Pdu(0, Part.OBJECT, 1, memoryview(body))).stub) == b"stub"
