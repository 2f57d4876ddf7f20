"""What is open and who caches it, for people.

Owns how records look there. Called by the acceptor.
"""

from __future__ import annotations

from typing import Any

from server.core.shared.records import Caching, FileRecord, Grant, OpenRecord
from server.core.shared.table import FILES
from server.ports.store import Store

Shown = dict[str, Any]


def opens_and_grants(store: Store) -> tuple[list[Shown], list[Shown]]:
    """All of the server, one row each. An open without a process waits for its client to come back."""
    opens: list[Shown] = []
    grants: list[Shown] = []
    with store.read() as reading:
        files = [FileRecord.decode(raw) for _, raw in store.scan(reading, FILES)]
    for file in files:
        opens += map(_open, file.opens.values())
        grants += [_grant(file, grant) for grant in file.grants.values()]
    return opens, grants


def _open(opened: OpenRecord) -> Shown:
    return {
        "pid": opened.pid if opened.owner else None,
        "user": opened.user,
        "share": opened.share,
        "path": "/".join(opened.path),
        "access": f"0x{opened.access:08x}",
        "durable": opened.durable is not None,
    }


def _grant(file: FileRecord, grant: Grant) -> Shown:
    opened = next(iter(file.opens_of(grant.holder)), None)
    return {
        "pid": opened.pid if opened is not None and opened.owner else None,
        "kind": "lease" if grant.version else "oplock",
        "share": opened.share if opened is not None else "",
        "path": "/".join(opened.path) if opened is not None else "",
        "state": _letters(grant.state),
        "breaking": None if grant.breaking is None else _letters(grant.breaking),
    }


def _letters(state: int) -> str:
    return "".join(one.name[0] for one in Caching if one & state and one.name) or "none"
