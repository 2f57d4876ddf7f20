"""What an open means to the other nodes of a cluster, which know only that there is one.

Owns which opens keep each other out across nodes: whoever changes a file has it at one node alone. So all that is
agreed between opens (share modes, leases, locks) is agreed within one node. Called by create.
"""

from __future__ import annotations

from server.config import ClusterConfig
from server.core.commands.found import Found
from server.core.commands.opening import WRITES
from server.core.errors import StatusError
from server.wire.create import Access
from server.wire.status import NTSTATUS

_CHANGES = WRITES | Access.DELETE
_CONTENT = _CHANGES | Access.READ_DATA | Access.EXECUTE


def at_this_node(cluster: ClusterConfig, found: Found, access: int, wanted: int) -> int:
    """Take the open's place. What it may cache: all of `wanted`, or nothing where another node could change it.

    StatusError SHARING_VIOLATION: the file is open at another node, and here or there it is to be changed.
    """
    if found.stat.directory or not access & _CONTENT:
        return 0
    change = bool(access & _CHANGES) or found.overwrite
    if not found.handle.claim(cluster.number, len(cluster.nodes), change=change):
        raise StatusError(NTSTATUS.SHARING_VIOLATION, "open at another node")
    return wanted
