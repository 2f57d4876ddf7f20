"""Requests of one connection and their answers, whatever is in them: headers, ids, signatures, compounds, encryption."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from selftest.support.smb_exchange import Exchange
from server.wire.encryption import Envelope
from server.wire.header import SIZE, Command, Flags, Header, split_compound
from server.wire.keys import PreauthHash
from server.wire.misc import EMPTY_BODY
from server.wire.negotiate import Dialect
from server.wire.negotiate_contexts import Cipher
from server.wire.signing import Signer, SigningAlgorithm
from server.wire.status import NTSTATUS

GUID = uuid.UUID("11111111-2222-3333-4444-555555555555")


@dataclass(frozen=True)
class Answer:
    """`message` from header to last byte."""

    header: Header
    message: bytes

    @property
    def status(self) -> NTSTATUS:
        return NTSTATUS(self.header.status)

    @property
    def body(self) -> memoryview:
        return memoryview(self.message)[SIZE:]


@dataclass
class LoggedOn:
    """A session as its client sees it."""

    id: int
    signer: Signer
    tree: int = 0
    envelope: Envelope | None = None

    def need_envelope(self) -> Envelope:
        assert self.envelope is not None, "no cipher was agreed on"
        return self.envelope


class Messages:
    """What every kind of request is made with. It checks little and refuses nothing."""

    def __init__(self, exchange: Exchange, guid: uuid.UUID = GUID) -> None:
        self.exchange = exchange
        self.guid = guid
        self.message_id = 0
        self.preauth = PreauthHash()
        self.dialect = Dialect.SMB_3_1_1
        self.signing = SigningAlgorithm.AES_CMAC
        self.cipher = Cipher.NONE
        self.sequence = 0

    def ask(
        self,
        command: Command,
        body: bytes,
        session: LoggedOn | None = None,
        *,
        signed: bool = True,
        encrypted: bool = False,
        flags: int | None = None,
        charge: int = 1,
    ) -> Answer:
        message = self._message(
            command,
            body,
            session_id=session.id if session else 0,
            tree_id=session.tree if session else 0,
            signer=session.signer if session and signed and not encrypted else None,
            flags=flags,
            charge=charge,
        )
        if encrypted:
            assert session is not None
            return self.ask_in(session.need_envelope(), message)
        self.exchange.send(message)
        answer = self._answer()
        if session is not None and answer.header.flags & Flags.SIGNED:
            assert session.signer.verify(answer.message, server=True), "an answer with a wrong signature"
        return answer

    def ask_in(self, envelope: Envelope, message: bytes) -> Answer:
        """Ask it encrypted; the answer has to be encrypted too."""
        self.exchange.send(b"".join(envelope.seal(message))[4:])
        return _decoded(envelope.open(self.exchange.receive()))

    def begin(
        self,
        command: Command,
        body: bytes,
        session: LoggedOn,
        *,
        flags: int | None = None,
        charge: int = 1,
    ) -> int:
        """Send a request and wait for nothing. Its MessageId."""
        number = self.message_id
        message = self._message(
            *(command, body),
            session_id=session.id,
            tree_id=session.tree,
            signer=session.signer,
            flags=flags,
            charge=charge,
        )
        self.exchange.send(message)
        return number

    def request_bytes(
        self, command: Command, body: bytes, session: LoggedOn, *, signed: bool, flags: int, charge: int
    ) -> bytes:
        """The PDU that `ask` sends."""
        return self._message(
            *(command, body),
            session_id=session.id,
            tree_id=session.tree,
            signer=session.signer if signed else None,
            flags=flags,
            charge=charge,
        )

    def next(self) -> Answer:
        """Whatever comes next from the server: an answer, an interim one, or a break."""
        return self._answer()

    def cancel(self, session: LoggedOn, pending: Answer) -> None:
        """CANCEL the request of that interim answer. There is no answer to it."""
        header = Header(
            Command.CANCEL,
            message_id=pending.header.message_id,
            session_id=session.id,
            async_id=pending.header.async_id,
        )
        message = bytearray(header.encode() + EMPTY_BODY)
        session.signer.sign(message, server=False, cancel=True)
        self.exchange.send(bytes(message))

    def compound(self, session: LoggedOn, requests: Sequence[tuple[Command, bytes, bool]]) -> list[Answer]:
        """(command, body, related) each; one PDU there, one back."""
        self.exchange.send(self.compound_bytes(session, requests))
        return [_decoded(bytes(found)) for _, found in split_compound(self.exchange.receive())]

    def compound_bytes(self, session: LoggedOn, requests: Sequence[tuple[Command, bytes, bool]]) -> bytes:
        """The PDU that `compound` sends."""
        messages = []
        for position, (command, body, related) in enumerate(requests):
            last = position == len(requests) - 1
            padded = body if last else body + bytes(-(SIZE + len(body)) % 8)
            message = self._message(
                command,
                padded,
                session_id=session.id,
                tree_id=session.tree,
                flags=Flags.RELATED_OPERATIONS if related else None,
                next_command=0 if last else SIZE + len(padded),
                signer=session.signer,
            )
            messages.append(message)
        return b"".join(messages)

    def _message(
        self,
        command: Command,
        body: bytes,
        *,
        session_id: int = 0,
        tree_id: int = 0,
        signer: Signer | None = None,
        flags: int | None = None,
        charge: int = 1,
        next_command: int = 0,
    ) -> bytes:
        header = Header(
            command,
            flags=flags or 0,
            message_id=self.message_id,
            session_id=session_id,
            tree_id=tree_id,
            credit_charge=charge,
            credits=max(64, charge),
            next_command=next_command,
            channel_sequence=self.sequence,
        )
        self.message_id += charge
        message = bytearray(header.encode() + body)
        if signer is not None:
            signer.sign(message, server=False)
        return bytes(message)

    def _answer(self) -> Answer:
        return _decoded(self.exchange.receive())


def _decoded(message: bytes) -> Answer:
    return Answer(Header.decode(message), message)
