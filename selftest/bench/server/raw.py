"""A client that costs as little as it can: requests are encoded and signed before the clock runs, and of an answer only the
status is looked at. One connection, one request at a time, blocking. The same for every server.

Speaks through `server.wire`, so that a change there is measured as well; must not know which server it speaks to.
"""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from server.wire.buffers import Buffer
from server.wire.framing import PREFIX_SIZE, prefix
from server.wire.header import SIZE, Command, Header
from server.wire.keys import PreauthHash, signing_key
from server.wire.negotiate import Capabilities, Dialect, NegotiateRequest, NegotiateResponse
from server.wire.negotiate_contexts import PreauthIntegrity, Signing, find
from server.wire.ntlm import NtlmClient
from server.wire.session_setup import SessionSetupRequest, SessionSetupResponse, SetupFlags
from server.wire.signing import Signer, SigningAlgorithm, algorithm_for
from server.wire.spnego import Initiator
from server.wire.status import NTSTATUS
from server.wire.tree import TreeConnectRequest

USER, PASSWORD, SHARE = "alice", "secret", "data"
CREDITS = 512
_STATUS = slice(PREFIX_SIZE + 8, PREFIX_SIZE + 12)
_TREE_ID, _SESSION_ID = slice(36, 40), slice(40, 48)
_LARGEST = (1 << 20) + 4096


class Refused(Exception):
    """The server has answered otherwise than it should."""


@dataclass(frozen=True, slots=True)
class Logon:
    """A session as a bind to it needs to know it."""

    id: int
    signer: Signer


class Raw:
    """One connection that has negotiated `dialect`; with GMAC where that is 3.1.1."""

    def __init__(
        self, address: tuple[str, int], guid: uuid.UUID, dialect: Dialect = Dialect.SMB_3_1_1
    ) -> None:
        self.socket = socket.create_connection(address, 30)
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answer = memoryview(bytearray(_LARGEST))
        self._message_id = 0
        self._session = self._tree = 0
        self._signer: Signer | None = None
        self._negotiate(guid, dialect)

    def close(self) -> None:
        self.socket.close()

    def message(
        self, command: Command, body: Buffer, *, charge: int = 1, signed: bool = False, tail: Buffer = b""
    ) -> bytearray:
        """The next request with its prefix, without the `tail` that is to be sent behind it."""
        message = bytearray(PREFIX_SIZE)
        message += self._header(command, charge) + body
        message[:PREFIX_SIZE] = prefix(len(message) - PREFIX_SIZE + len(tail))
        if signed and self._signer is not None:
            head = memoryview(message)[PREFIX_SIZE:]
            self._signer.sign_parts(head, [tail] if tail else [], server=False)  # type: ignore[arg-type]
        return message

    def _header(self, command: Command, charge: int) -> bytes:
        number, self._message_id = self._message_id, self._message_id + charge
        return Header(
            command,
            message_id=number,
            session_id=self._session,
            tree_id=self._tree,
            credit_charge=charge if self.multicredit else 0,
            credits=max(charge, 1 if self._tree else CREDITS),
        ).encode()

    def time(self, requests: Iterable[Sequence[Buffer]]) -> float:
        """Seconds that they take, each sent when the one before it is answered."""
        send, exchange = self.socket.sendmsg, self._answer
        began = time.perf_counter()
        for request in requests:
            send(request)
            exchange()
        return time.perf_counter() - began

    def ask(self, message: Buffer, expected: NTSTATUS = NTSTATUS.SUCCESS) -> memoryview:
        """The answer, header first, as long as nothing else is asked."""
        self.socket.sendall(message)
        return self.answer[PREFIX_SIZE : self._answer(expected)]

    def _answer(self, expected: NTSTATUS = NTSTATUS.SUCCESS) -> int:
        """Take the answer in; how long it is, with its prefix. Refused: it has another status."""
        answer = self.answer
        got = self.socket.recv_into(answer)
        while True:
            end = (
                PREFIX_SIZE + int.from_bytes(answer[1:PREFIX_SIZE], "big") if got >= PREFIX_SIZE else got + 1
            )
            if got < end:
                more = self.socket.recv_into(answer[got:], end - got, socket.MSG_WAITALL)
                if not more:
                    raise Refused("the server has closed the connection")
                got += more
                continue
            status = int.from_bytes(answer[_STATUS], "little")
            if status == expected:
                return end
            if status != NTSTATUS.PENDING:
                raise Refused(NTSTATUS(status).label)
            answer[: got - end] = bytes(answer[end:got])  # the real answer follows
            got -= end

    def _negotiate(self, guid: uuid.UUID, dialect: Dialect) -> None:
        self.multicredit = dialect > Dialect.SMB_2_0_2
        modern = dialect is Dialect.SMB_3_1_1
        asked = NegotiateRequest(
            (dialect,),
            guid,
            capabilities=Capabilities.LARGE_MTU | Capabilities.MULTI_CHANNEL
            if self.multicredit
            else Capabilities.NONE,
            contexts=(PreauthIntegrity((1,), bytes(32)), Signing((SigningAlgorithm.AES_GMAC,)))
            if modern
            else (),
        )
        message = self.message(Command.NEGOTIATE, asked.encode())
        answer = self.ask(message)
        chosen = find(NegotiateResponse.decode(answer[SIZE:]).contexts, Signing) if modern else None
        self._dialect = dialect
        self._signing = algorithm_for(dialect, SigningAlgorithm(chosen.algorithms[0]) if chosen else None)
        self._preauth = PreauthHash().update(message[PREFIX_SIZE:]).update(answer)

    def log_on(self, existing: Logon | None = None) -> Logon:
        """A new session, or this connection as one more channel of that one."""
        initiator = Initiator(NtlmClient(USER, PASSWORD))
        flags = SetupFlags.NONE
        if existing is not None:
            flags, self._session, self._signer = SetupFlags.BINDING, existing.id, existing.signer
        message = self._setup(initiator.begin(), flags)
        answer = self.ask(message, NTSTATUS.MORE_PROCESSING_REQUIRED)
        preauth = self._preauth.update(message[PREFIX_SIZE:]).update(answer)
        self._session = int.from_bytes(answer[_SESSION_ID], "little")
        message = self._setup(initiator.respond(SessionSetupResponse.decode(answer[SIZE:]).token), flags)
        self.ask(message)
        preauth = preauth.update(message[PREFIX_SIZE:])
        self._signer = Signer(self._signing, signing_key(initiator.session_key, self._dialect, preauth))
        return Logon(self._session, self._signer)

    def _setup(self, token: bytes, flags: SetupFlags) -> bytearray:
        body = SessionSetupRequest(token, flags).encode()
        return self.message(Command.SESSION_SETUP, body, signed=True)

    def use(self, share: str = SHARE) -> None:
        """The share that everything from now on is about."""
        body = TreeConnectRequest(f"\\\\server\\{share}").encode()
        answer = self.ask(self.message(Command.TREE_CONNECT, body, signed=self._dialect is Dialect.SMB_3_1_1))
        self._tree = int.from_bytes(answer[_TREE_ID], "little")
