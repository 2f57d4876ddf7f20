"""One connection's protocol state (MS-SMB2 3.3.1.7). The bytes go through a `Wire`.
 Owns what Negotiate settled, the credits, the requests under way and the sessions that can be reached here.
Called by the dispatcher and the commands.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from server.core.window import SequenceWindow
from server.wire.buffers import Buffer
from server.wire.keys import PreauthHash
from server.wire.negotiate import Capabilities, Dialect, SecurityMode
from server.wire.negotiate_contexts import Cipher
from server.wire.signing import Signer, SigningAlgorithm

if TYPE_CHECKING:
    from server.core.client import Client
    from server.core.request import Request
    from server.core.session import Session
    from server.core.setup import Setup


NOBODY = uuid.UUID(int=0)
"""The ClientGUID of a client that has none: SMB 2.0.2 and before."""


_ENDED = 32
_LARGE_MTU = int(Capabilities.LARGE_MTU)


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes of a connection since it was taken over: `sent` counts what was given to be sent, `acked` what
    the peer's TCP has acknowledged. `rto`: retransmission timeout in seconds.
    """

    sent: int
    acked: int
    rto: float


class Wire(Protocol):
    """What the core needs of a transport."""

    def send(self, parts: list[Buffer]) -> None:
        """Queue one PDU, framed, given in parts. Never blocks; after a loss it does nothing."""
        ...

    def close(self, reason: str) -> None:
        """Send what is queued, then close. `Core.lost` is called once it is over."""
        ...

    def abort(self, reason: str) -> None:
        """Close at once, whatever is queued."""
        ...

    def progress(self) -> Progress:
        """How far the peer has got. Never raises: what is lost has no progress."""
        ...


@dataclass(slots=True, eq=False)
class Connection:
    """`name` is unique in the whole server. `client` and all that follows it are settled by Negotiate."""

    name: str
    wire: Wire
    local: str
    remote: str
    window: SequenceWindow
    client: Client | None = None
    client_guid: uuid.UUID = NOBODY
    dialect: Dialect | None = None
    wildcard_answered: bool = False
    client_capabilities: int = Capabilities.NONE
    client_security_mode: int = SecurityMode.SIGNING_ENABLED
    client_dialects: tuple[int, ...] = ()
    capabilities: int = Capabilities.NONE
    signing: SigningAlgorithm = SigningAlgorithm.AES_CMAC
    cipher: Cipher = Cipher.NONE
    preauth: PreauthHash = field(default_factory=PreauthHash)
    sessions: dict[int, Session] = field(default_factory=dict)
    setups: dict[int, Setup] = field(default_factory=dict)
    requests: dict[int, Request] = field(default_factory=dict)
    ended: dict[int, Signer] = field(default_factory=dict)
    """What signs the refusals of sessions that have ended: clients trust no refusal that is not signed."""
    closing: bool = False
    unacked: bool = False
    """A test has asked that nothing sent here count as acknowledged."""
    read_gap: int = 0
    """Bytes that a test has asked for before the data of a READ response."""
    last_async_id: int = 0

    def new_async_id(self) -> int:
        self.last_async_id += 1
        return self.last_async_id

    @property
    def multichannel(self) -> bool:
        return bool(self.capabilities & Capabilities.MULTI_CHANNEL)

    @property
    def multicredit(self) -> bool:
        return bool(self.capabilities & _LARGE_MTU)

    def forget(self, session_id: int, signer: Signer | None) -> None:
        """The session has ended, or is no longer to be reached here."""
        self.sessions.pop(session_id, None)
        self.setups.pop(session_id, None)
        if signer is not None:
            self.ended[session_id] = signer
            if len(self.ended) > _ENDED:
                del self.ended[next(iter(self.ended))]

    def close(self, reason: str) -> None:
        self.closing = True
        self.wire.close(reason)

    def abort(self, reason: str) -> None:
        self.closing = True
        self.wire.abort(reason)
