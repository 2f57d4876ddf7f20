"""Binding a session to one more connection (MS-SMB2 3.3.5.5 item 4, 3.3.5.5.3).

Owns the checks before the authentication and the new channel after it. Called by session setup.
"""

from __future__ import annotations

from server.core.errors import StatusError
from server.core.request import Request
from server.core.session import Channel, Session, SessionState
from server.core.setup import Purpose
from server.core.shared import logons
from server.wire.negotiate import Dialect
from server.wire.ntlm import NtlmResult
from server.wire.signing import Signer, SigningAlgorithm
from server.wire.status import NTSTATUS


def check(request: Request) -> Session:
    """The session that may be bound to this connection, its signature on the request verified.

    StatusError, in the order in which Windows and Samba find the faults.
    """
    core, ours = request.core, request.connection
    session = core.sessions.get(request.session_id)
    if session is None:
        elsewhere = logons.find(core.store, request.session_id)
        if elsewhere is not None:
            _prove(request, elsewhere.signer)
            _check_terms(request, elsewhere.dialect, elsewhere.cipher, elsewhere.signer)
        raise StatusError(NTSTATUS.USER_SESSION_DELETED, "no such session, or another client's")
    theirs = session.connection
    proven = _prove(request, session.signer)
    _check_terms(request, theirs.dialect or 0, theirs.cipher, session.signer)
    if theirs.client_guid != ours.client_guid:
        raise StatusError(NTSTATUS.USER_SESSION_DELETED, "another client's session")
    if session.state is SessionState.IN_PROGRESS:
        raise StatusError(NTSTATUS.REQUEST_NOT_ACCEPTED, "a session in progress")
    if session.state_at(request.core.clock()) is SessionState.EXPIRED:
        raise StatusError(NTSTATUS.NETWORK_SESSION_EXPIRED)
    if session.id in ours.sessions:
        if not _prove(request, session.channels[ours.name].signer):
            raise StatusError(NTSTATUS.ACCESS_DENIED, "not signed as this channel signs")
        raise StatusError(NTSTATUS.REQUEST_NOT_ACCEPTED, "already bound here")
    if session.anonymous or session.signer is None:
        raise StatusError(NTSTATUS.NOT_SUPPORTED, "an anonymous session")
    under_way = ours.setups.get(session.id)
    if under_way is not None and under_way.purpose is not Purpose.BIND:
        raise StatusError(NTSTATUS.REQUEST_NOT_ACCEPTED, "another authentication is under way")
    if not proven:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "wrong signature")
    return session


def _prove(request: Request, signer: Signer | None) -> bool:
    """Whether it is signed by the session's key. Then a refusal is, too: a client believes no other."""
    if signer is None or not request.signed or not signer.verify(request.message, server=False):
        return False
    request.signer = signer
    return True


def _check_terms(request: Request, dialect: int, cipher: int, signer: Signer | None) -> None:
    """Whether the connection has agreed to what the session was agreed for, in whichever worker that is."""
    ours = request.connection
    if signer is not None:
        _check_gmac(signer.algorithm, ours.signing)
    if (ours.dialect or 0) < Dialect.SMB_3_0 or not ours.multichannel:
        raise StatusError(NTSTATUS.REQUEST_NOT_ACCEPTED, "multichannel was not negotiated")
    if not request.signed:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a bind without signature")
    if dialect != ours.dialect:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "another dialect")
    if cipher != ours.cipher:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "another cipher")


def _check_gmac(session: SigningAlgorithm, connection: SigningAlgorithm) -> None:
    gmac = SigningAlgorithm.AES_GMAC
    if session is gmac and connection is not gmac:
        raise StatusError(
            NTSTATUS.REQUEST_OUT_OF_SEQUENCE, "the session signs with GMAC, the connection does not"
        )
    if session is not gmac and connection is gmac:
        raise StatusError(NTSTATUS.NOT_SUPPORTED, "the connection signs with GMAC, the session does not")


def complete(request: Request, session: Session, result: NtlmResult, signer: Signer) -> None:
    """The authentication succeeded: make the connection a channel of the session."""
    core, connection = request.core, request.connection
    if core.sessions.get(session.id) is not session:
        raise StatusError(NTSTATUS.USER_SESSION_DELETED, "ended meanwhile")
    if result.user != session.user:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "another user")
    if len(session.channels) >= core.config.limits.max_channels:
        raise StatusError(NTSTATUS.INSUFFICIENT_RESOURCES, "channels")
    session.channels[connection.name] = Channel(connection, signer)
    connection.sessions[session.id] = session
    core.events.emit("channel-bound", session_id=session.name, connection=connection.name, pid=core.identity)
