"""Who sends this: the session, the tree, the signature or encryption of a request (MS-SMB2 3.3.5.2.4, .9, .11).
 Owns the checks that come before any handler. SESSION_SETUP does its own, since it is about sessions that are
not there yet. Called by the dispatcher.
"""

from __future__ import annotations

from server.config import Encryption
from server.core.errors import StatusError
from server.core.request import Request
from server.core.session import Session, SessionState
from server.core.shared import logons
from server.wire.header import Command
from server.wire.signing import Signer
from server.wire.status import NTSTATUS

# Names of their own: a member of an enumeration is looked up each time that it is asked for by its class.
_NEGOTIATE, _SESSION_SETUP, _IOCTL = Command.NEGOTIATE, Command.SESSION_SETUP, Command.IOCTL
_IN_PROGRESS, _EXPIRED = SessionState.IN_PROGRESS, SessionState.EXPIRED
_REQUIRED = Encryption.REQUIRED
_WITHOUT_SESSION = (Command.NEGOTIATE, Command.ECHO, Command.CANCEL, Command.SESSION_SETUP)
_WITHOUT_TREE = (*_WITHOUT_SESSION, Command.LOGOFF, Command.TREE_CONNECT, Command.OPLOCK_BREAK)
_WHEN_EXPIRED = (Command.LOGOFF, Command.CLOSE, Command.LOCK)


def identify(request: Request) -> None:
    """Set the request's session, signer and tree, or refuse it by StatusError."""
    command = request.header.command
    if command is _NEGOTIATE:
        if request.signed:
            raise StatusError(NTSTATUS.INVALID_PARAMETER, "a signed NEGOTIATE")
        return
    if command is _SESSION_SETUP:
        return
    if request.session_id == 0 and command in _WITHOUT_SESSION and not request.signed:
        return
    if command is _IOCTL and request.core.config.torture and request.session_id == 0:
        return  # smbtorture speaks of a connection, whoever is logged on there
    connection = request.connection
    session = connection.sessions.get(request.session_id)
    if session is None or session.state is _IN_PROGRESS:
        request.signer = refusal_signer(request)
        raise StatusError(NTSTATUS.USER_SESSION_DELETED)
    request.session = session
    channel = session.channels.get(connection.name)
    if channel is not None:
        request.signer = channel.signer
    if session.expires is not None:
        session.state_at(request.core.clock())
    if session.state is _EXPIRED and command not in _WHEN_EXPIRED:
        raise StatusError(NTSTATUS.NETWORK_SESSION_EXPIRED)
    if request.envelope is not None:
        request.verified = True
    elif request.signed or session.signing_required or session.encrypt:
        _check_signature(request, session)
    if command in _WITHOUT_TREE:
        return
    request.tree = tree = session.trees.get(request.tree_id)
    if tree is None:
        raise StatusError(NTSTATUS.NETWORK_NAME_DELETED)
    if request.envelope is None and tree.share.config.encrypt:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "not encrypted, on a share that has to be")


def refusal_signer(request: Request) -> Signer | None:
    """What signs a refusal for want of the session: clients trust none that is not signed. Of one that cannot be
    reached here it is the first channel's key, for who has it.
    """
    ended = request.connection.ended.get(request.session_id)
    if ended is not None or not request.signed:
        return ended
    elsewhere = request.core.sessions.get(request.session_id)
    logon = logons.find(request.core.store, request.session_id) if elsewhere is None else None
    signer = elsewhere.signer if elsewhere is not None else logon.signer if logon is not None else None
    return signer if signer is not None and signer.verify(request.message, server=False) else None


def _check_signature(request: Request, session: Session) -> None:
    """Of what did not come encrypted: that it is signed, if it has to be, and that it had not to be encrypted."""
    if request.signed:
        if request.signer is None:
            raise StatusError(NTSTATUS.NOT_SUPPORTED, "signed, without a key")
        if not request.signer.verify(request.message, server=False):
            raise StatusError(NTSTATUS.ACCESS_DENIED, "wrong signature")
        request.verified = True
    elif session.signing_required:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "not signed")
    if session.encrypt and request.core.config.encryption is _REQUIRED:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "not encrypted")
