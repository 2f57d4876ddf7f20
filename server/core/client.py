"""One client: everything that goes by the same ClientGUID (MS-SMB2 3.3.1.16).
 Owns the list of its connections. Leases belong here, when there are leases. Called by the core and the
negotiation.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.core.connection import Connection


@dataclass(slots=True, eq=False)
class Client:
    """`connections` in the order in which they came; `dialect` is that of the first."""

    guid: uuid.UUID
    dialect: int
    connections: dict[str, Connection] = field(default_factory=dict)
