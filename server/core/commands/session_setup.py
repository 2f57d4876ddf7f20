"""SESSION_SETUP for new sessions and re-authentication, and LOGOFF (MS-SMB2 3.3.5.5, 3.3.5.6).

Owns the exchange of tokens and what follows from its end. The checks that only a bind needs are in `binding`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from server.config import Encryption
from server.core.commands import binding
from server.core.connection import Connection
from server.core.core import Core
from server.core.errors import DisconnectError, StatusError
from server.core.request import Reply, Request, Result
from server.core.session import Channel, Session, SessionState
from server.core.setup import Purpose, Setup
from server.core.shared import logons
from server.core.shared.logons import Logon
from server.core.shared.notices import SessionReplaced
from server.core.verify import refusal_signer
from server.wire.encryption import Envelope, key_length
from server.wire.errors import WireError
from server.wire.keys import encryption_keys, signing_key
from server.wire.misc import EMPTY_BODY, Empty
from server.wire.negotiate import Dialect, SecurityMode
from server.wire.negotiate_contexts import Cipher
from server.wire.ntlm import NtlmResult, NtlmServer
from server.wire.session_setup import SessionFlags, SessionSetupRequest, SessionSetupResponse, SetupFlags
from server.wire.signing import Signer
from server.wire.spnego import Acceptor
from server.wire.status import NTSTATUS

_REPLACE_TIME = 5.0
"""Seconds after which a worker that does not end a session is not waited for any more."""


def session_setup(request: Request) -> Result:
    asked = SessionSetupRequest.decode(request.body)
    setup = _setup(request, asked)
    try:
        return _step(request, asked, setup)
    except (StatusError, WireError) as error:
        _failed(request, setup)
        if isinstance(error, WireError) and error.fatal:
            raise DisconnectError(str(error)) from error
        raise


def logoff(request: Request) -> Reply:
    """Ends the session on all its channels. The answer is still signed by this one's key."""
    Empty.decode(request.body)
    session = request.need_session()
    request.core.end_session(session, lost=True)
    reply = Reply(EMPTY_BODY)
    if request.signed or session.signing_required:
        reply.signer = request.signer
    return reply


def _setup(request: Request, asked: SessionSetupRequest) -> Setup:
    """The exchange that this request belongs to: found, or begun. Verifies the request's signature."""
    core, connection = request.core, request.connection
    if request.session_id == 0:
        if asked.flags & SetupFlags.BINDING:
            raise StatusError(NTSTATUS.USER_SESSION_DELETED, "a bind to no session")
        return _begin(core, connection, core.new_session(connection), Purpose.NEW)
    if asked.flags & SetupFlags.BINDING:
        session = binding.check(request)
        request.signer = session.signer
        under_way = connection.setups.get(session.id)
        if under_way is not None and under_way.purpose is Purpose.BIND:
            return under_way
        return _begin(core, connection, session, Purpose.BIND)
    found = connection.sessions.get(request.session_id)
    if found is None:
        request.signer = refusal_signer(request)
        raise StatusError(NTSTATUS.USER_SESSION_DELETED)
    under_way = connection.setups.get(found.id)
    if found.state is SessionState.IN_PROGRESS:
        if under_way is None:
            raise StatusError(NTSTATUS.USER_SESSION_DELETED)
        return under_way
    request.session = found
    request.signer = found.channels[connection.name].signer
    if request.signed:
        if not request.signer.verify(request.message, server=False):
            raise StatusError(NTSTATUS.ACCESS_DENIED, "wrong signature")
    elif found.signing_required and request.envelope is None:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "re-authentication without signature")
    return under_way or _begin(core, connection, found, Purpose.AGAIN)


def _begin(core: Core, connection: Connection, session: Session, purpose: Purpose) -> Setup:
    ntlm = NtlmServer(
        core.users,
        core.config.server_name,
        allow_anonymous=core.config.anonymous,
        allow_guests=core.config.guests,
        random_bytes=core.entropy,
        now=core.filetime,
    )
    setup = Setup(session, purpose, Acceptor(ntlm), connection.preauth)
    connection.setups[session.id] = setup
    return setup


def _step(request: Request, asked: SessionSetupRequest, setup: Setup) -> Result:
    session, connection = setup.session, request.connection
    setup.preauth = setup.preauth.update(request.message)
    if asked.security_mode & SecurityMode.SIGNING_REQUIRED:
        setup.signing_required = True
    token, result = setup.acceptor.step(asked.token)
    if result is None:
        return Reply(
            SessionSetupResponse(token).encode(),
            NTSTATUS.MORE_PROCESSING_REQUIRED,
            session_id=session.id,
            signer=session.signer if setup.purpose is Purpose.BIND else None,
            sent=lambda message: _hash_interim(setup, message),
        )
    signer = _finish(request, setup, result)
    connection.setups.pop(session.id, None)
    flags: int = SessionFlags.IS_GUEST if session.guest else SessionFlags.NONE
    if session.anonymous:
        flags = SessionFlags.IS_NULL
    if session.encrypt:
        flags |= SessionFlags.ENCRYPT_DATA
    reply = Reply(SessionSetupResponse(token, flags).encode(), session_id=session.id, signer=signer)
    if asked.previous_session_id not in (0, session.id) and setup.purpose is Purpose.NEW:
        return _replace(request.core, session, asked.previous_session_id, reply)
    return reply


def _hash_interim(setup: Setup, message: memoryview) -> None:
    setup.preauth = setup.preauth.update(message)


def _finish(request: Request, setup: Setup, result: NtlmResult) -> Signer | None:
    """The user is proven: keys and channel. Gives what signs the final response."""
    session, connection = setup.session, request.connection
    if setup.purpose is Purpose.AGAIN:
        if not result.anonymous and (result.user, result.guest) != (session.user, session.guest):
            raise StatusError(NTSTATUS.ACCESS_DENIED, "re-authentication by another user")
        session.anonymous = result.anonymous  # and stays its user's, who alone may take it up again
        session.state, session.expires = SessionState.VALID, _expiry(request.core)
        return request.signer
    signer = _signer(connection, setup, result)
    if setup.purpose is Purpose.BIND:
        binding.complete(request, session, result, signer)
        return signer
    client = connection.client
    if client is not None and client.dialect != connection.dialect:
        raise StatusError(
            NTSTATUS.USER_SESSION_DELETED, "another dialect than the client's other connections"
        )
    unknown = result.anonymous or result.guest  # nobody whose key could sign or encrypt
    session.envelope = None if unknown else _envelope(connection, setup, result)
    policy = request.core.config.encryption
    if session.envelope is None and policy is Encryption.REQUIRED:
        raise StatusError(NTSTATUS.ACCESS_DENIED, "the client cannot encrypt, and has to")
    session.encrypt = session.envelope is not None and policy in (Encryption.DESIRED, Encryption.REQUIRED)
    session.state = SessionState.VALID
    session.user = result.user
    session.anonymous, session.guest = result.anonymous, result.guest
    session.expires = _expiry(request.core)
    session.session_key = result.session_key
    session.preauth = setup.preauth
    session.signer = None if unknown else signer
    session.signing_required = not unknown and (
        setup.signing_required
        or request.core.config.signing_required
        or bool(connection.client_security_mode & SecurityMode.SIGNING_REQUIRED)
    )
    session.channels[connection.name] = Channel(connection, signer)
    core = request.core
    logon = Logon(
        core.couriers.address,
        core.identity,
        str(connection.client_guid),
        connection.dialect or 0,
        connection.cipher,
    )
    if session.signer is not None:
        logon = replace(logon, signing=session.signer.algorithm, key=session.signer.key.hex())
    logons.enter(core.store, session.id, logon)
    core.events.emit(
        "session-opened",
        session_id=session.name,
        user=session.user,
        client_guid=str(connection.client_guid),
        pid=core.identity,
        connection=connection.name,
    )
    return session.signer


def _expiry(core: Core) -> int | None:
    seconds = core.config.limits.session_time
    return core.clock() + int(seconds * 1_000_000_000) if seconds else None


def _signer(connection: Connection, setup: Setup, result: NtlmResult) -> Signer:
    dialect = connection.dialect or Dialect.SMB_2_0_2
    return Signer(connection.signing, signing_key(result.session_key, dialect, setup.preauth))


def _envelope(connection: Connection, setup: Setup, result: NtlmResult) -> Envelope | None:
    """With the session's keys, which all its channels share. None: no cipher was agreed on."""
    cipher = connection.cipher
    if cipher is Cipher.NONE:
        return None
    keys = encryption_keys(
        result.session_key, connection.dialect or 0, setup.preauth, key_length=key_length(cipher)
    )
    return Envelope.of_server(cipher, setup.session.id, keys)


async def _replace(core: Core, session: Session, previous: int, reply: Reply) -> Reply:
    """PreviousSessionId: the same user's session from before a lost connection goes first, in whichever
    worker it is.
    """
    logon = logons.find(core.store, previous)
    if logon is not None:
        over = core.waiting.event(previous)
        core.couriers.tell(logon.address, SessionReplaced(previous, session.user, core.couriers.address))
        await asyncio.wait((over,), timeout=_REPLACE_TIME)
    return reply


def _failed(request: Request, setup: Setup) -> None:
    """A failed bind leaves the session alone; any other failure ends it on all its channels."""
    request.connection.setups.pop(setup.session.id, None)
    if setup.purpose is not Purpose.BIND:
        request.core.end_session(setup.session)
