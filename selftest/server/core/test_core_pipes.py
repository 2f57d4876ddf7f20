"""The pipe srvsvc lists the shares, to whoever asks in whatever pieces (MS-SRVS 3.1.4.8, 3.1.4.10)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selftest.support.smb_peer import Answer, InProcess, LoggedOn, Peer, ready
from server.wire import dcerpc, srvsvc
from server.wire.dcerpc import Bind, Call, Fault, Kind, Part, Pdu
from server.wire.header import Command
from server.wire.ioctl import ControlCode, IoctlRequest, IoctlResponse
from server.wire.misc import EMPTY_BODY
from server.wire.ndr import Reader, Writer
from server.wire.readwrite import CloseRequest
from server.wire.status import NTSTATUS

BIND = dcerpc.pdu(Kind.BIND, 1, Bind(4280, ((0, srvsvc.INTERFACE, (dcerpc.NDR,)),)).encode())
ENUM = Writer().pointer().string("\\\\server").number(1).number(1).pointer().number(0).number(0)
ENUM_STUB = ENUM.number(0xFFFF_FFFF).number(0).done()


def call(operation: int, stub: bytes, parts: int = Part.FIRST | Part.LAST, context: int = 0) -> bytes:
    return dcerpc.pdu(Kind.REQUEST, 2, Call(context, operation, memoryview(stub)).encode(), parts)


class Pipe:
    def __init__(self, server: InProcess, name: str = "srvsvc") -> None:
        self.peer, self.session = ready(server)
        self.peer.tree_connect(self.session, "IPC$")
        self.id = self.peer.create(self.session, name)

    def ask(self, data: bytes, most: int = 65536) -> Answer:
        body = IoctlRequest(ControlCode.PIPE_TRANSCEIVE, self.id, data, max_output=most).encode()
        return self.peer.ask(Command.IOCTL, body, self.session)

    def answer(self, data: bytes) -> Pdu:
        answer = self.ask(data)
        assert answer.status is NTSTATUS.SUCCESS, answer.status.label
        return Pdu.decode(IoctlResponse.decode(answer.body).data)


@pytest.fixture
def pipe(server: InProcess) -> Pipe:
    pipe = Pipe(server)
    assert pipe.answer(BIND).kind == Kind.BIND_ACK
    return pipe


def names(stub: memoryview) -> list[str]:
    reader = Reader(stub[8:])
    for _ in range(5):
        reader.number()
    count = reader.number()
    for _ in range(3 * count):
        reader.number()
    return [(reader.string(), reader.string())[0] for _ in range(count)]


def test_the_shares_are_listed(pipe: Pipe) -> None:
    answer = pipe.answer(call(15, ENUM_STUB))
    assert answer.kind == Kind.RESPONSE
    assert names(answer.body) == ["data", "IPC$"]


@pytest.mark.parametrize(("name", "status"), [("DATA", 0), ("nothing", 2310)])
def test_one_share_is_described(pipe: Pipe, name: str, status: int) -> None:
    stub = Writer().pointer().string("\\\\server").string(name).number(1).done()
    assert pipe.answer(call(16, stub)).body[-4:] == status.to_bytes(4, "little")


def test_it_may_be_written_and_read_in_pieces(pipe: Pipe) -> None:
    request = call(15, ENUM_STUB)
    for piece in (request[:10], request[10:50], request[50:]):
        assert pipe.peer.write(pipe.session, pipe.id, piece).status is NTSTATUS.SUCCESS
    first = pipe.peer.content(pipe.session, pipe.id, 24)
    rest = pipe.peer.content(pipe.session, pipe.id, 4096)
    assert names(Pdu.decode(first + rest).body) == ["data", "IPC$"]
    assert pipe.peer.read(pipe.session, pipe.id, 10).status is NTSTATUS.PIPE_EMPTY


def test_a_request_in_fragments(pipe: Pipe) -> None:
    parts = (Part.FIRST, 0, Part.LAST)
    pieces = (ENUM_STUB[:8], ENUM_STUB[8:24], ENUM_STUB[24:])
    data = b"".join(call(15, piece, part) for piece, part in zip(pieces, parts, strict=True))
    assert names(pipe.answer(data).body) == ["data", "IPC$"]


def test_what_does_not_fit_is_read_behind(pipe: Pipe) -> None:
    answer = pipe.ask(call(15, ENUM_STUB), most=30)
    assert answer.status is NTSTATUS.BUFFER_OVERFLOW
    first = bytes(IoctlResponse.decode(answer.body).data)
    assert len(first) == 30
    whole = first + pipe.peer.content(pipe.session, pipe.id, 4096)
    assert names(Pdu.decode(whole).body) == ["data", "IPC$"]


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        (call(99, b""), Fault.OPERATION_RANGE),
        (call(15, b"\1"), Fault.BAD_STUB),
        (call(15, ENUM_STUB, context=5), Fault.UNKNOWN_INTERFACE),
    ],
)
def test_what_is_wrong_in_a_call_is_a_fault(pipe: Pipe, request_: bytes, fault: Fault) -> None:
    answer = pipe.answer(request_)
    assert answer.kind == Kind.FAULT
    assert int.from_bytes(answer.body[8:12], "little") == fault
    assert names(pipe.answer(call(15, ENUM_STUB)).body), "and the pipe goes on"


def test_another_interface_is_not_there(server: InProcess) -> None:
    pipe = Pipe(server)
    other = Bind(4280, ((0, dcerpc.NDR, (dcerpc.NDR,)),)).encode()
    assert pipe.answer(dcerpc.pdu(Kind.BIND, 1, other)).kind == Kind.BIND_ACK
    assert pipe.answer(call(15, ENUM_STUB)).kind == Kind.FAULT


def test_another_pipe_is_not_there(server: InProcess) -> None:
    peer, session = ready(server)
    peer.tree_connect(session, "IPC$")
    assert peer.try_create(session, "lsarpc").status is NTSTATUS.OBJECT_NAME_NOT_FOUND


def test_a_closed_pipe_is_gone(server: InProcess, pipe: Pipe) -> None:
    closed = pipe.peer.ask(Command.CLOSE, CloseRequest(pipe.id).encode(), pipe.session)
    assert closed.status is NTSTATUS.SUCCESS
    assert pipe.ask(BIND).status is NTSTATUS.FILE_CLOSED
    assert not server.core.opens


def test_a_file_is_no_pipe(server: InProcess) -> None:
    peer, session = ready(server)
    file_id = peer.create(session, "file")
    body = IoctlRequest(ControlCode.PIPE_TRANSCEIVE, file_id, BIND).encode()
    assert peer.ask(Command.IOCTL, body, session).status is NTSTATUS.INVALID_DEVICE_REQUEST


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(data=st.binary(min_size=1, max_size=200), headed=st.booleans())
def test_garbage_breaks_the_pipe_at_most(server: InProcess, data: bytes, headed: bool) -> None:
    pipe = Pipe(server)
    pipe.ask(BIND)
    answer = pipe.ask(dcerpc.pdu(Kind.REQUEST, 1, data) if headed else data)
    assert answer.status in (NTSTATUS.SUCCESS, NTSTATUS.PIPE_DISCONNECTED)
    assert (
        pipe.peer.ask(Command.CLOSE, CloseRequest(pipe.id).encode(), pipe.session).status is NTSTATUS.SUCCESS
    )
    _log_off(pipe.peer, pipe.session)


def _log_off(peer: Peer, session: LoggedOn) -> None:
    peer.ask(Command.LOGOFF, EMPTY_BODY, session)
