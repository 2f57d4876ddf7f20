"""What one process says of a connection, another understands; two that want a client agree on one owner."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.passing import records
from server.passing.messages import (
    ConnectionDrop,
    ConnectionDropped,
    ConnectionPass,
    ConnectionPassed,
    ConnectionRefused,
    Message,
    SessionPass,
    decode,
    encode,
)
from server.passing.post import Post
from server.passing.records import ClientRecord
from server.posix.store import LmdbStore

counts = st.integers(0, 2**63)
MESSAGES = st.one_of(
    st.builds(
        ConnectionPass, st.text(), st.uuids(), counts, counts, st.booleans(), st.text(), counts, st.binary()
    ),
    st.builds(
        SessionPass,
        *(st.text(), st.uuids(), counts, st.text(), counts),
        st.dictionaries(st.text(), st.lists(counts)),
        *(st.binary(), st.binary()),
    ),
    st.builds(ConnectionPassed, st.text(), counts),
    st.builds(ConnectionRefused, st.text(), counts),
    st.builds(ConnectionDrop, st.uuids(), counts, st.text()),
    st.builds(ConnectionDropped, st.uuids()),
)


@given(MESSAGES)
def test_a_message_reads_back(message: Message) -> None:
    assert decode(encode(message)) == message


@given(st.binary(max_size=60))
def test_other_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(raw)


def test_a_descriptor_arrives_with_its_message_and_works(tmp_path: Path) -> None:
    async def run() -> None:
        arrived: asyncio.Future[tuple[bytes, list[int]]] = asyncio.get_running_loop().create_future()
        sender = Post(tmp_path, lambda data, fds: None)
        receiver = Post(tmp_path, lambda data, fds: arrived.set_result((data, fds)))
        ours, theirs = socket.socketpair()
        with ours, theirs:
            await sender.send(receiver.address, b"for you", [theirs.fileno()])
            data, fds = await arrived
        assert data == b"for you"
        with socket.socket(fileno=fds[0]) as passed:
            assert not os.get_inheritable(passed.fileno())
        sender.close()
        receiver.close()

    asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


def test_a_full_queue_is_waited_for(tmp_path: Path) -> None:
    async def run() -> None:
        seen: list[bytes] = []
        sender = Post(tmp_path, lambda data, fds: None)
        receiver = Post(tmp_path, lambda data, fds: seen.append(data))
        await asyncio.gather(*(sender.send(receiver.address, b"%d" % i) for i in range(200)))
        receiver.drain()
        assert sorted(map(int, seen)) == list(range(200))
        sender.close()
        receiver.close()

    asyncio.run(run())


def test_a_receiver_that_is_gone_is_an_error(tmp_path: Path) -> None:
    async def run() -> None:
        sender = Post(tmp_path, lambda data, fds: None)
        receiver = Post(tmp_path, lambda data, fds: None)
        receiver.close()
        with pytest.raises(FileNotFoundError):
            await sender.send(receiver.address, b"hello")
        sender.close()

    asyncio.run(run())


GUID = uuid.UUID(int=5)


def _claim(directory: Path, number: int, results: multiprocessing.Queue[tuple[int, bool]]) -> None:
    store = LmdbStore(directory)
    record, mine = records.claim(store, GUID, ClientRecord(f"address-{number}", number, number))
    results.put((record.pid, mine))


def test_of_many_that_claim_a_client_one_becomes_its_owner(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[tuple[int, bool]] = spawn.Queue()
    claimers = [spawn.Process(target=_claim, args=(tmp_path / "store", i, results)) for i in range(4)]
    for claimer in claimers:
        claimer.start()
    found = [results.get(timeout=60) for _ in claimers]
    for claimer in claimers:
        claimer.join(60)
    results.close()
    results.join_thread()
    assert len({owner for owner, _ in found}) == 1
    assert sum(mine for _, mine in found) == 1


def test_a_record_is_released_by_who_knows_it_as_it_is(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path / "store")
    old, new = ClientRecord("a", 1, 1), ClientRecord("b", 2, 2)
    records.claim(store, GUID, old)
    assert not records.release(store, GUID, new)
    assert records.owner(store, GUID) == old
    assert records.release(store, GUID, old)
    assert records.owner(store, GUID) is None
    store.close()
