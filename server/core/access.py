"""Who may do what with a file: the access check, and what new files inherit (MS-DTYP 2.5.3.2, 2.5.3.4.1; MS-FSA
2.1.5.1.2.1).

Pure functions. A file that has no descriptor of its own is everybody's, but for those who did not say who they are.
A user is known by a SID made of the name, so that no table of them has to be kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache

from server.core.session import Session
from server.wire.create import (
    FILE_ALL_ACCESS,
    FILE_GENERIC_EXECUTE,
    FILE_GENERIC_READ,
    FILE_GENERIC_WRITE,
    Access,
)
from server.wire.security import Ace, AceFlags, AceKind, Control, Descriptor, sid

_GENERIC = (
    (Access.GENERIC_READ, FILE_GENERIC_READ),
    (Access.GENERIC_WRITE, FILE_GENERIC_WRITE),
    (Access.GENERIC_EXECUTE, FILE_GENERIC_EXECUTE),
    (Access.GENERIC_ALL, FILE_ALL_ACCESS),
)
_ANY_GENERIC = 0xF000_0000
_OWNERS = Access.READ_CONTROL | Access.WRITE_DAC

EVERYONE = sid(1, 0)
CREATOR_OWNER, CREATOR_GROUP = sid(3, 0), sid(3, 1)
NETWORK, ANONYMOUS, AUTHENTICATED, GUESTS = sid(5, 2), sid(5, 7), sid(5, 11), sid(5, 32, 546)

EVERYBODYS = Descriptor(
    EVERYONE, EVERYONE, (Ace(AceKind.ALLOW, 0, int(FILE_ALL_ACCESS), EVERYONE),), int(Control.DACL_PRESENT)
)
"""What a file has that nobody has given another."""


def specific(access: int) -> int:
    """The mask with its generic bits spelt out."""
    if not access & _ANY_GENERIC:
        return access
    for generic, rights in _GENERIC:
        if access & generic:
            access = (access & ~generic) | rights
    return access


@lru_cache
def user_sid(name: str) -> bytes:
    """S-1-5-21 and 128 bits of the name's digest: the same in every server, and nobody else's."""
    digest = hashlib.sha256(name.casefold().encode("utf-8", "surrogatepass")).digest()
    return sid(5, 21, *(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)))


def sids(session: Session) -> frozenset[bytes]:
    """All that the session's user is."""
    return _sids(session.user, session.anonymous, session.guest)


@lru_cache
def _sids(user: str, anonymous: bool, guest: bool) -> frozenset[bytes]:
    if anonymous:
        return frozenset({ANONYMOUS, NETWORK})
    if guest:
        return frozenset({EVERYONE, GUESTS, NETWORK})
    return frozenset({user_sid(user), EVERYONE, AUTHENTICATED, NETWORK})


@lru_cache
def usual(who: frozenset[bytes]) -> int:
    """The rights that they have on what was given no descriptor."""
    return permitted(EVERYBODYS, who)


def permitted(descriptor: Descriptor, who: frozenset[bytes]) -> int:
    """All rights that they have: of each, the first entry that tells of it decides."""
    allowed = denied = 0
    for entry in descriptor.dacl or ():
        if entry.flags & AceFlags.INHERIT_ONLY or entry.sid not in who:
            continue
        mask = specific(entry.mask) & FILE_ALL_ACCESS
        if entry.kind == AceKind.ALLOW:
            allowed |= mask & ~denied
        else:
            denied |= mask & ~allowed
    if descriptor.dacl is None:
        allowed = int(FILE_ALL_ACCESS)
    return int(allowed | _OWNERS) if descriptor.owner in who else allowed


def inherited(parent: Descriptor, owner: bytes, directory: bool) -> tuple[Ace, ...]:
    """The entries that a new file in that directory gets."""
    found: list[Ace] = []
    for entry in parent.dacl or ():
        mine = entry.flags & (AceFlags.CONTAINER_INHERIT if directory else AceFlags.OBJECT_INHERIT)
        onwards = directory and entry.flags & (AceFlags.CONTAINER_INHERIT | AceFlags.OBJECT_INHERIT)
        if entry.flags & AceFlags.NO_PROPAGATE:
            onwards = False
        if not mine and not onwards:
            continue
        kept = entry.flags & (AceFlags.CONTAINER_INHERIT | AceFlags.OBJECT_INHERIT) if onwards else 0
        whose = {CREATOR_OWNER: owner, CREATOR_GROUP: parent.group or owner}.get(entry.sid, entry.sid)
        if mine and whose != entry.sid:
            found.append(Ace(entry.kind, int(AceFlags.INHERITED), specific(entry.mask), whose))
            if onwards:
                flags = kept | AceFlags.INHERIT_ONLY | AceFlags.INHERITED
                found.append(replace(entry, flags=int(flags)))
            continue
        flags = kept | AceFlags.INHERITED | (0 if mine else AceFlags.INHERIT_ONLY)
        found.append(replace(entry, flags=int(flags), mask=specific(entry.mask) if mine else entry.mask))
    return tuple(found)


def of_new_file(
    parent: Descriptor, given: Descriptor | None, owner: bytes, directory: bool
) -> Descriptor | None:
    """What a file is made with; None: what all have that were given nothing."""
    entries = inherited(parent, owner, directory)
    if given is None and not entries:
        return None
    made = Descriptor(owner, owner, entries or EVERYBODYS.dacl, int(Control.DACL_PRESENT))
    return made if given is None else changed(made, given, dacl=given.has_dacl)


def changed(before: Descriptor, given: Descriptor, *, dacl: bool) -> Descriptor:
    """With the parts that are given in place of its own; with `dacl` its list, and the NULL DACL if it has none."""
    found = replace(before, owner=given.owner or before.owner, group=given.group or before.group)
    return replace(found, dacl=given.dacl, control=given.control | Control.DACL_PRESENT) if dacl else found
