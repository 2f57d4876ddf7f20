"""What a CREATE wishes for beside the file: a lease or an oplock, and to outlive its connection (MS-SMB2
3.3.5.9.6 to .11).

Owns the reading of those contexts and the writing of their answers. What is granted is decided in
`server.core.shared`. Called by create.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from server.config import Limits
from server.core.breaks import CACHING_OF_LEVEL, OPLOCK_LEVELS
from server.core.connection import NOBODY
from server.core.errors import StatusError
from server.core.opens import Open
from server.core.request import Request
from server.core.shared.records import Durability, Grant, H, R, W, lease_holder, oplock_holder
from server.wire import create_contexts as contexts
from server.wire.create import CreateRequest, OplockLevel
from server.wire.create_contexts import CreateContext, DurableRequestV2, DurableResponseV2, Lease
from server.wire.negotiate import Capabilities, Dialect
from server.wire.status import NTSTATUS

_V1_TIME = 120.0
_BREAK_IN_PROGRESS = 2
_ALL = int(R | H | W)
_NONE, _LEASE = OplockLevel.NONE, OplockLevel.LEASE
_RETURNS = {contexts.DURABLE_RECONNECT, contexts.DURABLE_RECONNECT_V2}
_DURABLE = {
    contexts.DURABLE_REQUEST,
    contexts.DURABLE_RECONNECT,
    contexts.DURABLE_REQUEST_V2,
    contexts.DURABLE_RECONNECT_V2,
}


@dataclass(slots=True)
class Wish:
    """`caching`: as a lease of `version` 1 or 2 with `lease`, or as an oplock (0). `durable` 0: not to outlive. Never
    changed; not frozen, since every open makes one.
    """

    client: uuid.UUID
    caching: int = 0
    lease: Lease | None = None
    directories: bool = False
    durable: int = 0
    timeout: int = 0
    create_guid: uuid.UUID | None = None
    application: bytes | None = None

    def parent_key(self) -> bytes:
        """That of the lease on the directory, which the client says it has; b"" if it says nothing of one."""
        if self.lease is None or not self.lease.flags & contexts.LEASE_FLAG_PARENT_KEY:
            return b""
        return self.lease.parent_key

    def holder(self, number: int, directory: bool) -> str:
        """The name of what this open would hold; "" if it asks for nothing that it could get."""
        lease = self.lease
        if lease is None:
            return oplock_holder(number) if self.caching and not directory else ""
        if directory and not (lease.version == 2 and self.directories):
            return ""
        return lease_holder(self.client, lease.key)

    def durability(self, limits: Limits, directory: bool) -> Durability | None:
        if not self.durable or directory:
            return None
        if self.durable == 1:
            return Durability(1, int(_V1_TIME * 1000))
        return Durability(
            2, self.granted_time(limits), "" if self.create_guid is None else self.create_guid.hex
        )

    def granted_time(self, limits: Limits) -> int:
        """In ms."""
        most = int(limits.max_durable_time * 1000)
        return min(self.timeout, most) if self.timeout else int(limits.durable_time * 1000)


def wish_of(request: Request, asked: CreateRequest) -> Wish:
    """StatusError, MalformedError: contexts that exclude each other, or are none."""
    connection = request.connection
    if not asked.contexts:
        return Wish(
            connection.client_guid,
            CACHING_OF_LEVEL.get(asked.oplock_level, 0),  # type: ignore[call-overload]
        )
    dialect = connection.dialect or Dialect.SMB_2_0_2
    lease = None
    raw = contexts.find(asked.contexts, contexts.REQUEST_LEASE)
    if raw is not None:
        lease = Lease.decode(raw)
        if dialect < Dialect.SMB_2_1 or connection.client_guid == NOBODY:
            lease = None
    caching = CACHING_OF_LEVEL.get(asked.oplock_level, 0)  # type: ignore[call-overload]  # any number may come
    returns = {context.name for context in asked.contexts} & _RETURNS
    if asked.oplock_level == OplockLevel.LEASE:
        caching = lease.state & _ALL if lease is not None else 0
    elif not returns:  # who comes back to an open need not say again what it is
        lease = None
    durable, timeout, guid = _durable(asked, dialect)
    directories = bool(connection.capabilities & Capabilities.DIRECTORY_LEASING)
    return Wish(
        connection.client_guid, caching, lease, directories, durable, timeout, guid, _application(asked)
    )


def _durable(asked: CreateRequest, dialect: int) -> tuple[int, int, uuid.UUID | None]:
    """(version, timeout in ms, CreateGuid)."""
    names = {context.name for context in asked.contexts}
    second = names & {contexts.DURABLE_REQUEST_V2, contexts.DURABLE_RECONNECT_V2}
    if dialect >= Dialect.SMB_3_0 and second and len(names & _DURABLE) > 1:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "two durable contexts")
    if contexts.DURABLE_REQUEST_V2 in second and dialect >= Dialect.SMB_3_0:
        wanted = DurableRequestV2.decode(contexts.find(asked.contexts, contexts.DURABLE_REQUEST_V2) or b"")
        return 2, wanted.timeout, wanted.create_guid
    return int(contexts.DURABLE_REQUEST in names), 0, None


def _application(asked: CreateRequest) -> bytes | None:
    raw = contexts.find(asked.contexts, contexts.APP_INSTANCE_ID)
    return contexts.AppInstanceId.decode(raw).id if raw is not None else None


def lasting(grant: Grant | None) -> bool:
    """Whether an open with that may be durable."""
    return grant is not None and bool(grant.state & H)


def level_of(grant: Grant | None) -> int:
    if grant is None:
        return _NONE
    return _LEASE if grant.version else OPLOCK_LEVELS[grant.state]


def contexts_of(wish: Wish, opened: Open, grant: Grant | None, limits: Limits) -> list[CreateContext]:
    """The answers to what was wished for and granted."""
    answers = []
    if grant is not None and grant.version and wish.lease is not None:
        flags = _BREAK_IN_PROGRESS if grant.breaking is not None else 0
        version = grant.version  # that of the lease, whatever this open has asked in
        if version == 2:
            flags |= wish.lease.flags & contexts.LEASE_FLAG_PARENT_KEY
        lease = Lease(
            wish.lease.key,
            grant.state,
            flags,
            version,
            wish.lease.parent_key if flags & contexts.LEASE_FLAG_PARENT_KEY else bytes(16),
            grant.epoch if version == 2 else 0,
        )
        answers.append(CreateContext(contexts.REQUEST_LEASE, lease.encode()))
    durable = opened.durable and lasting(grant)
    if durable and wish.durable == 1:
        answers.append(CreateContext(contexts.DURABLE_REQUEST, bytes(8)))
    if durable and wish.durable == 2:
        response = DurableResponseV2(wish.granted_time(limits))
        answers.append(CreateContext(contexts.DURABLE_REQUEST_V2, response.encode()))
    return answers
