"""A security descriptor in self-relative form (MS-DTYP 2.4.6), as far as a server without ACLs of its own
needs one.
 Owns the bytes of the one descriptor that grants everyone what the share grants; parses none. Called by
QUERY_INFO.
"""

from __future__ import annotations

from struct import Struct

_HEADER = Struct("<BBHIIII")
_ACL = Struct("<BBHHH")
_ACE = Struct("<BBHI")

_SELF_RELATIVE = 0x8000
_DACL_PRESENT = 0x0004

OWNER = 1
GROUP = 2
DACL = 4

EVERYONE = bytes([1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
"""S-1-1-0."""


def descriptor_for_everyone(parts: int, access: int) -> bytes:
    """Owner, group and a DACL of one entry that allows `access`; `parts` (OWNER, GROUP, DACL) says which to
    give.
    """
    offset = _HEADER.size
    owner = group = dacl = 0
    body = b""
    control = _SELF_RELATIVE
    if parts & OWNER:
        owner = offset + len(body)
        body += EVERYONE
    if parts & GROUP:
        group = offset + len(body)
        body += EVERYONE
    if parts & DACL:
        dacl = offset + len(body)
        control |= _DACL_PRESENT
        ace = _ACE.pack(0, 0, _ACE.size + len(EVERYONE), access) + EVERYONE
        body += _ACL.pack(2, 0, _ACL.size + len(ace), 1, 0) + ace
    return _HEADER.pack(1, 0, control, owner, group, 0, dacl) + body
