"""What the actor ``smb-server`` takes, does and tells: read by `check`, by the docs and by the runner.

Plain data. The verbs are done by ``server``; the events come from the acceptor and the workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_STRING = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 1}
_PID = "process id"
_SESSION = "session id, as 0x and hex digits"
_CONNECTION = "the connection's name, unique in this server"
_GUID = "ClientGUID of the client; all zero for one that has none (SMB 2.0.2)"


def _object(required: tuple[str, ...] = (), /, **properties: Any) -> Mapping[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _verb(doc: str, args: Mapping[str, Any], result: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"doc": doc, "args": args, "result": result}


def _event(doc: str, **fields: str) -> Mapping[str, Any]:
    return {"doc": doc, "fields": fields}


_SHARE = _object(
    path={"type": "string", "description": "a directory; without it, an empty one of the run's own"},
    common={
        "type": "boolean",
        "default": False,
        "description": "without a path: one directory for the shares of that name of all servers of the run",
    },
    encrypt={"type": "boolean", "default": False, "description": "refuse what is not encrypted"},
)

SERVER: Mapping[str, Any] = {
    "command": ["-m", "server.actor.server"],
    "simulated": "server.simulated.actor:run_server",
    "doc": "An SMB 3.1.1 multichannel server: one process per client, connections handed over at Negotiate.",
    "config": _object(
        ("shares", "users"),
        port={"type": "integer", "minimum": 1, "maximum": 65535, "default": 445},
        addresses={"type": "array", "items": _STRING, "description": "default: all"},
        shares={"type": "object", "additionalProperties": _SHARE, "minProperties": 1},
        users={"type": "object", "additionalProperties": _STRING, "description": "name: password"},
        workers={**_COUNT, "default": 2, "description": "idle worker processes kept ready"},
        handover={
            "enum": ["client", "session"],
            "default": "client",
            "description": "how connections find their process: by ClientGUID, or at session setup",
        },
        name={"type": "string", "default": "SERVER"},
        rdma={
            "type": "array",
            "items": _STRING,
            "description": "interfaces that report RDMA; none is spoken",
        },
        cluster={
            **_object(
                ("node", "nodes", "secret"),
                node={"type": "string", "description": "the name of this one"},
                nodes={
                    "type": "object",
                    "additionalProperties": _STRING,
                    "description": "name: address:port",
                },
                secret={"type": "string", "minLength": 16},
                public={
                    "type": "array",
                    "items": _STRING,
                    "description": "addresses that move; no channel is offered there",
                },
            ),
            "description": "be a node of a cluster: a client is at one of its nodes at a time",
        },
        signing={"enum": ["required", "enabled"], "default": "required"},
        encryption={"enum": ["off", "enabled", "desired", "required"], "default": "enabled"},
    ),
    "verbs": {
        "files": _verb(
            "The files of a share, with their sizes and hashes.",
            _object(("share",), share=_STRING),
            _object(
                ("files",),
                files={
                    "type": "object",
                    "additionalProperties": _object(
                        ("size", "sha256"), size={"type": "integer"}, sha256=_STRING
                    ),
                },
            ),
        ),
        "make": _verb(
            "Put a file into a share, its bytes made from the seed as smb-client's put makes them.",
            _object(
                ("share", "path", "size"),
                share=_STRING,
                path=_STRING,
                size={"type": ["integer", "string"], "format": "size"},
                seed={"type": "integer", "default": 0},
            ),
            _object(("sha256",), sha256=_STRING),
        ),
        "sha256": _verb(
            "The hash of a file as it is stored.",
            _object(("share", "path"), share=_STRING, path=_STRING),
            _object(("sha256", "bytes"), sha256=_STRING, bytes={"type": "integer"}),
        ),
        "processes": _verb(
            "The server's processes.",
            _object(),
            _object(
                ("processes",),
                processes={
                    "type": "array",
                    "items": _object(
                        ("pid", "role"), pid={"type": "integer"}, role={"enum": ["acceptor", "worker"]}
                    ),
                },
            ),
        ),
    },
    "events": {
        "process-started": _event("A process of the server is ready.", pid=_PID, role="acceptor or worker"),
        "process-ended": _event(
            "A process of the server has ended.",
            pid=_PID,
            role="acceptor or worker",
            status="exit status; negative: the signal that killed it",
        ),
        "connection-accepted": _event(
            "A TCP connection was accepted; whose it is, its Negotiate will tell.",
            connection=_CONNECTION,
            pid="process id of the acceptor",
            client="the client's address:port",
            server="the address:port it connected to",
        ),
        "connection-passed": _event(
            "A connection was handed over by SCM_RIGHTS, and the receiver has confirmed.",
            connection=_CONNECTION,
            client_guid=_GUID,
            from_pid="process id of who passed it",
            to_pid="process id of who has it now",
            owned="whether the receiver owned the ClientGUID before this connection came",
        ),
        "connection-ready": _event(
            "A process has answered the connection's Negotiate.",
            connection=_CONNECTION,
            client_guid=_GUID,
            pid="process id of who answered",
            passed="whether it was handed to the process that owned the ClientGUID already",
            client="the client's address:port",
            server="the address:port it connected to",
        ),
        "connection-drop": _event(
            "A client has connected to another node of the cluster: it is disconnected here.",
            client_guid=_GUID,
            node="the node that has it now",
            pid="process id of the worker that had it, which ends",
        ),
        "connection-closed": _event(
            "A connection is gone.", connection=_CONNECTION, pid=_PID, reason="why, in words"
        ),
        "session-opened": _event(
            "A user has logged on.",
            session_id=_SESSION,
            user="the user's name",
            client_guid=_GUID,
            pid=_PID,
            connection=_CONNECTION,
        ),
        "channel-bound": _event(
            "A session was bound to one more connection.",
            session_id=_SESSION,
            connection=_CONNECTION,
            pid=_PID,
        ),
        "session-closed": _event(
            "A session is gone: logged off, replaced, or its last channel lost.",
            session_id=_SESSION,
            pid=_PID,
        ),
    },
}
