"""Binds of all kinds, right and wrong, each on connections of its own: `python -m selftest.support.smb_binds SERVER`.

Prints what each was answered, as one JSON object by the name of the case.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from selftest.support.smb_peer import LoggedOn, OverTcp, Peer
from server.wire.header import Command
from server.wire.misc import EMPTY_BODY
from server.wire.negotiate import Capabilities
from server.wire.negotiate_contexts import Cipher
from server.wire.session_setup import SetupFlags
from server.wire.signing import Signer, SigningAlgorithm
from server.wire.status import NTSTATUS

GMAC, CMAC, HMAC = SigningAlgorithm.AES_GMAC, SigningAlgorithm.AES_CMAC, SigningAlgorithm.HMAC_SHA256
Case = Callable[["Client"], list[NTSTATUS]]


class Client:
    """A ClientGUID, with a session on its first connection."""

    def __init__(self, server: str, **about: Any) -> None:
        self.server = server
        self.guid = uuid.uuid4()
        self.peers: list[Peer] = []
        """All connections, which live as long as this."""
        self.first = self.connect(**about)
        self.session = self.first.log_on()

    def connect(self, guid: uuid.UUID | None = None, **about: Any) -> Peer:
        peer = Peer(OverTcp(self.server, 445), guid or self.guid)
        assert peer.negotiate(**about).status is NTSTATUS.SUCCESS
        self.peers.append(peer)
        return peer


def echo(peer: Peer, session: LoggedOn) -> NTSTATUS:
    return peer.ask(Command.ECHO, EMPTY_BODY, session).status


def once(first: dict[str, Any], second: dict[str, Any]) -> tuple[dict[str, Any], Case]:
    """A session on a connection like `first`, bound to one like `second`; then an echo on the first."""

    def case(client: Client) -> list[NTSTATUS]:
        return [client.connect(**second).bind(client.session).status, echo(client.first, client.session)]

    return first, case


def without_signature(client: Client) -> list[NTSTATUS]:
    _, answer = client.connect().authenticate(session_id=client.session.id, flags=SetupFlags.BINDING)
    return [answer.status]


def with_a_wrong_signature(client: Client) -> list[NTSTATUS]:
    wrong = Signer(client.session.signer.algorithm, bytes(16))
    return [client.connect().bind(replace(client.session, signer=wrong)).status]


def no_such_session(client: Client) -> list[NTSTATUS]:
    return [client.connect().bind(replace(client.session, id=client.session.id ^ 1)).status]


def by_another_client(client: Client) -> list[NTSTATUS]:
    stranger = client.connect(uuid.uuid4())
    return [stranger.bind(client.session).status, echo(stranger, stranger.log_on("bob"))]


def twice(client: Client) -> list[NTSTATUS]:
    peer = client.connect()
    return [client.first.bind(client.session).status, *(peer.bind(client.session).status for _ in range(2))]


def a_wrong_password_and_then_the_right_one(client: Client) -> list[NTSTATUS]:
    peer = client.connect()
    return [
        peer.bind(client.session, password="wrong").status,
        peer.bind(client.session, "bob").status,
        peer.authenticate(session_id=client.session.id, signer=client.session.signer)[1].status,
        peer.bind(client.session).status,
        echo(peer, peer.bound),
    ]


def two_sessions_on_two_connections(client: Client) -> list[NTSTATUS]:
    other = client.connect()
    own = other.log_on()
    return [
        other.bind(client.session).status,
        client.first.bind(own).status,
        echo(other, own),
        echo(other, other.bound),
        echo(client.first, client.first.bound),
        other.ask(Command.LOGOFF, EMPTY_BODY, own).status,
        client.first.ask(Command.ECHO, EMPTY_BODY, client.first.bound, signed=False).status,
        echo(client.first, client.session),
    ]


def the_thirty_third(client: Client) -> list[NTSTATUS]:
    return [client.connect().bind(client.session).status for _ in range(32)]


def after_the_log_off(client: Client) -> list[NTSTATUS]:
    peer = client.connect()
    gone = client.first.ask(Command.LOGOFF, EMPTY_BODY, client.session).status
    return [gone, peer.bind(client.session).status, echo(peer, peer.log_on())]


CASES: dict[str, tuple[dict[str, Any], Case]] = {
    "all alike": once({}, {}),
    **{
        f"{one.name} then {other.name}": once({"signing": (one,)}, {"signing": (other,)})
        for one in (GMAC, CMAC, HMAC)
        for other in (GMAC, CMAC, HMAC)
    },
    "another dialect": once({"dialects": (0x302,)}, {"dialects": (0x300,)}),
    "SMB 2.1": once({"dialects": (0x302,)}, {"dialects": (0x210,)}),
    "no multichannel": once({}, {"capabilities": Capabilities.LARGE_MTU}),
    "another cipher": once({"ciphers": (Cipher.AES_128_GCM,)}, {"ciphers": (Cipher.AES_128_CCM,)}),
    **{
        case.__name__: ({}, case)
        for case in (
            without_signature,
            with_a_wrong_signature,
            no_such_session,
            by_another_client,
            twice,
            a_wrong_password_and_then_the_right_one,
            two_sessions_on_two_connections,
            the_thirty_third,
            after_the_log_off,
        )
    },
}


def main() -> None:
    found = {name: case(Client(sys.argv[1], **about)) for name, (about, case) in CASES.items()}
    print(json.dumps({name: [status.label for status in answers] for name, answers in found.items()}))


if __name__ == "__main__":
    main()
