"""Requests of every command as a client sends them, and what a hostile one makes of them. The same for the same seed.

A mutation keeps the header's ids, length and signature right, so that it gets past the checks that come first and
into the command's own code; or it breaks exactly those.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator

from selftest.support.smb_peer import LoggedOn, Peer
from server.wire import create_contexts as contexts
from server.wire.create import CreateOptions, CreateRequest, Disposition, OplockLevel
from server.wire.create_contexts import CreateContext
from server.wire.directory_infos import DirectoryClass
from server.wire.file_infos import FileClass
from server.wire.fs_infos import FsClass
from server.wire.header import SIZE, Command
from server.wire.ioctl import NO_FILE, ControlCode, IoctlRequest
from server.wire.lock import LockElement, LockFlags, LockRequest
from server.wire.misc import EMPTY_BODY
from server.wire.negotiate import NegotiateRequest
from server.wire.notify import ChangeNotifyRequest
from server.wire.ntlm import NtlmClient
from server.wire.oplock_break import LeaseBreak, OplockBreak
from server.wire.query import InfoType, QueryDirectoryRequest, QueryInfoRequest
from server.wire.readwrite import CloseRequest, FlushRequest, ReadRequest, WriteRequest
from server.wire.session_setup import SessionSetupRequest, SetupFlags
from server.wire.setinfo import SetInfoRequest
from server.wire.spnego import Initiator
from server.wire.tree import TreeConnectRequest

EXTREMES = (0, 1, 7, 8, 9, 63, 64, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
_NAMES = ("f", "d", "d\\g", "..\\x", "a:b", "a:b:$DATA", "", "\\", "x" * 300, "\ud800", "con", "*", "f\0g")
_INFO = (
    bytes(8),
    bytes(16),
    bytes(24),
    bytes(40),
    b"\xff" * 8,
    b"\1" + bytes(7) + bytes(8) + b"\4\0\0\0g\0h\0",
)

Made = tuple[Command, bytes]


class Requests:
    """``file`` and ``directory`` are FileIds that are open in the session."""

    def __init__(self, dice: random.Random, file: bytes, directory: bytes) -> None:
        self._dice = dice
        self._ids = (*[file] * 7, *[directory] * 3, NO_FILE, bytes(16))
        self._key = dice.randbytes(16)

    def any(self) -> Made:
        """One of them, of any command."""
        kinds: tuple[Callable[[], Made], ...] = (
            *(self._create, self._create, self._create, self._plain, self._io, self._io, self._lock),
            *(self._ioctl, self._directory, self._query, self._set, self._set, self._break, self._connection),
        )
        return self._dice.choice(kinds)()

    def _id(self) -> bytes:
        return self._dice.choice(self._ids)

    def _create(self) -> Made:
        dice, guid = self._dice, uuid.UUID(bytes=self._dice.randbytes(16))
        lease = contexts.Lease(self._key, dice.randrange(16), dice.choice((0, 4)), dice.choice((1, 2)))
        all_of_them = (
            CreateContext(contexts.DURABLE_REQUEST_V2, contexts.DurableRequestV2(guid, 1000).encode()),
            CreateContext(contexts.DURABLE_REQUEST, bytes(16)),
            CreateContext(contexts.DURABLE_RECONNECT, self._id()),
            CreateContext(
                contexts.DURABLE_RECONNECT_V2, contexts.DurableReconnectV2(self._id(), guid).encode()
            ),
            CreateContext(contexts.REQUEST_LEASE, lease.encode()),
            CreateContext(contexts.QUERY_MAXIMAL_ACCESS),
            CreateContext(contexts.QUERY_ON_DISK_ID),
            CreateContext(contexts.ALLOCATION_SIZE, dice.choice((bytes(8), b"\xff" * 8))),
            CreateContext(contexts.EXTENDED_ATTRIBUTES, dice.randbytes(dice.randrange(40))),
            CreateContext(contexts.SECURITY_DESCRIPTOR, dice.randbytes(dice.randrange(60))),
            CreateContext(contexts.TIMEWARP, bytes(8)),
            CreateContext(contexts.APP_INSTANCE_ID, contexts.AppInstanceId(guid.bytes).encode()),
            CreateContext(contexts.APP_INSTANCE_VERSION, bytes(24)),
            CreateContext(b"Who?", dice.randbytes(9)),
        )
        asked = CreateRequest(
            dice.choice(_NAMES[:3] + _NAMES) if dice.random() < 0.9 else "n" + str(dice.randrange(20)),
            dice.choice((0x0012_0089, 0x001F_01FF, 0x0200_0000, 0, 0x80, 0x0001_0000, 0xFFFF_FFFF)),
            dice.choice((*Disposition, 9)),
            dice.choice((0, int(CreateOptions.DIRECTORY_FILE), 0x40, 0x1000, 0x2000, 0xFFFF_FFFF, 0x20_0000)),
            dice.randrange(8),
            dice.choice((0, 0x80, 0xFFFF_FFFF)),
            dice.choice((*OplockLevel, 5)),
            dice.choice((*[2] * 9, 99)),
            tuple(dice.sample(all_of_them, dice.randrange(5))),
        )
        return Command.CREATE, _encoded(asked)

    def _plain(self) -> Made:
        return self._dice.choice(
            (
                (Command.ECHO, EMPTY_BODY),
                (Command.CLOSE, CloseRequest(self._dice.choice((NO_FILE, bytes(16))), 1).encode()),
                (Command.FLUSH, FlushRequest(self._id()).encode()),
                (Command.TREE_CONNECT, TreeConnectRequest(self._dice.choice(_UNC)).encode()),
                (Command.TREE_DISCONNECT, EMPTY_BODY)
                if self._dice.random() < 0.05
                else (Command.ECHO, EMPTY_BODY),
                (Command.CANCEL, EMPTY_BODY),
            )
        )

    def _io(self) -> Made:
        dice = self._dice
        offset = dice.choice((0, 1, 1 << 20, (1 << 63) - 1, (1 << 64) - 1))
        if dice.random() < 0.5:
            return Command.READ, ReadRequest(
                self._id(), dice.choice((*EXTREMES[:9], 70_000)), offset
            ).encode()
        return Command.WRITE, WriteRequest(self._id(), dice.randbytes(dice.randrange(200)), offset).encode()

    def _lock(self) -> Made:
        dice = self._dice
        elements = tuple(
            LockElement(
                dice.choice((0, 5, (1 << 64) - 1)),
                dice.choice((0, 1, 10, (1 << 64) - 1)),
                dice.choice((1, 2, 4, 0x10, 0x11, 0x12, 0x12, int(LockFlags.UNLOCK), 0xFFFF_FFFF)),
            )
            for _ in range(dice.randrange(1, 4))
        )
        return Command.LOCK, LockRequest(self._id(), elements, dice.choice(EXTREMES)).encode()

    def _ioctl(self) -> Made:
        dice = self._dice
        code = dice.choice((*ControlCode, 0x0009_0000))
        data = dice.choice((b"", bytes(24), dice.randbytes(40), bytes(24) + b"\1\0\0\0" + bytes(28)))
        asked = IoctlRequest(code, self._id(), data, max_output=dice.choice(EXTREMES))
        if code == ControlCode.VALIDATE_NEGOTIATE_INFO and dice.random() < 0.9:
            return self._query()  # Ends the connection by design.
        return Command.IOCTL, asked.encode()

    def _directory(self) -> Made:
        dice = self._dice
        if dice.random() < 0.3:
            notify = ChangeNotifyRequest(self._id(), dice.randrange(2), dice.choice((0, 0xFFF)), 4096)
            return Command.CHANGE_NOTIFY, notify.encode()
        pattern, number = dice.choice(("*", "f", "", 'a?<>"')), dice.choice((*DirectoryClass, 99))
        flags, length = dice.choice((0, 1, 2, 4, 0x10, 0xFF)), dice.choice((0, 8, 200, 65536))
        asked = QueryDirectoryRequest(self._id(), number, pattern, flags, 0, length)
        return Command.QUERY_DIRECTORY, asked.encode()

    def _query(self) -> Made:
        dice = self._dice
        kind = dice.choice((*InfoType, 9))
        number = dice.choice((*FsClass, 99)) if kind == InfoType.FILESYSTEM else dice.choice((*FileClass, 99))
        asked = QueryInfoRequest(
            self._id(), kind, number, dice.choice((0, 4, 8, 100, 65536)), dice.randrange(16)
        )
        return Command.QUERY_INFO, asked.encode()

    def _set(self) -> Made:
        dice = self._dice
        number = dice.choice((*FileClass, 99))
        asked = SetInfoRequest(self._id(), dice.choice((*InfoType, 1, 1, 1)), number, dice.choice(_INFO))
        return Command.SET_INFO, asked.encode()

    def _break(self) -> Made:
        dice = self._dice
        if dice.random() < 0.5:
            return Command.OPLOCK_BREAK, LeaseBreak(self._key, dice.randrange(16)).encode()
        return Command.OPLOCK_BREAK, OplockBreak(self._id(), dice.randrange(12)).encode()

    def _connection(self) -> Made:
        """Of the connection and the session themselves."""
        dice = self._dice
        if dice.random() < 0.8:
            return self._io()  # What follows here is most often the session's end.
        token = dice.choice((b"", dice.randbytes(30), Initiator(NtlmClient("alice", "wrong")).begin()))
        setup = SessionSetupRequest(token, dice.choice((SetupFlags.NONE, SetupFlags.BINDING)))
        if dice.random() < 0.03:
            return Command.NEGOTIATE, NegotiateRequest((0x0311,), uuid.UUID(int=3)).encode()
        return Command.SESSION_SETUP, setup.encode()


_UNC = ("\\\\server\\data", "\\\\server\\IPC$", "\\\\server\\none", "data", "", "\\\\\\\\")


def _encoded(asked: CreateRequest) -> bytes:
    try:
        return asked.encode()
    except UnicodeEncodeError:  # A lone surrogate: legal UTF-16 code units, on the wire.
        return (
            asked.encode()
            if asked.name.isascii()
            else CreateRequest("\ue000").encode().replace("\ue000".encode("utf-16-le"), b"\0\xd8")
        )


def mutated(dice: random.Random, body: bytes) -> bytes:
    """``body`` as nobody should send it."""
    data = bytearray(body)
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(7):
            case 0 if data:
                data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            case 1 if len(data) >= 4:  # A length or an offset, most likely.
                start = dice.randrange(0, len(data) - 3, 2)
                size = dice.choice((2, 4))
                data[start : start + size] = (dice.choice(EXTREMES) & (256**size - 1)).to_bytes(
                    size, "little"
                )
            case 2:
                del data[at:]
            case 3:
                del data[at : at + dice.randrange(1, 20)]
            case 4:
                data[at:at] = dice.randbytes(dice.randrange(1, 40))
            case 5:
                data += dice.randbytes(dice.choice((1, 8, 500, 5000)))
            case _:
                data[at : at + 8] = dice.randbytes(8)
    return bytes(data)


def pdus(
    dice: random.Random, peer: Peer, session: LoggedOn, requests: Requests, count: int
) -> Iterator[bytes]:
    """``count`` PDUs for that connection: single ones, compounds, encrypted ones, and a few that are broken outside."""
    for _ in range(count):
        made = [requests.any() for _ in range(dice.choice((1, 1, 1, 1, 2, 3, 6)))]
        bodies = [(command, mutated(dice, body) if dice.random() < 0.6 else body) for command, body in made]
        encrypted = session.envelope is not None and dice.random() < 0.3
        if len(bodies) == 1:
            [(command, body)] = bodies
            pdu = peer.request_bytes(
                command,
                body,
                session,
                signed=not encrypted,
                flags=dice.choice((0, 0, 0, 0x2000_0000, 0x1000_0000, 0x70)),
                charge=dice.choice((1, 1, 1, 1, 2)),
            )
        else:
            related = dice.random() < 0.7
            pdu = peer.compound_bytes(
                session, [(command, body, related and bool(n)) for n, (command, body) in enumerate(bodies)]
            )
        outside = dice.random()
        if outside < 0.02 and len(pdu) > SIZE:
            pdu = pdu[:SIZE] + mutated(dice, pdu[SIZE:])  # The signature is wrong now.
        elif outside < 0.03:
            pdu = mutated(dice, pdu)
        if encrypted:
            pdu = b"".join(session.need_envelope().seal(pdu))[4:]
            if dice.random() < 0.05:
                pdu = mutated(dice, pdu)
        yield pdu
