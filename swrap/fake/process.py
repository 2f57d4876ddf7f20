"""A fake process: an asyncio program with a pid, descriptors, an environment, chance and an end of its own.

Owns its life: start, signals, exit, and that nothing of it ever runs after its end. Its loop is ``loop``'s, its
sockets are the host's kernel's. Must not know other processes. Made by ``World.spawn``.
"""

from __future__ import annotations

import asyncio
import io
import signal
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from random import Random
from typing import TYPE_CHECKING, Any

from swrap.fake.descriptors import Descriptors
from swrap.fake.inside.globals import Values
from swrap.fake.kernel.host import Host
from swrap.fake.loop.loop import FakeLoop

if TYPE_CHECKING:
    from swrap.fake.world import World

Main = Callable[..., Awaitable[object]]

_IGNORED = frozenset({signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT, signal.SIGPIPE})
"""Signals that end nobody; SIGPIPE because Python ignores it (signal(7))."""


class Process:
    """``host`` is None for the harness. ``random`` is what its program draws from."""

    def __init__(
        self, world: World, host: Host | None, name: str, pid: int, parent: int,
        environment: Mapping[str, str], random: Random,
    ) -> None:  # fmt: skip
        self.world = world
        self.host = host
        self.name = name
        self.pid = pid
        self.parent = parent
        self.environment = dict(environment)
        self.random = random
        self.program_random = Random(random.getrandbits(128))  # noqa: S311  # of the functions of `random`
        self.name_random = Random(random.getrandbits(128))  # noqa: S311  # of `tempfile`
        self.globals = Values()
        """Those of its modules that are its own, while somebody else has a turn."""
        self.descriptors = Descriptors()
        self.stdout, self.stderr = io.StringIO(), io.StringIO()
        self.alive = True
        self.stopped = False
        self.status: int | None = None
        """Once it has ended; negative: the signal that ended it (waitstatus_to_exitcode)."""
        self.result: Any = None
        """What its main function returned."""
        self.error: BaseException | None = None
        """What its main function raised."""
        self._main: asyncio.Task[Any] | None = None
        """Kept: a task that nobody holds can be collected while it waits."""
        self._left: list[asyncio.Task[Any]] = []
        """Tasks that it had when it ended: kept, lest the garbage collector run what is left of them."""
        self._waiting: list[asyncio.Future[None]] = []
        self.loop = FakeLoop(self, world.scheduler)
        self._context = Context()

    def __repr__(self) -> str:
        return f"<process {self.pid} {self.name}>"

    # --- life

    def start(self, main: Main, args: tuple[Any, ...]) -> None:
        """Have ``await main(*args)`` be all that it does."""
        self.world.globals.add(main, *args)
        self.loop.call_soon(self._begin, main, args, context=self._context)

    def _begin(self, main: Main, args: tuple[Any, ...]) -> None:
        self._main = self.loop.create_task(self._live(main, args), name=self.name)

    async def _live(self, main: Main, args: tuple[Any, ...]) -> None:
        """As asyncio.run does: the main function, then the end of what it left."""
        status = 0
        try:
            self.result = await main(*args)
            if isinstance(self.result, int):
                status = self.result & 0xFF
        except SystemExit as ended:
            status = _status(ended)
        except GeneratorExit:
            raise  # it was killed
        except BaseException as error:
            # As an interpreter does with what nobody has caught.
            self.error = error
            status = 1
            self.stderr.write("".join(traceback.format_exception(error)))
        left = self.tasks()[1:]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self.loop.shutdown_asyncgens()
        self.exit(status)

    def exit_by(self, ended: SystemExit) -> None:
        """Its program has called ``sys.exit`` in a callback."""
        self.exit(_status(ended))

    def tasks(self) -> list[asyncio.Task[Any]]:
        """Those that are not done, the oldest first."""
        found = asyncio.all_tasks(self.loop)
        return sorted(found, key=lambda task: getattr(task, "number", 0))

    def exit(self, status: int) -> None:
        """End it now: no callback, no ``finally`` of it runs any more, its descriptors are closed (_exit(2))."""
        if not self.alive:
            return
        self.alive = False
        self.status = status
        self._left = self.tasks()
        self.world.bury(self)
        self.loop.kill()
        self.descriptors.close_all()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def wait(self) -> int:
        """Return its status when it has ended; any number may wait, of any process."""
        if self.status is None:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting
        assert self.status is not None  # noqa: S101
        return self.status

    # --- signals

    def signal(self, number: int) -> None:
        """See kill(2); signal(7) for what becomes of one that it does not catch."""
        if not self.alive or number == 0:
            return
        if number == signal.SIGSTOP:
            self.stopped = True
        elif number == signal.SIGCONT:
            self.stopped = False
            if self.loop.ready or self.loop.changed:
                self.loop.enqueue()
        elif number == signal.SIGKILL or (not self.loop.deliver(number) and number not in _IGNORED):
            self.exit(-number)

    # --- the end of the world

    def unwind(self) -> None:
        """Close what its coroutines hold, now that nothing they do has any effect on anybody."""
        self.world.enter(self)
        left, self._left = self._left, []
        for task in left:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            coroutine = task.get_coro()
            try:
                coroutine.close()
            except BaseException:  # noqa: S112  # a dead program's clean-up fails, as it must
                continue


def _status(ended: SystemExit) -> int:
    """As exit(3) sees what ``sys.exit`` was given."""
    code = ended.code
    return code & 0xFF if isinstance(code, int) else int(code is not None)
