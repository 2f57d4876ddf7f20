"""An authentication under way on one connection: of a new session, a bind, or a re-authentication.

A value holder; `server.core.commands.session_setup` drives it. MS-SMB2's PreauthSessionTable is part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from server.core.session import Session
from server.wire.keys import PreauthHash
from server.wire.spnego import Acceptor


class Purpose(Enum):
    NEW = "new"
    BIND = "bind"
    AGAIN = "again"


@dataclass(slots=True, eq=False)
class Setup:
    """`preauth` runs over this connection's exchange alone."""

    session: Session
    purpose: Purpose
    acceptor: Acceptor
    preauth: PreauthHash
    signing_required: bool = False
