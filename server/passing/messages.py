"""The messages of the hand-over: values and their bytes.
 A message is one datagram: a JSON object on the first line, raw bytes after it. Descriptors go beside it.
Pure values.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ConnectionPass:
    """«This connection's client is yours.» One descriptor goes with it.

    `connection`: its name; `initial_connect_time`: ns since 1970, when the owner's record was made, by which
    a receiver tells that it is meant; `seq_low`: the MessageId of `negotiate` (1 after a multi-protocol
    negotiate, else 0);
    `negotiate`: the message, without length prefix; `owned`: the receiver owned the ClientGUID before this
    connection came; `reply_to`: post address; `from_pid`: who passes it. `client_guid` is zero for a client
    that has none.
    """

    connection: str
    client_guid: uuid.UUID
    initial_connect_time: int
    seq_low: int
    owned: bool
    reply_to: str
    from_pid: int
    negotiate: bytes


@dataclass(frozen=True, slots=True)
class SessionPass:
    """«The session that this connection asks for is yours.» One descriptor goes with it.

    `session_id` 0: a new session, of a client that is yours. `state`: what was negotiated (`server.core.portable`);
    `request`: the SESSION_SETUP, without length prefix; `unread`: what was read of the stream after it.
    """

    connection: str
    client_guid: uuid.UUID
    session_id: int
    reply_to: str
    from_pid: int
    state: Mapping[str, Any]
    request: bytes
    unread: bytes = b""


@dataclass(frozen=True, slots=True)
class ConnectionPassed:
    """«It is mine now»: sent before a byte of the connection is read or written."""

    connection: str
    pid: int


@dataclass(frozen=True, slots=True)
class ConnectionRefused:
    """«I do not own that client (any more)»: the sender, who still has the connection, looks again."""

    connection: str
    pid: int


@dataclass(frozen=True, slots=True)
class ConnectionDrop:
    """«A client of yours has connected to `node`»: its owner here disconnects it (descriptors do not travel).

    `initial_connect_time`: ns since 1970, of its first connection there.
    """

    client_guid: uuid.UUID
    initial_connect_time: int
    node: str


@dataclass(frozen=True, slots=True)
class ConnectionDropped:
    """«Nothing is left of that client here»: no connection, no open, and no write that could still happen."""

    client_guid: uuid.UUID


Message = (
    ConnectionPass | SessionPass | ConnectionPassed | ConnectionRefused | ConnectionDrop | ConnectionDropped
)


def encode(message: Message) -> bytes:
    raw = b""
    fields: dict[str, Any]
    if isinstance(message, ConnectionPass):
        fields = {
            "do": "connection_pass",
            "connection": message.connection,
            "client_guid": str(message.client_guid),
            "initial_connect_time": message.initial_connect_time,
            "seq_low": message.seq_low,
            "owned": message.owned,
            "reply_to": message.reply_to,
            "from_pid": message.from_pid,
        }
        raw = message.negotiate
    elif isinstance(message, SessionPass):
        fields = {
            "do": "session_pass",
            "connection": message.connection,
            "client_guid": str(message.client_guid),
            "session_id": message.session_id,
            "reply_to": message.reply_to,
            "from_pid": message.from_pid,
            "state": dict(message.state),
            "length": len(message.request),
        }
        raw = message.request + message.unread
    elif isinstance(message, ConnectionDrop):
        fields = {
            "do": "connection_drop",
            "client_guid": str(message.client_guid),
            "initial_connect_time": message.initial_connect_time,
            "node": message.node,
        }
    elif isinstance(message, ConnectionDropped):
        fields = {"do": "connection_dropped", "client_guid": str(message.client_guid)}
    else:
        kind = "connection_passed" if isinstance(message, ConnectionPassed) else "connection_refused"
        fields = {"do": kind, "connection": message.connection, "pid": message.pid}
    return json.dumps(fields).encode() + b"\n" + raw


def decode(data: bytes) -> Message:
    """ValueError: none of these. Only our own processes can write here, so that is a bug or a version mix."""
    line, _, raw = data.partition(b"\n")
    try:
        fields = json.loads(line)
        kind = fields["do"]
        if kind == "connection_pass":
            return ConnectionPass(
                fields["connection"],
                uuid.UUID(fields["client_guid"]),
                fields["initial_connect_time"],
                fields["seq_low"],
                fields["owned"],
                fields["reply_to"],
                fields["from_pid"],
                raw,
            )
        if kind == "session_pass":
            return SessionPass(
                fields["connection"],
                uuid.UUID(fields["client_guid"]),
                fields["session_id"],
                fields["reply_to"],
                fields["from_pid"],
                fields["state"],
                raw[: fields["length"]],
                raw[fields["length"] :],
            )
        if kind == "connection_passed":
            return ConnectionPassed(fields["connection"], fields["pid"])
        if kind == "connection_refused":
            return ConnectionRefused(fields["connection"], fields["pid"])
        if kind == "connection_drop":
            return ConnectionDrop(
                uuid.UUID(fields["client_guid"]), fields["initial_connect_time"], fields["node"]
            )
        if kind == "connection_dropped":
            return ConnectionDropped(uuid.UUID(fields["client_guid"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a message: {error}") from error
    raise ValueError(f"unknown message {kind}")
