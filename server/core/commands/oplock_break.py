"""OPLOCK_BREAK from a client: it has given up what it was asked to (MS-SMB2 3.3.5.22). On any of its channels."""

from __future__ import annotations

from server.core.breaks import CACHING_OF_LEVEL
from server.core.errors import StatusError
from server.core.request import Reply, Request
from server.core.shared import caches
from server.core.shared.records import lease_holder
from server.wire.create import OplockLevel
from server.wire.oplock_break import LeaseBreak, OplockBreak, decode_acknowledgment
from server.wire.status import NTSTATUS


def oplock_break(request: Request) -> Reply:
    asked = decode_acknowledgment(request.body)
    if isinstance(asked, LeaseBreak):
        return _lease(request, asked)
    return _oplock(request, asked)


def _lease(request: Request, asked: LeaseBreak) -> Reply:
    holder = lease_holder(request.connection.client_guid, asked.key)
    key = caches.file_of_lease(request.core.table, holder)
    if key is None:
        raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, "no such lease")
    request.core.breaks.acknowledged(key, holder, asked.state)
    return Reply(asked.encode())


def _oplock(request: Request, asked: OplockBreak) -> Reply:
    core = request.core
    opened = request.need_file(asked.file_id)
    grant = core.table.look(opened.key).grants.get(opened.holder) if opened.holder else None
    if asked.level == OplockLevel.LEASE:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a lease is acknowledged otherwise")
    if grant is None or grant.version or grant.breaking is None:
        raise StatusError(NTSTATUS.INVALID_OPLOCK_PROTOCOL, "nothing to acknowledge")
    state = CACHING_OF_LEVEL.get(asked.level)  # type: ignore[call-overload]  # any number may come
    if state is None or state & ~grant.breaking:
        core.breaks.give_up(opened.key, opened.holder)
        raise StatusError(NTSTATUS.INVALID_OPLOCK_PROTOCOL, f"level {asked.level}")
    core.breaks.acknowledged(opened.key, opened.holder, state)
    return Reply(OplockBreak(opened.file_id, asked.level).encode())
