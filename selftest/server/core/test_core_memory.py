"""What is done with is let go of at once: nothing waits for a garbage collection."""

from __future__ import annotations

import gc

from selftest.support.smb_peer import InProcess, ready
from server.core.request import Request
from server.wire.header import Command
from server.wire.misc import EMPTY_BODY


def test_an_answered_request_is_gone(server: InProcess) -> None:
    peer, session = ready(server)
    gc.collect()
    gc.disable()
    try:
        file_id = peer.create(session, "film")
        peer.write(session, file_id, b"data")
        assert peer.content(session, file_id, 4) == b"data"
        peer.ask(Command.ECHO, EMPTY_BODY)
        left = [one for one in gc.get_objects() if isinstance(one, Request)]
    finally:
        gc.enable()
    assert not left
