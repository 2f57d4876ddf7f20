"""How a test's messages get to a server and back: a PDU there, PDUs back. Over TCP here; `smb_core` has it in-process."""

from __future__ import annotations

import socket
from typing import Protocol


class Closed(Exception):
    """The server has closed the connection; the text is its reason, where that can be known."""


class Exchange(Protocol):
    def send(self, pdu: bytes) -> None: ...

    def receive(self) -> bytes:
        """The next PDU from the server. Closed: there is none to come."""
        ...


class OverTcp:
    """A connection to a server's socket."""

    def __init__(self, address: str, port: int, timeout: float = 10.0) -> None:
        self.socket = socket.create_connection((address, port), timeout)

    def send(self, pdu: bytes) -> None:
        self.socket.sendall(len(pdu).to_bytes(4, "big") + pdu)

    def receive(self) -> bytes:
        return self._exactly(int.from_bytes(self._exactly(4), "big"))

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                piece = self.socket.recv(count - len(data))
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise Closed("end of file")
            data += piece
        return data

    def close(self) -> None:
        self.socket.close()
