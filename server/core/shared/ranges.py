"""Byte-range locks of one file (MS-FSA 2.1.4.10, 2.1.5.7, 2.1.5.8).

Pure functions and values. A range of no length conflicts with what lies round its offset, not with what begins there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class Lock:
    """`open`: the id of the open that has it. Bytes `start` to before `start + length`."""

    open: int
    start: int
    length: int
    exclusive: bool


def overlap(one: Lock, other: Lock) -> bool:
    """Zero-length locks only collide inside the other's range (MS-FSA 2.1.4.10)."""
    if not one.length and not other.length:
        return False
    if not one.length:
        return other.start < one.start < other.start + other.length
    if not other.length:
        return one.start < other.start < one.start + one.length
    return one.start < other.start + other.length and other.start < one.start + one.length


def in_the_way(held: Sequence[Lock], wanted: Lock) -> Lock | None:
    """The first that keeps `wanted` from being granted. One's own do, too, but that a shared lock may lie on
    an exclusive one.
    """
    return next(
        (
            lock
            for lock in held
            if (wanted.exclusive or (lock.exclusive and lock.open != wanted.open)) and overlap(lock, wanted)
        ),
        None,
    )


def forbids(held: Sequence[Lock], access: Lock) -> bool:
    """Whether reading (or, `exclusive`, writing) that range by that open is refused. One's own exclusive locks do not
    count, one's own shared ones forbid writing.
    """
    if not access.length:
        return False
    return any(
        overlap(lock, access) and (lock.exclusive or access.exclusive)
        for lock in held
        if lock.open != access.open or (access.exclusive and not lock.exclusive)
    )


def without(held: Sequence[Lock], given_up: Lock) -> list[Lock] | None:
    """The locks that are left when the one of that open with exactly that range goes, exclusive ones first.
    None: there is none.
    """
    found = [
        lock
        for lock in held
        if (lock.open, lock.start, lock.length) == (given_up.open, given_up.start, given_up.length)
    ]
    if not found:
        return None
    gone = next((lock for lock in found if lock.exclusive), found[0])
    rest = list(held)
    rest.remove(gone)
    return rest


def encode(locks: Sequence[Lock]) -> bytes:
    return json.dumps([astuple(lock) for lock in locks], separators=(",", ":")).encode()


def decode(raw: bytes | None) -> list[Lock]:
    return [] if raw is None else [Lock(*fields) for fields in json.loads(raw)]
