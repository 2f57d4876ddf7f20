"""What was negotiated on a connection, as it travels to another worker with the connection.

Owns which parts of a `Connection` outlive the move: all that Negotiate settled and the sequence window. Sessions and
requests under way do not travel: a connection that has any stays where it is. Called by the hand-over at session
setup.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from server.core.connection import Connection
from server.core.window import SequenceWindow
from server.wire.keys import PreauthHash
from server.wire.negotiate import Dialect
from server.wire.negotiate_contexts import Cipher
from server.wire.signing import SigningAlgorithm

State = Mapping[str, Any]


def pack(connection: Connection) -> State:
    """What JSON can carry."""
    window = connection.window
    return {
        "dialect": connection.dialect,
        "client_guid": str(connection.client_guid),
        "client_dialects": connection.client_dialects,
        "client_capabilities": connection.client_capabilities,
        "client_security_mode": connection.client_security_mode,
        "capabilities": connection.capabilities,
        "signing": connection.signing,
        "cipher": connection.cipher,
        "preauth": connection.preauth.value.hex(),
        "window": [window.low, window.high, window.used],
    }


def unpack(connection: Connection, state: State) -> None:
    """Make a fresh connection what that one was."""
    connection.dialect = Dialect(state["dialect"])
    connection.client_guid = uuid.UUID(state["client_guid"])
    connection.client_dialects = tuple(state["client_dialects"])
    connection.client_capabilities = state["client_capabilities"]
    connection.client_security_mode = state["client_security_mode"]
    connection.capabilities = state["capabilities"]
    connection.signing = SigningAlgorithm(state["signing"])
    connection.cipher = Cipher(state["cipher"])
    connection.preauth = PreauthHash(bytes.fromhex(state["preauth"]))
    low, high, used = state["window"]
    connection.window = SequenceWindow.of(connection.window.limit, low, high, used)
