"""A real lab for a test that knows no asyncio: programs in hosts, by `subprocess`, and faults by their verbs.

Owns the thread in which the lab's own loop runs. Must not know pytest. The fixture ``lab`` makes these; as a
context manager it serves any other kind of test::

    from swrap.testing import RealLab

    with RealLab({"server": {"eth0": "10.0.0.1/24"}, "laptop": {"eth0": "10.0.0.2/24"}}) as lab:
        name = lab.run("laptop", ["python3", "-c", "import socket; print(socket.gethostbyname('server'))"])
        assert name.stdout == "10.0.0.1\\n"
        assert lab.do("link-down", "server.eth0").flows == 0
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from swrap.document import JSON
from swrap.faults import Touched, spelled
from swrap.lab import target
from swrap.lab.guard import before_exec
from swrap.lab.lab import Lab
from swrap.lab.source import load
from swrap.scenario.shim_network import ShimNetwork
from swrap.topology import Topology, topology_from

_T = TypeVar("_T")

Described = Topology | Mapping[str, Any] | str | os.PathLike[str]
"""A topology, hosts as a lab file spells them, or the path of a lab file or scenario."""


class RealLab:
    """``described``: its hosts. Raises BadInput for a lab that cannot be, LabError where it does not start.

    It ends with ``close``: all its programs are killed then.
    """

    def __init__(self, described: Described) -> None:
        if isinstance(described, Topology | Mapping):
            file, self.topology = None, topology_from(described)
        else:
            file = Path(described)
            self.topology, _ = load(file)
        self._programs: list[subprocess.Popen[Any]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="swrap lab")
        self._thread.start()
        try:
            self._lab = self._wait(Lab.start(self.topology, source=file, command="test"))
        except BaseException:
            self._stop()
            raise
        self._network = ShimNetwork(self._lab.control, lambda kind, data: None)

    @property
    def directory(self) -> Path:
        """Where it lives: what ``swrap --lab`` takes."""
        return self._lab.directory

    def environment(self, host: str) -> dict[str, str]:
        """The variables that put a program into ``host``. Raises Refused where there is no such host."""
        return self._lab.environment(host)

    def start(
        self, host: str, argv: Sequence[str | os.PathLike[str]], **options: Any
    ) -> subprocess.Popen[Any]:
        """`subprocess.Popen` inside ``host``, behind the guard. Raises NoProgram, CannotWrap, Refused.

        ``env`` among the ``options`` is its whole environment, to which the host's variables are added.
        """
        words = [os.fspath(word) for word in argv]
        env = dict(options.pop("env", None) or os.environ)
        env.update(self._lab.environment(host, env))
        program = target.check(words, env=env, cwd=options.get("cwd"))
        enter = before_exec(os.getpid(), guard=True)
        process = subprocess.Popen(words, executable=program, env=env, preexec_fn=enter, **options)
        self._programs.append(process)
        return process

    def run(
        self, host: str, argv: Sequence[str | os.PathLike[str]], *, timeout: float = 60, **options: Any
    ) -> subprocess.CompletedProcess[Any]:
        """The same, and wait for it; text, with both outputs, unless the ``options`` of Popen say otherwise.

        Raises subprocess.TimeoutExpired, after which it is dead.
        """
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        with self.start(host, argv, **given) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            finally:
                process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def do(self, verb: str, value: JSON = None) -> Touched:
        """A fault by its verb, with what stands after it in a scenario: ``do("cut", ["server", "laptop"])``.

        Raises ValueError for one that makes no sense here.
        """
        return self._wait(spelled(verb, value, self.topology).apply(_Target(self._network)))

    def close(self) -> None:
        """End it, and everything that runs in it. May be called again."""
        if not self._loop.is_closed():
            try:
                self._wait(self._lab.close())
            finally:
                self._stop()
        for process in self._programs:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Target:
    """What faults act on."""

    def __init__(self, network: ShimNetwork) -> None:
        self.link, self.impose, self.lift, self.reset = (
            network.link,
            network.impose,
            network.lift,
            network.reset,
        )
        self.rate, self.speed, self.move = network.rate, network.speed, network.move
        self.add_address, self.remove_address = network.add_address, network.remove_address

    async def kill(self, actor: str | None, role: str | None, pid: int | None, signal: str) -> Touched:
        raise ValueError("a program is killed by `Popen.send_signal`")
