"""TREE_CONNECT and TREE_DISCONNECT (MS-SMB2 3.3.5.7, 3.3.5.8)."""

from __future__ import annotations

from server.core.core import interrupt_creates
from server.core.errors import DisconnectError, StatusError
from server.core.request import Reply, Request
from server.core.session import Tree
from server.core.shares import IPC
from server.wire.create import FILE_ALL_ACCESS
from server.wire.misc import EMPTY_BODY, Empty
from server.wire.negotiate import Dialect
from server.wire.status import NTSTATUS
from server.wire.tree import ShareFlags, ShareType, TreeConnectRequest, TreeConnectResponse

_PIPE_ACCESS = 0x001F_00A9


def tree_connect(request: Request) -> Reply:
    session = request.need_session()
    if (
        request.connection.dialect is Dialect.SMB_3_1_1
        and not request.verified
        and session.signer is not None
    ):
        raise DisconnectError("TREE_CONNECT neither signed nor encrypted")
    asked = TreeConnectRequest.decode(request.body)
    server, _, name = asked.path.lstrip("\\").partition("\\")
    if not server or not name or "\\" in name:
        raise StatusError(NTSTATUS.BAD_NETWORK_NAME, asked.path)
    share = request.core.shares.find(name)
    if session.anonymous and share.config.name != IPC:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "anonymous")
    if session.guest and share.volume is not None and not share.config.guests:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "a guest")
    if share.config.encrypt and session.envelope is None:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "the share is to be encrypted, the session cannot be")
    tree = Tree(session.new_tree_id(), share, FILE_ALL_ACCESS if share.volume else _PIPE_ACCESS)
    session.trees[tree.id] = tree
    response = TreeConnectResponse(
        ShareType.DISK if share.volume else ShareType.PIPE,
        ShareFlags.ENCRYPT_DATA if share.config.encrypt else ShareFlags.NONE,
        maximal_access=tree.access,
    )
    return Reply(response.encode(), tree_id=tree.id)


def tree_disconnect(request: Request) -> Reply:
    Empty.decode(request.body)
    session, tree = request.need_session(), request.need_tree()
    interrupt_creates(session, tree)
    for opened in [found for found in session.opens.values() if found.tree is tree]:
        request.core.close_open(opened)
    del session.trees[tree.id]
    return Reply(EMPTY_BODY)
