"""What is asked of every server, and how ours has to compare.

A task is made once a server, outside of the clock; `run` gives operations (or bytes) a second for about that many seconds.
"""

from __future__ import annotations

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from selftest.bench.contest import LEVEL, Benchmark, Unit
from selftest.bench.server.raw import Raw
from selftest.bench.server.rivals import IMPACKET, SMBD, Rival
from server.wire.buffers import Buffer
from server.wire.create import FILE_ALL_ACCESS, CreateRequest, CreateResponse, Disposition, ShareAccess
from server.wire.framing import PREFIX_SIZE
from server.wire.header import SIZE, Command
from server.wire.misc import EMPTY_BODY
from server.wire.negotiate import Dialect
from server.wire.readwrite import CloseRequest, ReadRequest, WriteRequest

PER_SECOND = Unit(lambda rate: f"{rate:,.0f} /s", lambda ours, theirs: ours / theirs, False, LEVEL)
SPEED = Unit(lambda speed: f"{speed / 2**20:,.0f} MiB/s", lambda ours, theirs: ours / theirs, False, LEVEL)

FILE = "film"
_FILE_BYTES = 16 << 20
_SHARED = ShareAccess.READ | ShareAccess.WRITE | ShareAccess.DELETE
_BATCH = 500
_LARGE_BATCH = 32
_FILE_ID_IN_CREATE = slice(PREFIX_SIZE + SIZE + 64, PREFIX_SIZE + SIZE + 80)
_FILE_ID_IN_CLOSE = slice(PREFIX_SIZE + SIZE + 8, PREFIX_SIZE + SIZE + 24)


class Task(ABC):
    """On one connection, logged on and in the share."""

    def __init__(self, rival: Rival) -> None:
        self.rival = rival
        self.raw = Raw(rival.address, uuid.uuid4(), rival.dialect)
        self.logon = self.raw.log_on()
        self.raw.use()

    @abstractmethod
    def batch(self) -> tuple[float, float]:
        """Some more of it: how many, and the seconds that they took."""

    def run(self, seconds: float) -> float:
        done = took = 0.0
        while took < seconds:
            one = self.batch()
            done, took = done + one[0], took + one[1]
        return done / took

    def close(self) -> None:
        self.raw.close()

    def opened(self, **about: int) -> bytes:
        """The FileId of the file that all of it is about."""
        chosen = {"desired_access": FILE_ALL_ACCESS, "disposition": Disposition.OPEN_IF, **about}
        asked = CreateRequest(FILE, share_access=_SHARED, **chosen)  # type: ignore[arg-type]
        answer = self.raw.ask(self.raw.message(Command.CREATE, asked.encode()))
        return CreateResponse.decode(answer[SIZE:]).file_id

    def closed(self, file_id: bytes) -> None:
        self.raw.ask(self.raw.message(Command.CLOSE, CloseRequest(file_id).encode()))


class Echo(Task):
    def batch(self) -> tuple[float, float]:
        requests = [[self.raw.message(Command.ECHO, EMPTY_BODY)] for _ in range(_BATCH)]
        return _BATCH, self.raw.time(requests)


class OpenClose(Task):
    """Of a file that is there, to read it. CLOSE needs the FileId that CREATE was answered with."""

    def __init__(self, rival: Rival) -> None:
        super().__init__(rival)
        self.closed(self.opened())

    def batch(self) -> tuple[float, float]:
        asked = CreateRequest(
            FILE,
            desired_access=0x0012_0089,
            disposition=Disposition.OPEN,
            share_access=_SHARED,
        ).encode()
        shut = CloseRequest(bytes(16)).encode()
        message = self.raw.message
        pairs = [(message(Command.CREATE, asked), message(Command.CLOSE, shut)) for _ in range(_BATCH)]
        return _BATCH, self.raw.time(self._filled(pairs))

    def _filled(self, pairs: Sequence[tuple[bytearray, bytearray]]) -> Iterator[list[Buffer]]:
        answer = self.raw.answer
        for create, close in pairs:
            yield [create]
            close[_FILE_ID_IN_CLOSE] = answer[_FILE_ID_IN_CREATE]
            yield [close]


class LogIn(Task):
    """A connection, its negotiation, NTLMv2, and the end of the connection; one client, that is, one ClientGUID."""

    def __init__(self, rival: Rival) -> None:
        self.rival, self.guid = rival, uuid.uuid4()

    def batch(self) -> tuple[float, float]:
        began = time.perf_counter()
        raw = Raw(self.rival.address, self.guid, self.rival.dialect)
        raw.log_on()
        took = time.perf_counter() - began
        raw.close()
        return 1, took

    def close(self) -> None:
        return


class Bind(Task):
    """The same, as one more channel of a session that there is."""

    def __init__(self, rival: Rival) -> None:
        self.rival, self.guid = rival, uuid.uuid4()
        self.raw = Raw(rival.address, self.guid)
        self.logon = self.raw.log_on()

    def batch(self) -> tuple[float, float]:
        began = time.perf_counter()
        raw = Raw(self.rival.address, self.guid)
        raw.log_on(self.logon)
        took = time.perf_counter() - began
        raw.close()
        return 1, took


class Transfer(Task):
    """READ or WRITE of the largest size, one after the other through the file; signed where the dialect has GMAC."""

    def __init__(self, rival: Rival) -> None:
        super().__init__(rival)
        self.size = rival.largest
        self.charge = self.size >> 16 if rival.dialect > Dialect.SMB_2_0_2 else 1
        self.signed = rival.dialect is Dialect.SMB_3_1_1
        self.file_id = self.opened()
        self.data = bytes(range(256)) * (self.size >> 8)
        for request in islice(self.writes(), _FILE_BYTES // self.size):
            self.raw.time([request])

    @abstractmethod
    def requests(self) -> Iterator[Sequence[Buffer]]: ...

    def batch(self) -> tuple[float, float]:
        requests = list(islice(self.requests(), _LARGE_BATCH))
        return _LARGE_BATCH * self.size, self.raw.time(requests)

    def offsets(self) -> Iterator[int]:
        while True:
            yield from range(0, _FILE_BYTES, self.size)

    def writes(self) -> Iterator[Sequence[Buffer]]:
        for offset in self.offsets():
            head = WriteRequest(self.file_id, self.data, offset).head()
            message = self.raw.message(
                Command.WRITE, head, charge=self.charge, signed=self.signed, tail=self.data
            )
            yield message, self.data

    def reads(self) -> Iterator[Sequence[Buffer]]:
        for offset in self.offsets():
            body = ReadRequest(self.file_id, self.size, offset).encode()
            yield [self.raw.message(Command.READ, body, charge=self.charge, signed=self.signed)]


class Read(Transfer):
    def requests(self) -> Iterator[Sequence[Buffer]]:
        return self.reads()


class Write(Transfer):
    def requests(self) -> Iterator[Sequence[Buffer]]:
        return self.writes()


TASKS: dict[str, Callable[[Rival], Task]] = {
    "server-echo": Echo,
    "server-open": OpenClose,
    "server-login": LogIn,
    "server-bind": Bind,
    "server-read": Read,
    "server-write": Write,
}
BENCHMARKS = (
    Benchmark("server-echo", "echo", "", PER_SECOND, {SMBD: 0.8, IMPACKET: 8}),
    Benchmark("server-open", "open+close", "", PER_SECOND, {SMBD: 1.0, IMPACKET: 8}),
    Benchmark("server-login", "log-in", "", PER_SECOND, {SMBD: 2}),
    Benchmark("server-bind", "bind", "", PER_SECOND, {SMBD: 2}),
    Benchmark("server-read", "read, 1 MiB, GMAC", "", SPEED, {SMBD: 0.5, IMPACKET: 5}),
    Benchmark("server-write", "write, 1 MiB, GMAC", "", SPEED, {SMBD: 0.5, IMPACKET: 5}),
)
"""impacket reads and writes 64 KiB at most, and does not sign them: its best. It has no channels."""
