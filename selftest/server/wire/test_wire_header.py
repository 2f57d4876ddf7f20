"""A header survives the wire whole, and a chain of messages comes apart as it was put together."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from server.wire.errors import WireError
from server.wire.header import SIZE, Command, Flags, Header, join_compound, split_compound

U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFF_FFFF)
U64 = st.integers(0, 2**64 - 1)


@st.composite
def headers(draw: st.DrawFn) -> Header:
    response = draw(st.booleans())
    is_async = draw(st.booleans())
    flags = draw(U32) & ~(Flags.SERVER_TO_REDIR | Flags.ASYNC_COMMAND)
    return Header(
        command=draw(st.sampled_from(Command)),
        status=draw(U32) if response else 0,
        flags=flags | Flags.SERVER_TO_REDIR * response | Flags.ASYNC_COMMAND * is_async,
        message_id=draw(U64),
        tree_id=0 if is_async else draw(U32),
        session_id=draw(U64),
        async_id=draw(U64) if is_async else None,
        credit_charge=draw(U16),
        credits=draw(U16),
        next_command=draw(U32),
        channel_sequence=0 if response else draw(U16),
        signature=draw(st.binary(min_size=16, max_size=16)),
        process_id=0 if is_async else draw(U32),
    )


@given(headers())
def test_decode_undoes_encode(header: Header) -> None:
    assert len(header.encode()) == SIZE
    assert Header.decode(header.encode()) == header


@given(headers(), headers())
def test_a_response_is_that_of_its_request(asked: Header, answer: Header) -> None:
    flags = answer.flags | Flags.SERVER_TO_REDIR
    fields = (answer.tree_id, answer.session_id, answer.async_id)
    plain = Header(
        *(
            asked.command,
            answer.status,
            flags,
            asked.message_id,
            *fields,
            asked.credit_charge,
            answer.credits,
        ),
        process_id=asked.process_id,
    )
    sent = asked.answered(answer.status, answer.flags & ~Flags.ASYNC_COMMAND, *fields, answer.credits)
    assert sent == plain.encode()


@given(st.binary(max_size=80))
def test_any_bytes_are_a_header_or_a_wire_error(data: bytes) -> None:
    for candidate in (data, b"\xfeSMB\x40\x00" + data):
        with contextlib.suppress(WireError):
            Header.decode(candidate)


def test_the_layout_is_the_documented_one() -> None:
    header = Header(
        Command.ECHO, message_id=0x0102, tree_id=9, session_id=0xAA, credits=3, channel_sequence=5
    )
    raw = header.encode()
    assert raw[:8] == b"\xfeSMB\x40\x00\x00\x00"
    assert (raw[8], raw[12], raw[14], raw[24], raw[25], raw[36], raw[40]) == (5, 0x0D, 3, 0x02, 0x01, 9, 0xAA)


def test_a_chain_is_padded_and_split_again() -> None:
    one = Header(Command.CREATE).encode() + b"abc"
    two = Header(Command.CLOSE, flags=Flags.RELATED_OPERATIONS).encode() + b"last one"
    chain = join_compound([one, two])
    assert [len(part) % 8 for part in chain] == [0, 0]
    headers, views = zip(*split_compound(b"".join(chain)), strict=True)
    assert [header.command for header in headers] == [Command.CREATE, Command.CLOSE]
    assert bytes(views[0][SIZE:]) == b"abc" + bytes(5), "padding belongs to the message: it is signed with it"
    assert bytes(views[1]) == two


@given(st.binary(max_size=400), st.lists(U32, max_size=4))
def test_no_next_command_leads_out_of_the_pdu(body: bytes, offsets: list[int]) -> None:
    pdu = b"".join(Header(Command.ECHO, next_command=offset).encode() for offset in offsets) + body
    try:
        views = [view for _, view in split_compound(pdu)]
    except WireError:
        return
    assert b"".join(views) == pdu
    assert all(len(view) >= SIZE for view in views)
