"""What the actor ``smb-client`` takes, does and tells: read by `check`, by the docs and by the runner.

Plain data. The verbs are done by ``client``; the events are those of ``server.client.events``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.actor.schema_handles import HANDLE_VERBS
from server.client.events import CATALOGUE

_NOTHING: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
_STRING = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 1}
_SECONDS = {"type": ["number", "string"], "format": "duration", "exclusiveMinimum": 0}
_SIZE = {"type": ["integer", "string"], "format": "size", "description": "bytes: 4096, 10MB, 64MiB"}


def _object(required: tuple[str, ...] = (), /, **properties: Any) -> Mapping[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _verb(
    doc: str, args: Mapping[str, Any] = _NOTHING, result: Mapping[str, Any] = _NOTHING
) -> Mapping[str, Any]:
    return {"doc": doc, "args": args, "result": result}


_CHANNELS = _object(
    ("channels",),
    channels={
        "type": "array",
        "items": _object(
            ("id", "local", "remote"),
            id={"type": "integer"},
            local=_STRING,
            remote=_STRING,
            interface={"type": ["string", "null"]},
            ifindex={"type": "integer"},
            state={"enum": ["live", "silent", "draining"]},
        ),
    },
)
_COPIED = _object(
    ("bytes", "sha256", "seconds"),
    bytes={"type": "integer"},
    sha256=_STRING,
    seconds={"type": "number"},
)

CLIENT: Mapping[str, Any] = {
    "command": ["-m", "server.actor.client"],
    "simulated": "server.simulated.actor:run_client",
    "doc": "An SMB 3.1.1 multichannel client: one session, many channels.",
    "config": _object(
        ("server", "user", "password"),
        server={"type": "string", "description": "name or address; all others are learned from it"},
        port={"type": "integer", "minimum": 1, "maximum": 65535, "default": 445},
        user=_STRING,
        password=_STRING,
        domain={"type": "string", "default": ""},
        share={"type": "string", "default": "data"},
        encrypt={"type": "boolean", "default": False},
        policy={"enum": ["best", "windows", "linux"], "default": "windows"},
        channels={**_COUNT, "default": 2, "description": "0 leaves it to the policy", "minimum": 0},
        scheduling={"enum": ["least_outstanding", "round_robin"], "default": "least_outstanding"},
        reconnect={"type": "boolean", "default": True, "description": "a new session where one is lost"},
        poll_interval={**_SECONDS, "default": 1.0},
        connect_timeout={**_SECONDS, "default": 1.5},
        handshake_timeout={**_SECONDS, "default": 5.0},
        reconnect_timeout={**_SECONDS, "default": 30.0},
        echo_interval={**_SECONDS, "default": 5.0},
        ask_after={**_SECONDS, "default": 1.0},
        answer_timeout={**_SECONDS, "default": 4.0},
        deferred_close={
            "type": ["number", "string"],
            "format": "duration",
            "minimum": 0,
            "default": 5.0,
            "description": "how long an open may stay when its handle is closed",
        },
        chunk={**_SIZE, "default": "1MiB"},
        window={**_SIZE, "default": "4MiB"},
        queue_time={**_SECONDS, "default": 0.5},
        in_flight={**_COUNT, "default": 16},
    ),
    "verbs": {
        "login": _verb(
            "Connect to the server's address and log in; that connection is the first channel.",
            result=_object(
                ("session_id", "dialect", "channels"),
                session_id=_STRING,
                dialect=_STRING,
                channels={"type": "integer"},
            ),
        ),
        "interfaces": _verb(
            "Ask the server for its interfaces.",
            result=_object(
                ("interfaces",),
                interfaces={
                    "type": "array",
                    "items": _object(
                        ("ifindex", "speed", "rss", "addresses"),
                        ifindex={"type": "integer"},
                        speed={"type": "integer"},
                        rss={"type": "boolean"},
                        addresses={"type": "array", "items": _STRING},
                    ),
                },
            ),
        ),
        "connect": _verb(
            "Have so many channels over the best paths, from now on.",
            _object(channels={**_COUNT, "minimum": 0, "description": "0 leaves it to the policy"}),
            _CHANNELS,
        ),
        "put": _verb(
            "Write a file of that size, its bytes made from the seed. Reports progress.",
            _object(
                ("path", "size"),
                path=_STRING,
                size=_SIZE,
                seed={"type": "integer", "default": 0},
                chunk=_SIZE,
            ),
            _COPIED,
        ),
        "get": _verb("Read a file. Reports progress.", _object(("path",), path=_STRING), _COPIED),
        "ls": _verb(
            "List a directory.",
            _object(path={"type": "string", "default": ""}),
            _object(("files",), files={"type": "object"}),
        ),
        "channels": _verb("The channels that there are now.", result=_CHANNELS),
        **HANDLE_VERBS,
        "logoff": _verb("End the session."),
    },
    "events": {kind: {"doc": doc, "fields": dict(about)} for kind, (doc, about) in sorted(CATALOGUE.items())},
}
