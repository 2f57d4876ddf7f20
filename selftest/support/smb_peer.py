"""An SMB2 client that does one thing at a time and can do everything wrong: what tests put against the server.

`Peer` speaks over an `Exchange`, in this process or over TCP. Its parts: `smb_exchange`, `smb_messages`, `smb_logon`;
what it speaks to is in `smb_core`. Unlike the real client it checks little and refuses nothing.
"""

from __future__ import annotations

import uuid
from typing import Any

from selftest.support.smb_core import (
    USERS,
    Failures,
    Fleet,
    InProcess,
    InProcessWire,
    Listed,
    Told,
    config,
    interface,
)
from selftest.support.smb_exchange import Closed, Exchange, OverTcp
from selftest.support.smb_logon import Logon
from selftest.support.smb_messages import GUID, Answer, LoggedOn
from server.wire.create import FILE_ALL_ACCESS, CreateRequest, CreateResponse, Disposition
from server.wire.header import Command
from server.wire.ioctl import IoctlRequest
from server.wire.readwrite import ReadRequest, ReadResponse, WriteRequest
from server.wire.status import NTSTATUS
from server.wire.tree import TreeConnectRequest

__all__ = [
    "GUID",
    "USERS",
    "Answer",
    "Closed",
    "Exchange",
    "Failures",
    "Fleet",
    "InProcess",
    "InProcessWire",
    "Listed",
    "LoggedOn",
    "OverTcp",
    "Peer",
    "Told",
    "config",
    "fsctl",
    "interface",
    "ready",
    "second_channel",
]


class Peer(Logon):
    """One connection. Every method sends one request and returns its answer, whatever the status."""

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


def ready(server: InProcess, *, guid: uuid.UUID = GUID, **about: Any) -> tuple[Peer, LoggedOn]:
    """A peer that has negotiated, logged on and connected to the share `data`."""
    peer = Peer(server.connect(), guid)
    peer.negotiate(**about)
    session = peer.log_on()
    assert peer.tree_connect(session).status is NTSTATUS.SUCCESS
    return peer, session


def fsctl(
    peer: Peer, session: LoggedOn, file_id: bytes, code: int, data: bytes = b"", room: int = 4096
) -> Answer:
    """A control request on an open file; `room` bytes of output are asked for (MS-SMB2 2.2.31)."""
    return peer.ask(Command.IOCTL, IoctlRequest(code, file_id, data, 0, room).encode(), session)


def second_channel(server: InProcess, session: LoggedOn, **about: Any) -> tuple[Peer, LoggedOn]:
    """One more channel of the session."""
    peer = Peer(server.connect())
    peer.negotiate(**about)
    answer = peer.bind(session)
    assert answer.status is NTSTATUS.SUCCESS, answer.status.label
    return peer, peer.bound
