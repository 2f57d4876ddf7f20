"""What a server is told before it starts: addresses, shares, users, limits.
 Plain values with a JSON form, in which they travel to the workers. Read by everything; made by the command
line and by the actor.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Encryption(StrEnum):
    """What is asked of clients: nothing, even if they can; to encrypt if they like to; if they can; always."""

    OFF = "off"
    ENABLED = "enabled"
    DESIRED = "desired"
    REQUIRED = "required"


class Handover(StrEnum):
    """When a connection comes to the process that has to have it: at Negotiate, by the ClientGUID, or at session
    setup, by the session that it asks for.
    """

    CLIENT = "client"
    SESSION = "session"


CIPHERS = ("AES-128-GCM", "AES-128-CCM", "AES-256-GCM", "AES-256-CCM")
"""All that there are; the usual order of preference."""


@dataclass(frozen=True, slots=True)
class ShareConfig:
    """`path` "" is for IPC$, which has no directory. `encrypt`: what is not encrypted is refused.
    `guests`: they are let in.
    """

    name: str
    path: str
    comment: str = ""
    encrypt: bool = False
    guests: bool = False


@dataclass(frozen=True, slots=True)
class UserConfig:
    """`nt_hash`: 32 hex digits, MD4 of the password in UTF-16LE."""

    name: str
    nt_hash: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, sizes in bytes."""

    max_io: int = 8 * 1024 * 1024
    max_credits: int = 8192
    max_channels: int = 32
    max_connections: int = 4096
    """Of the whole server; one more is closed at once."""
    max_sessions: int = 1024
    max_opens: int = 16384
    max_locks: int = 4096
    """Byte-range locks of one file, by all clients."""
    max_async: int = 512
    """Requests of one connection that wait for something."""
    negotiate_time: float = 30.0
    unauthenticated_time: float = 45.0
    session_time: float = 0.0
    """How long a log-on is good for, as if a ticket ran out then; 0: for ever."""
    worker_linger: float = 10.0
    handover_time: float = 30.0
    node_time: float = 2.0
    """After which a node of the cluster that does not answer is taken for dead."""
    inline_io: int = 64 * 1024
    """Writes up to this size may be done without a thread."""
    inline_reads: int = 1024 * 1024
    """So may reads, if nothing has to come from the device: they cost no more than their signature."""
    storage_threads: int = 8
    poll_time: float = 0.0001
    """A worker looks for the next request that long before it sleeps, while they come as quickly; 0: never."""
    break_time: float = 35.0
    """Seconds that a client has for acknowledging a break."""
    durable_time: float = 60.0
    max_durable_time: float = 300.0
    """How long an open waits for its client: where that asks for no time, and at most."""


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Where a node of the cluster listens for the others: an address that stays with it."""

    name: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """`node`: the name of this one among `nodes`. `public`: addresses that go from node to node, and are offered to
    no client as a channel.
    """

    node: str
    nodes: tuple[NodeConfig, ...]
    secret: str = field(repr=False)
    public: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """Of this node, from 0: the same wherever it is asked."""
        return sorted(node.name for node in self.nodes).index(self.node)

    @property
    def own(self) -> NodeConfig:
        return next(node for node in self.nodes if node.name == self.node)


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """`addresses` empty: all of them, IPv4 and IPv6, on one dual-stack socket. `workers`: idle ones kept
    ready. `ciphers`: those that are agreed to, the best first; SMB 3.0 knows AES-128-CCM alone.
    """

    port: int = 445
    addresses: tuple[str, ...] = ()
    shares: tuple[ShareConfig, ...] = ()
    users: tuple[UserConfig, ...] = ()
    workers: int = 2
    handover: Handover = Handover.CLIENT
    server_name: str = "SERVER"
    guid: str = str(uuid.UUID(int=0))
    signing_required: bool = True
    encryption: Encryption = Encryption.ENABLED
    ciphers: tuple[str, ...] = CIPHERS
    anonymous: bool = False
    """Let nobody in, by no name: to IPC$ alone."""
    guests: bool = False
    """Let users in that are not known, as guests, to the shares that let them in."""
    rdma: tuple[str, ...] = ()
    """Names of interfaces that are reported as doing RDMA, which is not spoken."""
    cluster: ClusterConfig | None = None
    torture: bool = False
    """Serve the control codes by which smbtorture makes a server misbehave."""
    limits: Limits = Limits()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ServerConfig:
        """The inverse of `to_json`; not meant for what people write."""
        raw: dict[str, Any] = json.loads(text)
        raw["addresses"] = tuple(raw["addresses"])
        raw["shares"] = tuple(ShareConfig(**share) for share in raw["shares"])
        raw["users"] = tuple(UserConfig(**user) for user in raw["users"])
        raw["handover"] = Handover(raw["handover"])
        raw["encryption"] = Encryption(raw["encryption"])
        raw["ciphers"] = tuple(raw["ciphers"])
        raw["rdma"] = tuple(raw["rdma"])
        raw["limits"] = Limits(**raw["limits"])
        if raw["cluster"] is not None:
            nodes = tuple(NodeConfig(**node) for node in raw["cluster"]["nodes"])
            public = tuple(raw["cluster"]["public"])
            raw["cluster"] = ClusterConfig(**{**raw["cluster"], "nodes": nodes, "public": public})
        return cls(**raw)
