"""The shares of a server, each opened when it is first asked for.

Owns their volumes. Called by the core, and by the acceptor for what dead workers have left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from server.config import ServerConfig, ShareConfig
from server.core.errors import StatusError
from server.core.session import Share
from server.core.shared.records import FileKey, OpenRecord
from server.ports.files import Files, Make
from server.wire import srvsvc
from server.wire.srvsvc import ShareInfo
from server.wire.status import NTSTATUS

IPC = "IPC$"


@dataclass(slots=True, eq=False)
class Shares:
    config: ServerConfig
    files: Files
    opened: dict[str, Share] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.opened[IPC.casefold()] = Share(ShareConfig(IPC, ""), None)

    def configure(self, config: ServerConfig) -> None:
        """Those that are not the same any more are opened anew; trees keep the share that they have."""
        self.config = config
        for name, share in list(self.opened.items()):
            if share.volume is not None and share.config not in config.shares:
                del self.opened[name]

    def listed(self) -> list[ShareInfo]:
        """As clients are told of them."""
        disks = [ShareInfo(one.name, srvsvc.DISK, one.comment) for one in self.config.shares]
        return [*disks, ShareInfo(IPC, srvsvc.IPC | srvsvc.SPECIAL, "of this server itself")]

    def find(self, name: str) -> Share:
        """StatusError BAD_NETWORK_NAME: none of that name, or its directory is gone."""
        found = self.opened.get(name.casefold())
        if found is not None:
            return found
        for config in self.config.shares:
            if config.name.casefold() == name.casefold():
                try:
                    share = Share(config, self.files.volume(Path(config.path)))
                except OSError as error:
                    raise StatusError(NTSTATUS.BAD_NETWORK_NAME, str(error)) from error
                self.opened[name.casefold()] = share
                return share
        raise StatusError(NTSTATUS.BAD_NETWORK_NAME, name)

    def delete(self, record: OpenRecord, key: FileKey) -> None:
        """Unlink what an open without a living worker wanted deleted, if it is still that file."""
        volume = self.find(record.share).volume
        if volume is None:
            return
        handle, path, _ = volume.open(record.path, write=False, make=Make.NO)
        try:
            stat = handle.stat()
            if (stat.device, stat.inode) == key:
                volume.remove(handle, path)
        finally:
            handle.close()
