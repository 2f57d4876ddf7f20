"""A client that holds things: an open with an oplock, a byte-range lock, a directory that it watches, a second session.

`python -m selftest.support.smb_holder SERVER` prints `held` when it has them, and ends at the end of its connection.
"""

from __future__ import annotations

import sys
import uuid

from selftest.support.smb_peer import OverTcp, Peer
from server.wire.create import CreateOptions, OplockLevel
from server.wire.header import Command
from server.wire.lock import LockElement, LockFlags, LockRequest
from server.wire.notify import ChangeNotifyRequest, Filter
from server.wire.status import NTSTATUS


def main() -> None:
    exchange = OverTcp(sys.argv[1], 445)
    peer = Peer(exchange, uuid.uuid4())
    peer.negotiate()
    session = peer.log_on()
    peer.tree_connect(session)
    file = peer.open(session, "held", oplock_level=OplockLevel.BATCH)
    lock = LockRequest(file.file_id, (LockElement(0, 10, LockFlags.EXCLUSIVE),)).encode()
    assert peer.ask(Command.LOCK, lock, session).status is NTSTATUS.SUCCESS
    directory = peer.create(session, "", options=CreateOptions.DIRECTORY_FILE)
    peer.begin(Command.CHANGE_NOTIFY, ChangeNotifyRequest(directory, Filter.FILE_NAME).encode(), session)
    assert peer.next().status is NTSTATUS.PENDING
    peer.log_on("bob")
    print("held", flush=True)
    exchange.socket.settimeout(None)
    while exchange.socket.recv(65536):
        continue


if __name__ == "__main__":
    main()
