"""Named pipes of IPC$: `srvsvc`, by which clients list the shares (MS-SMB2 3.3.5.9 on a pipe; MS-SRVS).

Owns the conversation on one pipe: fragments in, answers out. A pipe is a handle as files are, so that READ, WRITE and
CLOSE know nothing of it. Called by create and ioctl.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from server.core.errors import StatusError
from server.core.fence import Fence
from server.core.opens import Open
from server.core.request import Reply, Request
from server.ports.files import FileStat, StreamStat
from server.wire import dcerpc, srvsvc
from server.wire.create import CreateAction, CreateRequest, CreateResponse, OplockLevel
from server.wire.dcerpc import Bind, Call, Fault, Kind, Part, Pdu, Result
from server.wire.errors import MalformedError, WireError
from server.wire.srvsvc import Operation, ShareInfo
from server.wire.status import NTSTATUS

_FRAGMENT = 4280
_MOST = 256 * 1024
"""Bytes of a request, or of answers that nobody fetches."""
_ACCESS = 0x0012_019F


class Conversation:
    """One client's end of `srvsvc`. `shares` gives those that there are now."""

    def __init__(self, shares: Callable[[], Sequence[ShareInfo]]) -> None:
        self._shares = shares
        self._fragment = _FRAGMENT
        self._contexts: set[int] = set()
        self._in = bytearray()
        self._stub = bytearray()
        self.out = bytearray()

    def feed(self, data: memoryview) -> None:
        """StatusError: that is no DCE/RPC, or too much of it."""
        self._in += data
        try:
            while len(self._in) >= dcerpc.HEADER_SIZE and len(self._in) >= (
                length := dcerpc.length_of(self._in)
            ):
                message = bytes(self._in[:length])
                del self._in[:length]
                self._take(Pdu.decode(message))
        except WireError as error:
            raise StatusError(NTSTATUS.PIPE_DISCONNECTED, str(error)) from error
        if max(len(self._in), len(self._stub), len(self.out)) > _MOST:
            raise StatusError(NTSTATUS.PIPE_DISCONNECTED, "more than a pipe holds")

    def take(self, most: int) -> bytes:
        data = bytes(self.out[:most])
        del self.out[:most]
        return data

    def _take(self, message: Pdu) -> None:
        if message.kind in (Kind.BIND, Kind.ALTER_CONTEXT):
            asked = Bind.decode(message.body)
            self._fragment = max(min(asked.receives, _FRAGMENT), 64)
            kind = Kind.BIND_ACK if message.kind == Kind.BIND else Kind.ALTER_CONTEXT_RESPONSE
            body = dcerpc.bind_ack(self._fragment, "\\PIPE\\srvsvc", self._results(asked))
            self.out += dcerpc.pdu(kind, message.call, body)
        elif message.kind == Kind.REQUEST:
            call = Call.decode(message)
            self._stub += call.stub
            if message.parts & Part.LAST:
                stub, self._stub = bytes(self._stub), bytearray()
                self.out += self._answer(message.call, call.context, call.operation, stub)
        else:
            raise MalformedError(f"RPC message of kind {message.kind}")

    def _results(self, asked: Bind) -> Iterator[Result]:
        for number, interface, transfers in asked.contexts:
            if interface == srvsvc.INTERFACE and dcerpc.NDR in transfers:
                self._contexts.add(number)
                yield Result.ACCEPTED
            else:
                yield Result.REFUSED

    def _answer(self, call: int, context: int, operation: int, stub: bytes) -> bytes:
        if context not in self._contexts:
            return dcerpc.fault(call, context, Fault.UNKNOWN_INTERFACE)
        try:
            if operation in (Operation.SHARE_ENUM, Operation.SHARE_ENUM_STICKY):
                answer = srvsvc.enumerated(srvsvc.asked_level(stub), self._shares())
            elif operation == Operation.SHARE_GET_INFO:
                name, level = srvsvc.asked_share(stub)
                found = (one for one in self._shares() if one.name.casefold() == name.casefold())
                answer = srvsvc.described(level, next(found, None))
            else:
                return dcerpc.fault(call, context, Fault.OPERATION_RANGE)
        except WireError:
            return dcerpc.fault(call, context, Fault.BAD_STUB)
        return dcerpc.response(call, context, answer, self._fragment)


class PipeHandle:
    """Implements `server.ports.files.Handle`: what is written is a request, what is read an answer."""

    directory = False

    def __init__(self, conversation: Conversation, number: int) -> None:
        self.conversation = conversation
        self._number = number

    def stat(self) -> FileStat:
        return FileStat(0, self._number, False, 0, 0, 0, 0, 0, 0, 1, 0)

    def links(self) -> int:
        return 1

    def claim(self, _node: int, _nodes: int, *, change: bool) -> bool:
        return True

    def read_into(self, buffer: memoryview, offset: int) -> int:
        data = self.conversation.take(len(buffer))
        if not data:
            raise StatusError(NTSTATUS.PIPE_EMPTY)
        buffer[: len(data)] = data
        return len(data)

    def read_cached(self, buffer: memoryview, offset: int) -> int | None:
        return self.read_into(buffer, offset)

    def write(self, data: memoryview, offset: int) -> int:
        self.conversation.feed(data)
        return len(data)

    def flush(self) -> None:
        """All of it has been heard."""

    def truncate(self, size: int) -> None:
        raise _no_file()

    def allocate(self, size: int) -> None:
        raise _no_file()

    def allocated(self, offset: int, length: int) -> list[tuple[int, int]]:
        raise _no_file()

    def zero(self, offset: int, length: int, *, punch: bool) -> None:
        raise _no_file()

    def set_times(
        self, *, created: int | None, accessed: int | None, written: int | None, changed: int | None = None
    ) -> None:
        raise _no_file()

    def set_attributes(self, attributes: int) -> None:
        raise _no_file()

    def descriptor(self) -> bytes | None:
        return None

    def set_descriptor(self, descriptor: bytes) -> None:
        raise _no_file()

    def extended(self) -> dict[str, bytes]:
        return {}

    def set_extended(self, name: str, value: bytes) -> None:
        raise _no_file()

    def streams(self) -> list[StreamStat]:
        return []

    def clear(self) -> None:
        raise _no_file()

    def list(self) -> list[tuple[str, FileStat]]:
        raise _no_file()

    def close(self) -> None:
        """There is nothing to give back."""


def create(request: Request, asked: CreateRequest) -> Reply:
    """Open a pipe. StatusError: there is none of that name."""
    name = asked.name.lstrip("\\").casefold()
    if name.removeprefix("pipe\\") != "srvsvc":
        raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, f"no pipe {asked.name}")
    core = request.core
    persistent, volatile = core.new_file_ids()
    handle = PipeHandle(Conversation(core.shares.listed), persistent)
    opened = Open(
        persistent=persistent,
        volatile=volatile,
        session=request.need_session(),
        tree=request.need_tree(),
        handle=handle,
        key=(0, persistent),
        path=("srvsvc",),
        access=_ACCESS,
        share_access=asked.share_access,
        options=asked.options,
        client_guid=request.connection.client_guid,
        fence=Fence(request.header.channel_sequence),
    )
    core.register(opened)
    request.chain.file_id = opened.file_id
    request.chain.create_error = None
    return Reply(CreateResponse(opened.file_id, CreateAction.OPENED, OplockLevel.NONE).encode())


def transceive(opened: Open, data: memoryview, most: int) -> tuple[bytes, bool]:
    """FSCTL_PIPE_TRANSCEIVE: the answer to a request, as much as fits, and whether there is more (3.3.5.15.3)."""
    if not isinstance(opened.handle, PipeHandle):
        raise StatusError(NTSTATUS.INVALID_DEVICE_REQUEST, "no pipe")
    conversation = opened.handle.conversation
    conversation.feed(data)
    answer = conversation.take(most)
    return answer, bool(conversation.out)


def _no_file() -> StatusError:
    return StatusError(NTSTATUS.INVALID_DEVICE_REQUEST, "a pipe")
