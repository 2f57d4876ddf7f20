"""LOCK (MS-SMB2 3.3.5.14): byte ranges, locked and unlocked, at once or when they are free."""

from __future__ import annotations

import asyncio

from server.core.errors import StatusError
from server.core.opens import Open
from server.core.request import Reply, Request, Result
from server.core.respond import pend
from server.core.shared import locking
from server.core.shared.ranges import Lock
from server.wire.lock import RESPONSE, LockElement, LockFlags, LockRequest
from server.wire.negotiate import Dialect
from server.wire.status import NTSTATUS

_KINDS = (
    LockFlags.SHARED,
    LockFlags.EXCLUSIVE,
    LockFlags.SHARED | LockFlags.FAIL_IMMEDIATELY,
    LockFlags.EXCLUSIVE | LockFlags.FAIL_IMMEDIATELY,
)
_END = 2**64
_INDEXES = range(1, 65)
_MOST = 256
"""Elements of one request: each is held against all locks of the file."""


def lock(request: Request) -> Result:
    asked = LockRequest.decode(request.body)
    if len(asked.elements) > _MOST:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "elements")
    opened = request.need_file(asked.file_id)
    if opened.handle.directory:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a directory")
    if _repeated(request, opened, asked.sequence):
        return Reply(RESPONSE)
    if asked.elements[0].flags & LockFlags.UNLOCK:
        return _unlock(request, opened, asked)
    kinds = {element.flags for element in asked.elements}
    if not kinds <= set(_KINDS):
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "flags")
    wait = not all(kind & LockFlags.FAIL_IMMEDIATELY for kind in kinds)
    if wait and len(asked.elements) > 1:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "several locks, and one that may wait")
    wanted = [_range(opened, element) for element in asked.elements]
    return _lock(request, opened, asked, wanted, wait=wait) or _wait(
        request, opened, asked, wanted, request.core.waiting.event(opened.key)
    )


def _lock(
    request: Request, opened: Open, asked: LockRequest, wanted: list[Lock], *, wait: bool
) -> Reply | None:
    """None: the lock is not free yet."""
    core = request.core
    outcome = locking.lock(core.table, opened.key, wanted, wait=wait, most=core.config.limits.max_locks)
    core.spread(opened.key, outcome)
    if outcome.waiting:
        return None
    core.changing(opened)
    _remember(opened, asked.sequence)
    return Reply(RESPONSE)


async def _wait(
    request: Request, opened: Open, asked: LockRequest, wanted: list[Lock], event: asyncio.Future[None]
) -> Reply:
    pend(request)
    while True:
        await request.wait(event)
        if opened.closed:
            raise StatusError(NTSTATUS.RANGE_NOT_LOCKED)
        reply = _lock(request, opened, asked, wanted, wait=True)
        if reply is not None:
            return reply
        event = request.core.waiting.event(opened.key)


def _unlock(request: Request, opened: Open, asked: LockRequest) -> Reply:
    given_up: list[Lock] = []
    sound = True
    for element in asked.elements:
        if element.flags != LockFlags.UNLOCK:
            sound = False
            break
        given_up.append(Lock(opened.persistent, element.offset, element.length, True))
    outcome, whole = locking.unlock(request.core.table, opened.key, given_up)
    request.core.spread(opened.key, outcome)
    if not whole:
        raise StatusError(NTSTATUS.RANGE_NOT_LOCKED)
    if not sound:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a lock among unlocks")
    _remember(opened, asked.sequence)
    return Reply(RESPONSE)


def _range(opened: Open, element: LockElement) -> Lock:
    if element.length and element.offset + element.length > _END:
        raise StatusError(NTSTATUS.INVALID_LOCK_RANGE)
    exclusive = bool(element.flags & LockFlags.EXCLUSIVE)
    return Lock(opened.persistent, element.offset, element.length, exclusive)


def _repeated(request: Request, opened: Open, sequence: int) -> bool:
    """Whether this very request succeeded before, its answer lost with a channel. Only what can lose a
    channel and go on has such numbers: 3.x with multichannel, or a durable open.
    """
    index, number = sequence >> 4, sequence & 0xF
    connection = request.connection
    counts = opened.durable or ((connection.dialect or 0) >= Dialect.SMB_3_0 and connection.multichannel)
    if not counts or index not in _INDEXES:
        return False
    if opened.lock_sequences.get(index) == number:
        return True
    opened.lock_sequences.pop(index, None)
    return False


def _remember(opened: Open, sequence: int) -> None:
    if sequence >> 4 in _INDEXES:
        opened.lock_sequences[sequence >> 4] = sequence & 0xF
