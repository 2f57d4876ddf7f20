"""Message ids, credits and signatures on one connection."""

from __future__ import annotations

import pytest

from server.client.errors import ChannelLost
from server.client.exchange import Exchange, charge_for
from server.wire.header import UNSOLICITED, Command, Flags, Header, join_compound
from server.wire.misc import EMPTY_BODY, ERROR_BODY
from server.wire.signing import Signer, SigningAlgorithm
from server.wire.status import NTSTATUS

SIGNER = Signer(SigningAlgorithm.AES_GMAC, bytes(range(16)))
SESSION = 0x77


def exchange(credits: int = 40) -> Exchange:
    return Exchange(SESSION, SIGNER, credits, 5)


def sent(parts: list[bytes | bytearray | memoryview]) -> bytes:
    """The message in a PDU's parts, its prefix checked and taken off."""
    pdu = b"".join(bytes(part) for part in parts)
    assert int.from_bytes(pdu[:4], "big") == len(pdu) - 4
    return pdu[4:]


def answer(
    message_id: int,
    command: Command = Command.ECHO,
    *,
    status: int = 0,
    credits: int = 1,
    signed: bool = True,
    async_id: int | None = None,
    body: bytes = EMPTY_BODY,
) -> bytearray:
    header = Header(
        command,
        status=status,
        flags=Flags.SERVER_TO_REDIR,
        message_id=message_id,
        session_id=SESSION,
        credits=credits,
        async_id=async_id,
    )
    message = bytearray(header.encode() + body)
    if signed:
        SIGNER.sign(message, server=True)
    return message


def test_a_request_takes_as_many_ids_as_credits_and_says_what_it_is_about() -> None:
    connection = exchange()
    first, parts = connection.begin(
        Command.WRITE,
        [b"head", bytes(1 << 20)],
        now=1.5,
        tree_id=9,
        charge=16,
        size=1 << 20,
        channel_sequence=3,
        replay=True,
    )
    second, _ = connection.begin(Command.ECHO, [EMPTY_BODY], now=2.0)
    assert (first, second, connection.credits) == (5, 21, 23)
    assert connection.outstanding_bytes == 1 << 20
    assert connection.oldest == 1.5
    message = sent(parts)
    header = Header.decode(message)
    assert (header.tree_id, header.session_id, header.channel_sequence) == (9, SESSION, 3)
    assert header.flags == Flags.SIGNED | Flags.REPLAY_OPERATION
    assert header.credit_charge == 16
    assert header.credits >= 16, "it asks for at least what it takes"
    assert SIGNER.verify(message, server=False)


def test_more_than_the_credits_is_not_sent() -> None:
    connection = exchange(credits=15)
    with pytest.raises(ValueError, match="16 credits"):
        connection.begin(Command.WRITE, [b""], now=0.0, charge=16)
    assert connection.begin(Command.ECHO, [b""], now=0.0)[0] == 5, "and took no id"


@pytest.mark.parametrize(("payload", "charge"), [(0, 1), (1, 1), (65536, 1), (65537, 2), (1 << 20, 16)])
def test_what_a_payload_costs(payload: int, charge: int) -> None:
    assert charge_for(payload) == charge


def test_an_answer_settles_its_request_and_brings_credits() -> None:
    connection = exchange()
    number, _ = connection.begin(Command.ECHO, [EMPTY_BODY], now=0.0, size=7)
    [(settled, reply, request)] = connection.receive(answer(number, credits=3))
    assert request.size == 7
    assert settled == number
    assert reply.status is NTSTATUS.SUCCESS
    assert bytes(reply.body) == EMPTY_BODY
    assert (connection.credits, connection.pending, connection.outstanding_bytes) == (42, {}, 0)


def test_a_compound_answer_settles_each_of_its_requests() -> None:
    connection = exchange()
    numbers = [connection.begin(Command.ECHO, [EMPTY_BODY], now=0.0)[0] for _ in range(2)]
    chain = join_compound([answer(number, signed=False) for number in numbers])
    for message in chain:
        SIGNER.sign(message, server=True)
    assert [number for number, _, _ in connection.receive(b"".join(chain))] == numbers


def test_an_interim_answer_brings_its_credits_and_settles_nothing() -> None:
    connection = exchange()
    number, _ = connection.begin(Command.CREATE, [b""], now=0.0)
    interim = answer(
        number, Command.CREATE, status=NTSTATUS.PENDING, credits=5, signed=False, async_id=8, body=ERROR_BODY
    )
    assert connection.receive(interim) == []
    assert (connection.credits, connection.pending[number].async_id) == (44, 8)
    final = answer(number, Command.CREATE, credits=0, async_id=8)
    assert [settled for settled, _, _ in connection.receive(final)] == [number]


@pytest.mark.parametrize("how", ["unsigned", "wrong key", "altered"])
def test_an_answer_that_is_not_rightly_signed_ends_the_channel(how: str) -> None:
    connection = exchange()
    number, _ = connection.begin(Command.ECHO, [EMPTY_BODY], now=0.0)
    message = answer(number, signed=how != "unsigned")
    if how == "wrong key":
        Signer(SigningAlgorithm.AES_GMAC, bytes(16)).sign(message, server=True)
    elif how == "altered":
        message[-1] ^= 1
    with pytest.raises(ChannelLost, match="signature"):
        connection.receive(message)


def test_a_server_without_the_session_has_no_key_to_say_so_with() -> None:
    connection = exchange()
    number, _ = connection.begin(Command.ECHO, [EMPTY_BODY], now=0.0)
    gone = answer(number, status=NTSTATUS.USER_SESSION_DELETED, signed=False, body=ERROR_BODY)
    [(_, reply, _)] = connection.receive(gone)
    assert reply.status is NTSTATUS.USER_SESSION_DELETED


@pytest.mark.parametrize(
    "message",
    [
        answer(6),
        answer(5, Command.CLOSE),
        bytearray(Header(Command.ECHO, message_id=5).encode() + EMPTY_BODY),
    ],
    ids=["no such request", "another command", "not an answer"],
)
def test_an_answer_to_nothing_ends_the_channel(message: bytearray) -> None:
    connection = exchange()
    connection.begin(Command.ECHO, [EMPTY_BODY], now=0.0)
    with pytest.raises(ChannelLost, match="no request"):
        connection.receive(message)


def test_a_break_is_kept_for_whoever_handles_it() -> None:
    connection = exchange()
    assert connection.receive(answer(UNSOLICITED, Command.OPLOCK_BREAK, signed=False)) == []
    assert [reply.header.command for reply in connection.unsolicited] == [Command.OPLOCK_BREAK]
