"""A whole server in one call: zygote, store, acceptor, and the way down again.
 Owns the runtime directory and the order of start and stop. Called by the command line and by the actor; both
must call
`prepare` before they have a loop.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from server import control, role, runtime, warm
from server.acceptor import Acceptor
from server.config import ServerConfig
from server.events import Events
from server.log import Log
from server.ports.processes import Processes
from server.ports.store import Store
from server.posix.files import PosixFiles
from server.posix.processes import PosixProcesses
from server.posix.store import LmdbStore
from server.posix.zygote import Main
from server.worker import Settings

_ROLES: Mapping[str, Main] = {"worker": role.main}
_NO_GUID = str(uuid.UUID(int=0))


@dataclass(frozen=True, slots=True)
class Prepared:
    """What has to exist before a loop does. `store` opens the shared tables in a directory.

    `lock`: the descriptor that says that the runtime directory is lived in, if there is one.
    """

    processes: Processes
    runtime: Path
    store: Callable[[Path], Store] = LmdbStore
    lock: int | None = None


def prepare(private: Iterable[int] = ()) -> Prepared:
    """Make the runtime directory (mode 0700) and fork the zygote, which removes it when all is over.

    `private`: descriptors that no other process may hold.
    """
    directory, lock = runtime.make()
    (directory / "post").mkdir(mode=0o700)
    # Before the fork, so that all of them have it: what is looked up, imported or adapted at its first use.
    LmdbStore(directory / "store").close()
    warm.up()
    return Prepared(PosixProcesses.launch(_ROLES, directory, tuple(private)), directory, lock=lock)


class Server:
    """Between `start` and `stop` the server serves."""

    def __init__(self, prepared: Prepared, config: ServerConfig, *, events: Events, log: Log) -> None:
        if config.guid == _NO_GUID:
            config = replace(config, guid=str(_guid(config)))
        self._prepared = prepared
        self._config = config
        self._listening: list[tuple[str, int]] = []
        self._control = control.Control(prepared.runtime, self.state)
        self._events = events
        self._store = prepared.store(prepared.runtime / "store")
        self._acceptor = Acceptor(
            config,
            prepared.processes,
            Settings(config, prepared.runtime).to_json(),
            prepared.runtime,
            self._store,
            PosixFiles(),
            events=events,
            log=log,
        )

    def start(self) -> list[tuple[str, int]]:
        """The (address, port) pairs listened on. OSError: cannot."""
        self._listening = listening = self._acceptor.start()
        self._events.emit("process-started", pid=self._prepared.processes.identity(), role="acceptor")
        return listening

    def processes(self) -> list[dict[str, int | str]]:
        found: list[dict[str, int | str]] = [{"pid": self._prepared.processes.identity(), "role": "acceptor"}]
        found += [{"pid": pid, "role": "worker"} for pid in self._acceptor.pids()]
        return found

    async def answer(self) -> None:
        """Be there for `python -m server status`."""
        await self._control.start()

    def configure(self, config: ServerConfig) -> list[str]:
        """Go by that from now on. What needs a restart: those stay as they were."""
        fixed = [
            name
            for name in ("port", "addresses", "workers", "handover", "server_name", "cluster", "torture")
            if getattr(config, name) != getattr(self._config, name)
        ]
        kept = {name: getattr(self._config, name) for name in (*fixed, "guid")}
        self._config = replace(config, **kept)
        self._acceptor.configure(self._config, Settings(self._config, self._prepared.runtime).to_json())
        return fixed

    async def state(self) -> dict[str, Any]:
        """Processes, sessions with their channels, opens and leases."""
        return {
            "listening": self._listening,
            "processes": self.processes(),
            **await self._acceptor.state(),
        }

    async def stop(self) -> None:
        self._control.close()
        await self._acceptor.stop()
        self._store.close()


def _guid(config: ServerConfig) -> uuid.UUID:
    """The ServerGuid: a cluster is one server to its clients, whichever node they are at."""
    if config.cluster is None:
        return uuid.uuid4()
    names = [config.server_name, *(f"{node.address}:{node.port}" for node in config.cluster.nodes)]
    return uuid.uuid5(uuid.NAMESPACE_DNS, " ".join(names))


async def dispose(prepared: Prepared) -> None:
    """End the zygote and what is left of its children; the runtime directory goes with it."""
    await prepared.processes.close()
    with contextlib.suppress(OSError):
        shutil.rmtree(prepared.runtime, ignore_errors=True)
    if prepared.lock is not None:
        os.close(prepared.lock)
