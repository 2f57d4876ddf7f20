"""NEGOTIATE, and the SMB1 negotiate that leads to it (MS-SMB2 3.3.5.3, 3.3.5.4).

Owns what this server offers. Runs in the process that owns the ClientGUID, on the bytes that the client sent.
"""

from __future__ import annotations

import uuid

from server.config import Encryption as EncryptionPolicy
from server.config import ServerConfig
from server.core.client import Client
from server.core.connection import NOBODY, Connection
from server.core.core import Core
from server.core.errors import DisconnectError, StatusError
from server.core.request import Reply, Request
from server.wire.framing import prefix
from server.wire.header import Command, Flags, Header
from server.wire.negotiate import Capabilities, Dialect, NegotiateRequest, NegotiateResponse, SecurityMode
from server.wire.negotiate_contexts import (
    Cipher,
    Context,
    Encryption,
    HashAlgorithm,
    PreauthIntegrity,
    Signing,
    find,
)
from server.wire.signing import SigningAlgorithm, algorithm_for
from server.wire.smb1 import SMB_2_002, WILDCARD, MultiProtocolNegotiate
from server.wire.spnego import Acceptor
from server.wire.status import NTSTATUS

_SERVED = (Dialect.SMB_3_1_1, Dialect.SMB_3_0_2, Dialect.SMB_3_0, Dialect.SMB_2_1, Dialect.SMB_2_0_2)
_SIGNING_PREFERENCE = (SigningAlgorithm.AES_GMAC, SigningAlgorithm.AES_CMAC, SigningAlgorithm.HMAC_SHA256)
_SALT = 32
_SMALL_IO = 65536


def negotiate(request: Request) -> Reply:
    core, connection = request.core, request.connection
    if connection.dialect is not None:
        raise DisconnectError("a second NEGOTIATE")
    asked = NegotiateRequest.decode(request.body)
    if not asked.dialects:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "no dialect offered")
    dialect = next((known for known in _SERVED if known in asked.dialects), None)
    if dialect is None:
        raise StatusError(NTSTATUS.NOT_SUPPORTED, "no dialect in common")
    contexts = _agree(core, connection, asked) if dialect is Dialect.SMB_3_1_1 else ()
    connection.dialect = dialect
    connection.client_guid = asked.client_guid if dialect > Dialect.SMB_2_0_2 else NOBODY
    connection.client_dialects = asked.dialects
    connection.client_capabilities = asked.capabilities
    connection.client_security_mode = asked.security_mode
    connection.capabilities = _capabilities(dialect, asked.capabilities, ciphers(core.config))
    if connection.capabilities & Capabilities.ENCRYPTION:
        connection.cipher = Cipher.AES_128_CCM
    if dialect is not Dialect.SMB_3_1_1:
        connection.signing = algorithm_for(dialect)
    join_client(core, connection)
    response = _response(core.config, dialect, connection.capabilities, core.filetime(), contexts)
    reply = Reply(response.encode())
    if dialect is Dialect.SMB_3_1_1:
        connection.preauth = connection.preauth.update(request.message)
        reply.sent = lambda message: _hash_response(connection, message)
    return reply


def smb1_negotiate(core: Core, connection: Connection, message: memoryview) -> None:
    """Answer a multi-protocol negotiate: 0x02FF, after which the client negotiates anew, or 2.0.2 at once."""
    if connection.dialect is not None or connection.wildcard_answered:
        raise DisconnectError("SMB1 after the negotiation")
    offered = MultiProtocolNegotiate.decode(message).dialects
    if WILDCARD in offered:
        connection.wildcard_answered = True
        answer = wildcard_response(core.config, core.filetime())
    elif SMB_2_002 in offered:
        connection.dialect = Dialect.SMB_2_0_2
        connection.signing = algorithm_for(Dialect.SMB_2_0_2)
        answer = _smb1_answer(_response(core.config, Dialect.SMB_2_0_2, Capabilities.NONE, core.filetime()))
    else:
        raise DisconnectError("a client of SMB1 alone")
    connection.window.consume(0, 1)
    connection.window.grant(1)
    connection.wire.send([answer])


def wildcard_response(config: ServerConfig, system_time: int) -> bytes:
    """The PDU, with its prefix, that asks a client of both SMB1 and SMB2 for a NEGOTIATE (3.3.5.3.2). One
    credit.
    """
    return _smb1_answer(_response(config, Dialect.WILDCARD, Capabilities.LARGE_MTU, system_time))


def _smb1_answer(response: NegotiateResponse) -> bytes:
    answer = Header(Command.NEGOTIATE, flags=Flags.SERVER_TO_REDIR, credits=1).encode() + response.encode()
    return prefix(len(answer)) + answer


def _agree(core: Core, connection: Connection, asked: NegotiateRequest) -> tuple[Context, ...]:
    """The response's contexts. Sets the connection's cipher and signing algorithm."""
    preauth = find(asked.contexts, PreauthIntegrity)
    if preauth is None:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "3.1.1 without PREAUTH_INTEGRITY")
    if HashAlgorithm.SHA_512 not in preauth.algorithms:
        raise StatusError(NTSTATUS.SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP)
    contexts: list[Context] = [PreauthIntegrity((HashAlgorithm.SHA_512,), core.entropy(_SALT))]
    encryption, served = find(asked.contexts, Encryption), ciphers(core.config)
    if encryption is not None and served:
        connection.cipher = next((known for known in served if known in encryption.ciphers), Cipher.NONE)
        contexts.append(Encryption((connection.cipher,)))
    signing = find(asked.contexts, Signing)
    if signing is not None:
        connection.signing = next(
            (known for known in _SIGNING_PREFERENCE if known in signing.algorithms), SigningAlgorithm.AES_CMAC
        )
        contexts.append(Signing((connection.signing,)))
    return tuple(contexts)


def ciphers(config: ServerConfig) -> tuple[Cipher, ...]:
    """Those that are served, the preferred first."""
    if config.encryption is EncryptionPolicy.OFF:
        return ()
    return tuple(Cipher[name.replace("-", "_")] for name in config.ciphers)


def _capabilities(dialect: Dialect, asked: int, served: tuple[Cipher, ...]) -> int:
    """What this server can do, of what the dialect has and the client asked for."""
    if dialect is Dialect.SMB_2_0_2:
        return Capabilities.NONE
    given = Capabilities.LARGE_MTU | Capabilities.LEASING
    if dialect >= Dialect.SMB_3_0:
        given |= asked & (Capabilities.MULTI_CHANNEL | Capabilities.DIRECTORY_LEASING)
    if Dialect.SMB_3_0 <= dialect < Dialect.SMB_3_1_1 and Cipher.AES_128_CCM in served:
        given |= asked & Capabilities.ENCRYPTION
    return given


def join_client(core: Core, connection: Connection) -> None:
    """Enter the connection under its ClientGUID (3.3.5.4, GlobalClientTable)."""
    if connection.client_guid == NOBODY:
        return
    guid = connection.client_guid
    client = core.clients.setdefault(guid, Client(guid, connection.dialect or 0))
    client.connections[connection.name] = connection
    connection.client = client


def _response(
    config: ServerConfig,
    dialect: Dialect,
    capabilities: int,
    system_time: int,
    contexts: tuple[Context, ...] = (),
) -> NegotiateResponse:
    size = _SMALL_IO if dialect is Dialect.SMB_2_0_2 else config.limits.max_io
    mode: int = SecurityMode.SIGNING_ENABLED
    if config.signing_required:
        mode |= SecurityMode.SIGNING_REQUIRED
    return NegotiateResponse(
        dialect=dialect,
        server_guid=uuid.UUID(config.guid),
        security_mode=mode,
        capabilities=capabilities,
        max_transact=size,
        max_read=size,
        max_write=size,
        system_time=system_time,
        token=Acceptor.hint(),
        contexts=contexts,
    )


def _hash_response(connection: Connection, message: memoryview) -> None:
    connection.preauth = connection.preauth.update(message)
