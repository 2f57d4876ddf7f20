"""An SMB2 client that does one thing at a time and can do everything wrong: what tests put against the server.

`Peer` speaks over an `Exchange`: bytes of a PDU in, PDUs out. `InProcess` is the core itself, without sockets or
processes; `OverTcp` a connection to a running server. Unlike the real client it checks little and refuses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol

from server.config import Limits, ServerConfig, ShareConfig, UserConfig
from server.core.commands.negotiate import smb1_negotiate
from server.core.commands.table import HANDLERS
from server.core.connection import Connection, Progress
from server.core.core import Core
from server.core.dispatcher import Dispatcher
from server.core.shared.notices import Notice, Orphaned
from server.log import Log
from server.memory import MemoryStore
from server.ports.files import Files
from server.ports.interfaces import InterfaceAddress
from server.ports.store import Store
from server.posix.files import PosixFiles
from server.wire.create import FILE_ALL_ACCESS, CreateRequest, CreateResponse, Disposition
from server.wire.encryption import Envelope, key_length
from server.wire.header import SIZE, Command, Flags, Header, split_compound
from server.wire.keys import PreauthHash, encryption_keys, signing_key
from server.wire.misc import EMPTY_BODY
from server.wire.negotiate import Capabilities, Dialect, NegotiateRequest, NegotiateResponse
from server.wire.negotiate_contexts import Cipher, Context, Encryption, PreauthIntegrity, Signing, find
from server.wire.ntlm import NtlmClient, nt_hash
from server.wire.readwrite import ReadRequest, ReadResponse, WriteRequest
from server.wire.session_setup import SessionSetupRequest, SessionSetupResponse, SetupFlags
from server.wire.signing import Signer, SigningAlgorithm, algorithm_for
from server.wire.spnego import Initiator
from server.wire.status import NTSTATUS
from server.wire.tree import TreeConnectRequest

USERS = {"alice": "secret", "bob": "hunter2"}
GUID = uuid.UUID("11111111-2222-3333-4444-555555555555")


class Closed(Exception):
    """The server has closed the connection; the text is its reason, where that can be known."""


class Exchange(Protocol):
    def send(self, pdu: bytes) -> None: ...

    def receive(self) -> bytes:
        """The next PDU from the server. Closed: there is none to come."""
        ...


def config(tmp_path: Path, **changes: Any) -> ServerConfig:
    root = tmp_path / "share"
    root.mkdir(exist_ok=True)
    chosen: dict[str, Any] = {
        "shares": (ShareConfig("data", str(root)),),
        "users": tuple(UserConfig(name, nt_hash(password).hex()) for name, password in USERS.items()),
        "guid": str(uuid.UUID(int=7)),
        "limits": Limits(),
    }
    return ServerConfig(**{**chosen, **changes})


@dataclass
class Told:
    """Events, kept."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def emit(self, kind: str, /, **fields: Any) -> None:
        self.events.append((kind, fields))

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]


@dataclass
class Listed:
    """Interfaces as a test wants them."""

    interfaces: list[InterfaceAddress] = field(default_factory=list)

    def query(self) -> list[InterfaceAddress]:
        return self.interfaces


def interface(index: int, address: str, **changes: Any) -> InterfaceAddress:
    chosen: dict[str, Any] = {
        "name": f"eth{index}",
        "speed": 1_000_000_000,
        "rss": False,
        "rdma": False,
        "running": True,
        "loopback": False,
    }
    return InterfaceAddress(index=index, address=ip_address(address), **{**chosen, **changes})


class Fleet:
    """Workers of one server, each a core in this process: one loop, one store, and the way between them."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or MemoryStore()
        self.loop = asyncio.new_event_loop()
        self.workers: dict[str, InProcess] = {}
        self.arrived = asyncio.Event()
        self.orphaned: list[Orphaned] = []

    def run(self, turns: int = 64) -> None:
        """Let everything go on that does not wait for time or a thread."""

        async def several() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.loop.run_until_complete(several())

    def await_answer(self, wire: InProcessWire) -> None:
        """Until something was sent on that wire, for a while; not at all where nothing is under way that could send it."""
        self.run()
        if wire.answers or not any(worker.busy() for worker in self.workers.values()):
            return

        async def until() -> None:
            async with asyncio.timeout(_PATIENCE):
                while not wire.answers and wire.reason is None:
                    self.arrived.clear()
                    await self.arrived.wait()

        with contextlib.suppress(TimeoutError):
            self.loop.run_until_complete(until())

    def close(self) -> None:
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


_PATIENCE = 5.0


@dataclass
class Inbox:
    """`Couriers` within one process."""

    fleet: Fleet
    address: str
    home: str = "home"

    def alive(self, pid: int) -> bool:
        return any(worker.core.identity == pid for worker in self.fleet.workers.values())

    def tell(self, address: str, notice: Notice) -> None:
        if isinstance(notice, Orphaned):
            self.fleet.orphaned.append(notice)
        worker = self.fleet.workers.get(address)
        if worker is not None:
            self.fleet.loop.call_soon(worker.core.noticed, notice)


class InProcess:
    """The core of one worker, on a loop of its own or of its `fleet`. `connect` gives a connection to it."""

    def __init__(
        self, settings: ServerConfig, fleet: Fleet | None = None, files: Files | None = None
    ) -> None:
        self.own = fleet is None
        self.fleet = fleet or Fleet()
        self.events = Told()
        self.interfaces = Listed([interface(2, "10.0.1.1", rss=True, speed=10_000_000_000)])
        number = len(self.fleet.workers) + 1
        self.address = f"worker-{number:09}"
        self.core = Core(
            settings,
            files or PosixFiles(),
            self.interfaces,
            self.fleet.store,
            Inbox(self.fleet, self.address),
            self.events,
            number,
            os.urandom,
            time.time_ns,
        )
        self.fleet.workers[self.address] = self
        self.failures = Failures()
        self.dispatcher = Dispatcher(self.core, HANDLERS, smb1_negotiate, Log(self.failures))
        self.wires: list[InProcessWire] = []

    def connect(self) -> InProcessWire:
        wire = InProcessWire(self, f"c{len(self.wires) + 1}")
        self.wires.append(wire)
        return wire

    def deliver(self, connection: Connection, pdu: bytes) -> None:
        """Hand it to the core; what has to wait for a thread is left waiting."""

        async def receive() -> None:
            self.dispatcher.receive(connection, pdu)

        self.fleet.loop.run_until_complete(receive())

    def busy(self) -> bool:
        return bool(self.dispatcher._tasks or self.core.breaks._tasks)

    def settle(self) -> None:
        """Let everything that waits come to its end."""
        self.fleet.loop.run_until_complete(self.dispatcher.settled())

    def kill(self) -> None:
        """As SIGKILL would: nothing of it acts any more; what it has in the store stays."""
        del self.fleet.workers[self.address]
        for wire in self.wires:
            wire.reason = wire.reason or "killed"

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *_: object) -> None:
        async def end() -> None:
            for wire in self.wires:
                wire.close("the test ends")
            self.core.breaks.close()

        self.fleet.loop.run_until_complete(end())
        self.settle()
        if self.own:
            self.fleet.close()


class Failures:
    """A log stream that a test can look into: a line here is an error of the server's own."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> int:
        self.lines.append(line)
        return len(line)

    def flush(self) -> None:
        return


class InProcessWire:
    """One connection: a `Wire` to the core, an `Exchange` to the peer."""

    def __init__(self, server: InProcess, name: str) -> None:
        self._server = server
        self.answers: list[bytes] = []
        self.reason: str | None = None
        self.sent = 0
        self.acking = True
        self.connection = server.core.connected(name, self, "10.0.1.1:445", "10.0.1.2:40000")

    def send(self, pdu: bytes | list[Any]) -> None:
        """From the peer: bytes of a message. From the core: the parts of a framed PDU."""
        if isinstance(pdu, list):
            if self.reason is None:
                self.answers.append(b"".join(bytes(part) for part in pdu)[4:])
                self.sent += len(self.answers[-1]) + 4
                self._server.fleet.arrived.set()
        elif self.reason is None:
            self._server.deliver(self.connection, pdu)

    def receive(self) -> bytes:
        if not self.answers:
            self._server.fleet.await_answer(self)
        if self.answers:
            return self.answers.pop(0)
        raise Closed(self.reason or "no answer, though the connection is open")

    def close(self, reason: str) -> None:
        if self.reason is None:
            self.reason = reason
            self._server.fleet.arrived.set()
            self._server.core.lost(self.connection)

    abort = close

    def progress(self) -> Progress:
        """`acking` False: the peer's TCP has gone silent."""
        return Progress(self.sent, self.sent if self.acking else 0, 0.2)

    def quiet(self) -> bool:
        """Whether nothing was sent, once everything that could has gone on."""
        self._server.fleet.run()
        return not self.answers


class OverTcp:
    """A connection to a server's socket."""

    def __init__(self, address: str, port: int, timeout: float = 10.0) -> None:
        self.socket = socket.create_connection((address, port), timeout)

    def send(self, pdu: bytes) -> None:
        self.socket.sendall(len(pdu).to_bytes(4, "big") + pdu)

    def receive(self) -> bytes:
        return self._exactly(int.from_bytes(self._exactly(4), "big"))

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                piece = self.socket.recv(count - len(data))
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise Closed("end of file")
            data += piece
        return data

    def close(self) -> None:
        self.socket.close()


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


class Peer:
    """One connection. Every method sends one request and returns its answer, whatever the status."""

    def __init__(self, exchange: Exchange, guid: uuid.UUID = GUID) -> None:
        self.exchange = exchange
        self.guid = guid
        self.message_id = 0
        self.preauth = PreauthHash()
        self.dialect = Dialect.SMB_3_1_1
        self.signing = SigningAlgorithm.AES_CMAC
        self.cipher = Cipher.NONE
        self.sequence = 0

    def negotiate(
        self,
        dialects: Sequence[int] = (Dialect.SMB_3_1_1,),
        *,
        signing: Sequence[int] | None = (SigningAlgorithm.AES_GMAC, SigningAlgorithm.AES_CMAC),
        capabilities: int = Capabilities.LARGE_MTU | Capabilities.MULTI_CHANNEL,
        ciphers: Sequence[int] = (),
    ) -> Answer:
        contexts: tuple[Context, ...] = (PreauthIntegrity((1,), b"salt" * 8),)
        if signing:
            contexts += (Signing(tuple(signing)),)
        if ciphers:
            contexts += (Encryption(tuple(ciphers)),)
            capabilities |= Capabilities.ENCRYPTION
        asked = NegotiateRequest(
            tuple(dialects),
            self.guid,
            capabilities=capabilities,
            contexts=contexts if 0x311 in dialects else (),
        )
        message = Header(Command.NEGOTIATE, message_id=self.message_id, credits=64).encode() + asked.encode()
        self.message_id += 1
        self.exchange.send(message)
        answer = self._answer()
        if answer.status is NTSTATUS.SUCCESS:
            terms = NegotiateResponse.decode(answer.body)
            self.dialect = terms.dialect
            chosen = find(terms.contexts, Signing)
            self.signing = algorithm_for(
                terms.dialect, SigningAlgorithm(chosen.algorithms[0]) if chosen else None
            )
            self.preauth = PreauthHash().update(message).update(answer.message)
            self.cipher = _cipher(terms)
        return answer

    def log_on(self, user: str = "alice", password: str | None = None, **about: Any) -> LoggedOn:
        """A session that stands, or AssertionError with the status."""
        session, answer = self.authenticate(user, password, **about)
        assert answer.status is NTSTATUS.SUCCESS, answer.status.label
        assert session is not None
        return session

    def bind(self, session: LoggedOn, user: str = "alice", password: str | None = None) -> Answer:
        """Bind that session here. On success `LoggedOn` for this channel is `self.bound`."""
        bound, answer = self.authenticate(
            user, password, session_id=session.id, signer=session.signer, flags=SetupFlags.BINDING
        )
        if bound is not None:
            bound.tree = session.tree
            bound.envelope = session.envelope
            self.bound = bound
        return answer

    def authenticate(
        self,
        user: str = "alice",
        password: str | None = None,
        *,
        session_id: int = 0,
        signer: Signer | None = None,
        flags: int = SetupFlags.NONE,
        previous: int = 0,
    ) -> tuple[LoggedOn | None, Answer]:
        secret = USERS[user] if password is None else password
        initiator = Initiator(NtlmClient(user, secret))
        token, preauth = initiator.begin(), self.preauth
        while True:
            body = SessionSetupRequest(token, flags, previous_session_id=previous).encode()
            message = self._message(Command.SESSION_SETUP, body, session_id=session_id, signer=signer)
            preauth = preauth.update(message)
            self.exchange.send(message)
            answer = self._answer()
            if answer.status is not NTSTATUS.MORE_PROCESSING_REQUIRED:
                break
            if signer is not None:
                assert signer.verify(answer.message, server=True), "an interim answer with a wrong signature"
            preauth = preauth.update(answer.message)
            session_id = answer.header.session_id
            token = initiator.respond(SessionSetupResponse.decode(answer.body).token)
        if answer.status is not NTSTATUS.SUCCESS:
            return None, answer
        own = Signer(self.signing, signing_key(initiator.session_key, self.dialect, preauth))
        assert own.verify(answer.message, server=True), "the final answer is not signed by the new key"
        logged_on = LoggedOn(session_id, own)
        if self.cipher is not Cipher.NONE:
            keys = encryption_keys(
                initiator.session_key, self.dialect, preauth, key_length=key_length(self.cipher)
            )
            logged_on.envelope = Envelope.of_client(self.cipher, session_id, keys)
        return logged_on, answer

    def tree_connect(self, session: LoggedOn, share: str = "data") -> Answer:
        answer = self.ask(Command.TREE_CONNECT, TreeConnectRequest(f"\\\\server\\{share}").encode(), session)
        session.tree = answer.header.tree_id
        return answer

    def create(self, session: LoggedOn, name: str, **about: Any) -> bytes:
        """The FileId, or AssertionError with the status."""
        answer = self.try_create(session, name, **about)
        assert answer.status is NTSTATUS.SUCCESS, answer.status.label
        return CreateResponse.decode(answer.body).file_id

    def open(self, session: LoggedOn, name: str, **about: Any) -> CreateResponse:
        """The whole response, or AssertionError with the status."""
        answer = self.try_create(session, name, **about)
        assert answer.status is NTSTATUS.SUCCESS, answer.status.label
        return CreateResponse.decode(answer.body)

    def try_create(self, session: LoggedOn, name: str, **about: Any) -> Answer:
        chosen = {"desired_access": FILE_ALL_ACCESS, "disposition": Disposition.OPEN_IF, **about}
        return self.ask(Command.CREATE, CreateRequest(name, **chosen).encode(), session)

    def write(self, session: LoggedOn, file_id: bytes, data: bytes, offset: int = 0, **about: Any) -> Answer:
        charge = max(1, -(-len(data) // 65536))
        body = WriteRequest(file_id, data, offset).encode()
        return self.ask(Command.WRITE, body, session, charge=charge, **about)

    def read(self, session: LoggedOn, file_id: bytes, length: int, offset: int = 0, **about: Any) -> Answer:
        charge = max(1, -(-length // 65536))
        body = ReadRequest(file_id, length, offset).encode()
        return self.ask(Command.READ, body, session, charge=charge, **about)

    def content(self, session: LoggedOn, file_id: bytes, length: int) -> bytes:
        return bytes(ReadResponse.decode(self.read(session, file_id, length).body).data)

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
        return [_decoded(bytes(found)) for found in split_compound(self.exchange.receive())]

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


def _cipher(terms: NegotiateResponse) -> Cipher:
    chosen = find(terms.contexts, Encryption)
    if chosen is not None:
        return Cipher(chosen.ciphers[0])
    return Cipher.AES_128_CCM if terms.capabilities & Capabilities.ENCRYPTION else Cipher.NONE


def _decoded(message: bytes) -> Answer:
    return Answer(Header.decode(message), message)


def ready(server: InProcess, *, guid: uuid.UUID = GUID, **about: Any) -> tuple[Peer, LoggedOn]:
    """A peer that has negotiated, logged on and connected to the share `data`."""
    peer = Peer(server.connect(), guid)
    peer.negotiate(**about)
    session = peer.log_on()
    assert peer.tree_connect(session).status is NTSTATUS.SUCCESS
    return peer, session


def second_channel(server: InProcess, session: LoggedOn, **about: Any) -> tuple[Peer, LoggedOn]:
    """One more channel of the session."""
    peer = Peer(server.connect())
    peer.negotiate(**about)
    answer = peer.bind(session)
    assert answer.status is NTSTATUS.SUCCESS, answer.status.label
    return peer, peer.bound
