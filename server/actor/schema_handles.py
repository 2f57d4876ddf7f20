"""The verbs of ``smb-client`` on named handles, for its schema. Plain data; ``handles`` does them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_HANDLE = {"type": "string", "description": "the story's own name for this open"}
_SIZE = {"type": ["integer", "string"], "format": "size", "description": "bytes: 4096, 10MB, 64MiB"}
_OFFSET = {"type": "integer", "minimum": 0, "default": 0}


def _object(required: tuple[str, ...] = (), /, **properties: Any) -> Mapping[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_BYTES = _object(
    ("bytes", "sha256", "cached"),
    bytes={"type": "integer"},
    sha256={"type": "string"},
    cached={"type": "boolean", "description": "whether the server needed not be asked"},
)

HANDLE_VERBS: Mapping[str, Any] = {
    "open": {
        "doc": "Open a file under a name, shared with everybody; `lease-broken` tells what becomes of its lease.",
        "args": _object(
            ("handle", "path"),
            handle=_HANDLE,
            path={"type": "string"},
            lease={"enum": ["", "R", "RW", "RH", "RWH"], "default": ""},
            access={"enum": ["read", "write"], "default": "write"},
            disposition={
                "enum": ["open", "create", "open-or-create", "overwrite"],
                "default": "open-or-create",
            },
        ),
        "result": _object(
            ("lease", "size", "created"),
            lease={"type": "string", "description": "what was granted"},
            size={"type": "integer"},
            created={"type": "boolean"},
        ),
    },
    "read": {
        "doc": "Read from an open handle.",
        "args": _object(("handle", "size"), handle=_HANDLE, offset=_OFFSET, size=_SIZE),
        "result": _BYTES,
    },
    "write": {
        "doc": "Write bytes made from the seed to an open handle. Over a certain channel, or as a late one: once, "
        "and fails as the server says.",
        "args": _object(
            ("handle", "size"),
            handle=_HANDLE,
            offset=_OFFSET,
            size=_SIZE,
            seed={"type": "integer", "default": 0},
            channel={"type": "integer", "description": "the number of the channel to send it over"},
            behind={
                "type": "integer",
                "minimum": 0,
                "default": 0,
                "description": "send it with the ChannelSequence of so many losses of channels ago",
            },
        ),
        "result": _BYTES,
    },
    "lock": {
        "doc": "Lock a byte range of an open handle.",
        "args": _object(
            ("handle", "size"),
            handle=_HANDLE,
            offset=_OFFSET,
            size=_SIZE,
            exclusive={"type": "boolean", "default": True},
            wait={"type": "boolean", "default": False, "description": "until it is free"},
        ),
        "result": _object(),
    },
    "unlock": {
        "doc": "Unlock a byte range that was locked.",
        "args": _object(("handle", "size"), handle=_HANDLE, offset=_OFFSET, size=_SIZE),
        "result": _object(),
    },
    "flush": {
        "doc": "Have all that was written on the server's disk.",
        "args": _object(("handle",), handle=_HANDLE),
        "result": _object(),
    },
    "close": {
        "doc": "Close an open handle; its name is free again. With a lease that allows it, the server's open stays "
        "for a while.",
        "args": _object(("handle",), handle=_HANDLE),
        "result": _object(),
    },
}
