"""A session, its channels and its trees (MS-SMB2 3.3.1.8, 3.3.1.9, 3.3.1.14).
 Owns what a log-on brought about and lives as long as one channel does. Called by session setup, tree
connect, and by every request that names it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from server.config import ShareConfig
from server.ports.files import Volume
from server.wire.encryption import Envelope
from server.wire.keys import PreauthHash
from server.wire.signing import Signer

if TYPE_CHECKING:
    from server.core.connection import Connection
    from server.core.opens import Open
    from server.core.request import Request


class SessionState(Enum):
    IN_PROGRESS = "in progress"
    VALID = "valid"
    EXPIRED = "expired"


@dataclass(slots=True, eq=False)
class Channel:
    """A connection on which the session can be reached, with the key that signs there."""

    connection: Connection
    signer: Signer


@dataclass(slots=True, eq=False)
class Share:
    """A share as it is served: a directory, or IPC$ where `volume` is None."""

    config: ShareConfig
    volume: Volume | None


@dataclass(slots=True, eq=False)
class Tree:
    id: int
    share: Share
    access: int


@dataclass(slots=True, eq=False)
class Session:
    """`channels` by connection name, oldest first. `opens` by the volatile half of the FileId.

    `signer`: key and algorithm of the first authentication, which binds are signed with. None until VALID,
    and for a session that cannot be signed (guest, anonymous). `envelope` None: it cannot be encrypted; `encrypt`:
    the client was asked to encrypt all of it.
    """

    id: int
    connection: Connection
    state: SessionState = SessionState.IN_PROGRESS
    user: str = ""
    session_key: bytes = b""
    preauth: PreauthHash = field(default_factory=PreauthHash)
    signer: Signer | None = None
    signing_required: bool = False
    envelope: Envelope | None = None
    encrypt: bool = False
    anonymous: bool = False
    guest: bool = False
    expires: int | None = None
    """When its user has to log on anew, in ns since 1970."""
    channels: dict[str, Channel] = field(default_factory=dict)
    trees: dict[int, Tree] = field(default_factory=dict)
    opens: dict[int, Open] = field(default_factory=dict)
    creating: list[Request] = field(default_factory=list)
    """CREATEs that wait for something."""
    last_tree_id: int = 0

    def new_tree_id(self) -> int:
        self.last_tree_id += 1
        return self.last_tree_id

    def state_at(self, now: int) -> SessionState:
        """Its state, which time alone may have changed. `now` in ns since 1970."""
        if self.expires is not None and self.state is SessionState.VALID and now >= self.expires:
            self.state = SessionState.EXPIRED
        return self.state

    @property
    def name(self) -> str:
        """As events and logs print it."""
        return f"0x{self.id:x}"

    def shown(self) -> dict[str, Any]:
        """As `status` shows it."""
        return {
            "session": self.name,
            "user": self.user,
            "client": str(self.connection.client_guid),
            "state": self.state.value,
            "dialect": f"{self.connection.dialect or 0:#06x}",
            "encrypted": self.encrypt,
            "opens": len(self.opens),
            "channels": [
                {
                    "connection": one.connection.name,
                    "local": one.connection.local,
                    "remote": one.connection.remote,
                }
                for one in self.channels.values()
            ],
        }
