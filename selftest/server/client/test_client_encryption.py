"""What is to be encrypted goes encrypted over every channel, and a plain answer to it is not believed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from selftest.support.two_paths import SHARE, chunks, two_paths
from server.client import ClientError
from server.client.errors import ChannelLost
from server.client.exchange import Exchange
from server.wire.encryption import Envelope
from server.wire.header import MAGIC_ENCRYPTED, Command, Flags, Header
from server.wire.keys import EncryptionKeys
from server.wire.misc import EMPTY_BODY
from server.wire.negotiate_contexts import Cipher
from server.wire.signing import Signer, SigningAlgorithm

KEYS = EncryptionKeys(bytes(16), bytes(range(16)))
SIGNER = Signer(SigningAlgorithm.AES_CMAC, bytes(16))


def exchange(envelope: Envelope | None = None) -> Exchange:
    return Exchange(7, SIGNER, 10, 5, envelope or Envelope.of_client(Cipher.AES_128_GCM, 7, KEYS))


def answer_to(message_id: int) -> bytearray:
    header = Header(Command.ECHO, flags=Flags.SERVER_TO_REDIR, message_id=message_id, session_id=7)
    return bytearray(header.encode() + EMPTY_BODY)


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_a_request_is_encrypted_whole(size: int) -> None:
    body = b"s" * size
    _, parts = exchange().begin(Command.WRITE, [body], now=0.0, encrypt=True)
    pdu = b"".join(parts)[4:]
    assert pdu[:4] == MAGIC_ENCRYPTED
    assert body[:10] not in pdu
    message = Envelope.of_server(Cipher.AES_128_GCM, 7, KEYS).open(pdu)
    assert message[64:] == body
    assert not Header.decode(message).flags & Flags.SIGNED


def test_a_signed_answer_to_an_encrypted_request_is_not_believed() -> None:
    client = exchange()
    message_id, _ = client.begin(Command.ECHO, [EMPTY_BODY], now=0.0, encrypt=True)
    answer = answer_to(message_id)
    SIGNER.sign(answer, server=True)
    with pytest.raises(ChannelLost, match="not encrypted"):
        client.receive(bytes(answer))


def test_an_encrypted_answer_needs_no_signature() -> None:
    client = exchange()
    message_id, _ = client.begin(Command.ECHO, [EMPTY_BODY], now=0.0, encrypt=True)
    sealed = Envelope.of_server(Cipher.AES_128_GCM, 7, KEYS).seal(answer_to(message_id))
    assert [number for number, _, _ in client.receive(b"".join(sealed)[4:])] == [message_id]


def test_without_a_cipher_nothing_is_sent() -> None:
    client = Exchange(7, SIGNER, 10, 5)
    with pytest.raises(ChannelLost, match="no cipher"):
        client.begin(Command.ECHO, [EMPTY_BODY], now=0.0, encrypt=True)
    assert client.credits == 10


@pytest.mark.parametrize(("policy", "encrypt"), [("required", False), ("enabled", True)])
@pytest.mark.parametrize("cipher", ["AES-128-GCM", "AES-256-CCM"])
def test_a_copy_over_two_encrypted_channels_survives_the_loss_of_one(
    tmp_path: Path, policy: str, encrypt: bool, cipher: str
) -> None:
    async def run() -> None:
        flags = ("--encryption", policy, "--cipher", cipher)
        async with two_paths(tmp_path, *flags) as paths, paths.client(encrypt=encrypt) as client:
            await client.login()
            await client.connect_channels(2)
            faults = [lambda: paths.fast.reset(one=True)]

            def watch(done: int, total: int) -> None:
                if done >= total // 2 and faults:
                    faults.pop()()

            await client.put(SHARE, "film.bin", chunks(24), 24 << 20, watch)
            assert (paths.directory / "film.bin").read_bytes() == b"".join(chunks(24))
            await paths.until("channel-opened", channel=3)
            [opened] = paths.told("session-opened")
            assert opened["cipher"] == cipher.replace("-", "_")

    asyncio.run(run())


def test_a_server_that_does_not_encrypt_is_not_talked_to(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_paths(tmp_path, "--encryption", "off") as paths, paths.client(encrypt=True) as client:
            with pytest.raises(ClientError, match="does not encrypt"):
                await client.login()

    asyncio.run(run())
