"""CREATE (MS-SMB2 3.3.5.9): the way of an open from its name to its FileId.

What dispositions, options and rights mean is in `opening`. What a path
may look like is in `server.core.names`; who may share a file with whom, and what may be cached, in
`server.core.shared`; leases, oplocks and durability as the request asks for them in `caching`; opens that are there
already in `reopen`.
"""

from __future__ import annotations

import asyncio

from server.config import Limits
from server.core import pipes, stats
from server.core.commands import caching, extended, presence, protection, reopen
from server.core.commands.caching import Wish
from server.core.commands.found import Found, find
from server.core.commands.opening import (
    SETTABLE,
    check,
    check_existing,
    granted,
)
from server.core.errors import StatusError
from server.core.fence import Fence
from server.core.names import without_stream
from server.core.opens import Open, reserve
from server.core.request import Reply, Request, Result
from server.core.respond import pend
from server.core.shared import applications, caches, streams
from server.core.shared.records import ALL, Grant, OpenRecord, W, lease_holder
from server.core.shared.table import Asked
from server.ports.files import FileStat, Volume
from server.wire import create_contexts as contexts
from server.wire.create import (
    FILE_ALL_ACCESS,
    Access,
    Attributes,
    CreateAction,
    CreateOptions,
    CreateRequest,
    CreateResponse,
    Disposition,
)
from server.wire.file_infos import SizeInformation
from server.wire.notify import Filter
from server.wire.status import NTSTATUS

# Names of their own: a member of an enumeration is looked up each time that it is asked for by its class.
_DELETE_ON_CLOSE, _OPENED = CreateOptions.DELETE_ON_CLOSE, CreateAction.OPENED
_ALL = int(ALL)
_ATTEMPTS = 8
"""Times that a name may turn out to have been deleted since it was found."""


def create(request: Request) -> Result:
    asked = CreateRequest.decode(request.body)
    wish = caching.wish_of(request, asked)
    if asked.contexts:
        again = reopen.reconnect(request, asked, wish) or reopen.replay(request, asked, wish)
        if again is not None:
            return answer(request, asked, wish, *again)
    check(asked)
    volume = request.need_tree().share.volume
    if volume is None:
        return pipes.create(request, asked)
    guid = wish.create_guid
    if guid is not None:
        request.core.creates[guid] = None
    waiting = False
    try:
        former = reopen.displace(request, wish.application) if wish.application is not None else None
        if former is not None:
            result: Result = _wait_for_former(request, asked, volume, wish, former)
        else:
            result = _attempt(request, asked, volume, wish)
        waiting = not isinstance(result, Reply)
    finally:
        if guid is not None and not waiting:
            reopen.created(request, guid)
    return result


async def _wait_for_former(
    request: Request, asked: CreateRequest, volume: Volume, wish: Wish, event: asyncio.Future[None]
) -> Reply:
    try:
        await request.wait(event)
        result = _attempt(request, asked, volume, wish)
        return result if isinstance(result, Reply) else await result  # type: ignore[misc]  # never None
    finally:
        if wish.create_guid is not None:
            reopen.created(request, wish.create_guid)


def _attempt(request: Request, asked: CreateRequest, volume: Volume, wish: Wish) -> Result:
    for _ in range(_ATTEMPTS):
        found = find(request, asked, volume, wish)
        try:
            reply = _admit(found)
        except BaseException:
            found.abandon()
            raise
        if found.vanished:
            found.handle.close()
        else:
            return reply or _wait(found, request.core.waiting.event(found.key))
    raise StatusError(NTSTATUS.DELETE_PENDING, "deleted whenever it is found")


async def _wait(found: Found, event: asyncio.Future[None]) -> Reply:
    """Until what is in the way has given way."""
    request, creating = found.request, found.request.need_session().creating
    request.outlives = found.wish.create_guid is not None
    creating.append(request)
    try:
        try:
            pend(request)
            while True:
                await request.wait(event)
                reply = _admit(found)
                if reply is not None:
                    return reply
                if found.vanished:
                    break
                event = request.core.waiting.event(found.key)
        except BaseException:
            found.abandon()
            raise
        found.handle.close()
        result = _attempt(request, found.asked, found.volume, found.wish)
        return result if isinstance(result, Reply) else await result  # type: ignore[misc]  # never None
    finally:
        creating.remove(request)
        if found.wish.create_guid is not None:
            reopen.created(request, found.wish.create_guid)


def _admit(found: Found) -> Reply | None:
    """Enter the open beside the others there are. None: it has to wait, or has vanished."""
    request, asked, core = found.request, found.asked, found.request.core
    session, tree = request.need_session(), request.need_tree()
    if found.again:
        found.stat = found.handle.stat()  # whoever gave way may have written
    wish, stat, lease, number = found.wish, found.stat, found.wish.lease, found.ids[0]
    access = granted(found.access, stat, found.permitted)
    if not found.made:
        check_existing(asked, stat)
    holder = wish.holder(number, stat.directory)
    if lease is not None and not holder:
        _check_lease(found, lease)
    durable = wish.durability(core.config.limits, stat.directory or found.base is not None)
    wanted = wish.caching & (~W if stat.directory else _ALL)
    if core.config.cluster is not None:
        wanted, durable = presence.at_this_node(core.config.cluster, found, access, wanted), None
    record = OpenRecord(
        number,
        core.table.address,
        core.identity,
        request.connection.client_guid.hex,
        session.user,
        tree.share.config.name,
        found.path,
        access,
        asked.share_access,
        asked.options,
        bool(asked.options & _DELETE_ON_CLOSE),
        holder,
        durable,
    )
    wants = Asked(record, wanted, overwrite=found.overwrite, directory=stat.directory, again=found.again)
    parent = ""
    if lease is not None:
        wants.version, wants.epoch, key = lease.version, lease.epoch, wish.parent_key()
        wants.parent, parent = key.hex(), lease_holder(wish.client, key) if key else ""
    outcome = core.table.admit(found.key, wants, found.handle.links)
    if outcome.breaks or outcome.wake:
        core.spread(found.key, outcome)
    found.again, found.vanished = outcome.waiting, outcome.vanished
    if outcome.waiting or outcome.vanished:
        return None
    grant = outcome.grant
    opened = Open(
        persistent=number,
        volatile=found.ids[1],
        session=session,
        tree=tree,
        handle=found.handle,
        key=found.key,
        path=found.path,
        access=access,
        share_access=asked.share_access,
        options=asked.options,
        client_guid=request.connection.client_guid,
        fence=Fence(request.header.channel_sequence),
        holder="" if grant is None else grant.holder,
        parent=parent,
        durable=durable is not None and caching.lasting(grant),
        create_guid=wish.create_guid,
        application=wish.application,
        action=_OPENED,
        replayable=wish.create_guid is not None and not stat.directory,
        base=found.base,
    )
    core.register(opened)
    if opened.application is not None:
        applications.enter(core.table, opened.application, opened.key, opened.persistent)
    try:
        if found.base is not None:
            streams.enter(core.table, found.base, without_stream(found.path), record)
        if found.made or found.overwrite:
            opened.action = _fill(found, opened)
    except BaseException:
        # As if it had never been opened, but that the file, if it was made, has to stay until the open is gone.
        core.close_open(opened)
        raise
    return answer(request, asked, wish, opened, grant, found.stat)


def _check_lease(found: Found, lease: contexts.Lease) -> None:
    """A lease key is for one file, even where none is granted (3.3.5.9.8)."""
    holder = lease_holder(found.wish.client, lease.key)
    if caches.file_of_lease(found.request.core.table, holder) not in (None, found.key):
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "the lease is for another file")


def _fill(found: Found, opened: Open) -> CreateAction:
    """What a new file has, and nothing else in one that is overwritten. Both change what `found.stat` says."""
    asked, watches = found.asked, found.request.core.watches
    attributes = asked.attributes & SETTABLE
    archive = 0 if found.stat.directory else Attributes.ARCHIVE
    if found.overwrite:
        found.handle.clear()
    own = found.base is None or found.base_made
    if own and (attributes & ~Attributes.NORMAL or found.overwrite):
        found.handle.set_attributes(attributes | archive)
    if (given := contexts.find(asked.contexts, contexts.EXTENDED_ATTRIBUTES)) and own:
        extended.put(found.handle, given)
    if (size := contexts.find(asked.contexts, contexts.ALLOCATION_SIZE)) and not found.stat.directory:
        reserve(opened, SizeInformation.decode(size).value)
    if found.made:
        found.stat = found.handle.stat()
        watches.made(opened)
        return CreateAction.CREATED
    found.stat = found.handle.stat()
    watches.modified(opened, Filter.ATTRIBUTES | Filter.SIZE | Filter.LAST_WRITE | Filter.CREATION)
    return CreateAction.SUPERSEDED if asked.disposition == Disposition.SUPERSEDE else CreateAction.OVERWRITTEN


def answer(
    request: Request,
    asked: CreateRequest,
    wish: Wish,
    opened: Open,
    grant: Grant | None,
    stat: FileStat | None = None,
) -> Reply:
    """The response for an open that is there: just made, found again, or replayed. `stat`: its file's, if known."""
    file_id = opened.file_id
    request.chain.file_id, request.chain.create_error = file_id, None
    if stat is None:
        stat = opened.handle.stat()
    limits = request.core.config.limits
    answers = _answers(asked, wish, opened, grant, stat, limits) if asked.contexts else ()
    response = CreateResponse(
        file_id,
        opened.action,
        caching.level_of(grant),
        0,
        *stats.times(stat),
        stats.allocation(stat, opened.reserved),
        stat.size,
        stats.attributes(stat),
        answers,
    )
    return Reply(response.encode())


def _answers(
    asked: CreateRequest, wish: Wish, opened: Open, grant: Grant | None, stat: FileStat, limits: Limits
) -> tuple[contexts.CreateContext, ...]:
    """Those to the contexts that the request has."""
    answers: list[contexts.CreateContext] = caching.contexts_of(wish, opened, grant, limits)
    if contexts.find(asked.contexts, contexts.QUERY_MAXIMAL_ACCESS) is not None:
        maximal = contexts.MaximalAccess(
            granted(Access.MAXIMUM_ALLOWED, stat, _permitted(opened, stat))
        ).encode()
        answers.append(contexts.CreateContext(contexts.QUERY_MAXIMAL_ACCESS, maximal))
    if contexts.find(asked.contexts, contexts.QUERY_ON_DISK_ID) is not None:
        disk_id = contexts.OnDiskId(stat.number, stat.device).encode()
        answers.append(contexts.CreateContext(contexts.QUERY_ON_DISK_ID, disk_id))
    return tuple(answers)


def _permitted(opened: Open, stat: FileStat) -> int:
    volume = opened.tree.share.volume
    if volume is None:
        return int(FILE_ALL_ACCESS)
    return protection.permitted(volume, opened.session, opened.handle, opened.path, stat)
