"""CREATE of an open that is there already: its replay on another channel, and the return to one that lost its
connection (MS-SMB2 3.3.5.9.7, .10, .12).

Owns the rules of who may have it. Called by create.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

from server.core.commands.caching import Wish
from server.core.connection import NOBODY
from server.core.errors import StatusError
from server.core.fence import Fence
from server.core.names import parse_path
from server.core.opens import Open
from server.core.request import Request
from server.core.shared import applications, reclaim
from server.core.shared.notices import Displaced
from server.core.shared.records import NOBODY as NO_OWNER
from server.core.shared.records import Durability, Grant, OpenRecord, lease_holder
from server.ports.files import Make
from server.wire import create_contexts as contexts
from server.wire.create import Access, CreateAction, CreateRequest
from server.wire.create_contexts import DurableReconnectV2, Lease
from server.wire.errors import MalformedError
from server.wire.header import Flags
from server.wire.negotiate import Dialect
from server.wire.status import NTSTATUS

Again = tuple[Open, Grant | None]

_WRITES = Access.WRITE_DATA | Access.APPEND_DATA
_NO_GUID = uuid.UUID(int=0).hex


def replay(request: Request, asked: CreateRequest, wish: Wish) -> Again | None:
    """The open that this CreateGuid has made, if the CREATE is its replay. None: it is a new one."""
    core, guid = request.core, wish.create_guid
    if guid is None or guid not in core.creates:
        return None
    opened = core.creates[guid]
    replayed = bool(request.header.flags & Flags.REPLAY_OPERATION)
    if opened is None:
        status = NTSTATUS.FILE_NOT_AVAILABLE if replayed else NTSTATUS.DUPLICATE_OBJECTID
        raise StatusError(status, "that CREATE is still under way")
    if not opened.replayable or opened.client_guid != request.connection.client_guid:
        return None
    if not replayed:
        raise StatusError(NTSTATUS.DUPLICATE_OBJECTID, "no replay")
    session = request.need_session()
    if opened.session.user != session.user:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "another user's")
    lease = lease_holder(wish.client, wish.lease.key) if wish.lease is not None else None
    if lease is not None and lease != opened.holder:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "another lease")
    if opened.session is not session:
        raise StatusError(NTSTATUS.DUPLICATE_OBJECTID, "another session's")
    grant = core.table.look(opened.key).grants.get(opened.holder)
    if grant is not None and not grant.version:
        grant = replace(grant, state=wish.caching)  # what is asked for now is told, not what is held
    return opened, grant


def displace(request: Request, application: bytes) -> asyncio.Future[None] | None:
    """An application that comes back on another client gets the open of its former instance closed
    (3.3.5.9.13). What to wait for before the file is opened, if it takes a wait.
    """
    core = request.core
    found = applications.find(core.table, application)
    if found is None:
        return None
    key, record = found
    if (
        record.client == request.connection.client_guid.hex
        or record.share != request.need_tree().share.config.name
    ):
        return None
    if record.owner == NO_OWNER:
        core.spread(key, reclaim.give_up(core.table, key, record.id))
        return None
    core.table.watch(key)
    core.couriers.tell(record.owner, Displaced(key, record.id))
    return core.waiting.event(key)


def created(request: Request, guid: uuid.UUID) -> None:
    """The CREATE with that CreateGuid is over, however it went."""
    if request.core.creates.get(guid, request) is None:
        del request.core.creates[guid]


def reconnect(request: Request, asked: CreateRequest, wish: Wish) -> Again | None:
    """The durable open that the client comes back to. None: it asks for none. StatusError: it may not have it."""
    if not asked.contexts:
        return None
    raw, version = contexts.find(asked.contexts, contexts.DURABLE_RECONNECT_V2), 2
    if raw is None or (request.connection.dialect or 0) < Dialect.SMB_3_0:
        raw, version = contexts.find(asked.contexts, contexts.DURABLE_RECONNECT), 1
        if raw is None:
            return None
    if version == 2:
        wanted = DurableReconnectV2.decode(raw)
        file_id, guid = wanted.file_id, wanted.create_guid.hex
    else:
        if len(raw) != 16:
            raise MalformedError(f"DHnC: {len(raw)} bytes, not 16")
        file_id, guid = raw, ""
    found = reclaim.disconnected(request.core.table, int.from_bytes(file_id[:8], "little"))
    if found is None:
        raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, "no such durable open")
    key, record, grant = found
    _check(request, asked, wish, record, grant, version, guid)
    opened = _reopened(request, key, record)
    if not reclaim.take(request.core.table, key, record.id, request.core.identity):
        opened.handle.close()
        raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, "somebody was faster")
    request.core.register(opened)
    return opened, grant


def _check(
    request: Request,
    asked: CreateRequest,
    wish: Wish,
    record: OpenRecord,
    grant: Grant,
    version: int,
    guid: str,
) -> None:
    durable, raw = record.durable, contexts.find(asked.contexts, contexts.REQUEST_LEASE)
    lease = Lease.decode(raw) if raw is not None else None
    if durable is None or (version == 2 and (durable.create_guid or _NO_GUID) != guid):
        raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, "another durable open")
    if grant.version:
        same = lease is not None and lease.version == grant.version
        if not same or lease is None or lease_holder(wish.client, lease.key) != grant.holder:
            raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, "without its lease")
        if parse_path(asked.name) != record.path:
            raise StatusError(NTSTATUS.INVALID_PARAMETER, "another name than the lease's")
    elif lease is not None:
        raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, "it has no lease")
    if record.share != request.need_tree().share.config.name:
        raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, "another share's")
    session = request.need_session()
    if record.user != session.user or session.anonymous:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "another user's")
    if request.connection.client_guid == NOBODY and grant.version:
        raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, "a lease without a ClientGUID")


def _reopened(request: Request, key: tuple[int, int], record: OpenRecord) -> Open:
    """The file under the name it has now. StatusError: it is another by now."""
    session, tree = request.need_session(), request.need_tree()
    volume = tree.share.volume
    if volume is None:
        raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND)
    handle, path, _ = volume.open(record.path, write=bool(record.access & _WRITES), make=Make.NO)
    try:
        stat = handle.stat()
        if (stat.device, stat.inode) != key:
            raise StatusError(NTSTATUS.OBJECT_NAME_NOT_FOUND, "another file has that name")
        _, volatile = request.core.new_file_ids()
    except BaseException:
        handle.close()
        raise
    durable: Durability | None = record.durable
    return Open(
        persistent=record.id,
        volatile=volatile,
        session=session,
        tree=tree,
        handle=handle,
        key=key,
        path=path,
        access=record.access,
        share_access=record.share_access,
        options=record.options,
        client_guid=request.connection.client_guid,
        fence=Fence(request.header.channel_sequence),
        holder=record.holder,
        durable=True,
        create_guid=uuid.UUID(hex=durable.create_guid) if durable and durable.create_guid else None,
        action=CreateAction.OPENED,
        position=record.position,
        reserved=record.reserved,
    )
