"""The other ports tell the truth about this machine: interfaces, sockets, records, processes."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from server.posix.interfaces import PosixInterfaces
from server.posix.sockets import PosixSocketQueries
from server.posix.store import LmdbStore

KILLS = 20


def test_loopback_is_there_and_known_as_such() -> None:
    found = [entry for entry in PosixInterfaces().query() if entry.address == ip_address("127.0.0.1")]
    assert [(entry.name, entry.index, entry.loopback, entry.running) for entry in found] == [
        ("lo", socket.if_nametoindex("lo"), True, True)
    ]


def _fill(sock: socket.socket) -> int:
    """Send until there is no room; the bytes that were taken."""
    sent = 0
    while True:
        try:
            sent += sock.send(bytes(65536))
        except BlockingIOError:
            return sent


def _put_and_fail(store: LmdbStore) -> None:
    with store.write() as writing:
        writing.put(b"t\0b", b"2")
        raise ZeroDivisionError


def test_what_nobody_reads_is_unacked_or_received() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        with client, server:
            queries = PosixSocketQueries()
            assert queries.unacked(client) == 0
            client.setblocking(False)
            sent = _fill(client)
            delivery = queries.delivery(client)
            assert 0 < delivery.unacked < sent
            assert 0.0 < delivery.rto < 130.0


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path / "store")
    with store.write() as writing:
        writing.put(b"t\0a", b"1")
    with pytest.raises(ZeroDivisionError):
        _put_and_fail(store)
    with store.write() as writing:
        writing.put(b"t\0ab", b"3")
        writing.put(b"u\0a", b"other table")
    with store.read() as reading:
        assert list(store.scan(reading, b"t\0")) == [(b"a", b"1"), (b"ab", b"3")]
        assert list(store.scan(reading, b"t\0", b"ab")) == [(b"ab", b"3")]
        assert reading.get(b"t\0b") is None
    store.close()


def _hang_in_a_transaction(directory: Path, ready: int) -> None:
    with LmdbStore(directory).write() as writing:
        writing.put(b"t\0half", b"done")
        os.write(ready, b"!")
        signal.pause()


def test_a_writer_that_is_killed_leaves_neither_its_record_nor_its_lock(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    child = multiprocessing.get_context("fork").Process(
        target=_hang_in_a_transaction, args=(tmp_path / "store", writer)
    )
    child.start()
    assert os.read(reader, 1) == b"!"
    child.kill()
    child.join()
    os.close(reader)
    os.close(writer)
    store = LmdbStore(tmp_path / "store")
    with store.write() as writing:
        assert writing.get(b"t\0half") is None
        writing.put(b"t\0whole", b"done")
    store.close()


def _count(directory: Path, ready: int) -> None:
    """Two records that are the same after every transaction, without end."""
    store = LmdbStore(directory)
    while True:
        with store.write() as writing:
            number = int(writing.get(b"t\0one") or b"0") + 1
            writing.put(b"t\0one", b"%d" % number)
            writing.put(b"t\0of many %d" % (number % 100), bytes(200))
            writing.put(b"t\0other", b"%d" % number)
        os.write(ready, b"!")


def test_whenever_a_writer_is_killed_its_last_transaction_is_there_or_is_not(tmp_path: Path) -> None:
    for _ in range(KILLS):
        reader, writer = os.pipe()
        child = multiprocessing.get_context("fork").Process(target=_count, args=(tmp_path / "store", writer))
        child.start()
        os.close(writer)
        os.read(reader, random.randrange(1, 4096))
        child.kill()
        child.join()
        os.close(reader)
    store = LmdbStore(tmp_path / "store")
    with store.read() as reading:
        assert int(reading.get(b"t\0one") or b"0") >= KILLS
        assert reading.get(b"t\0one") == reading.get(b"t\0other")
    store.close()


def test_there_is_room_for_what_is_mapped(tmp_path: Path) -> None:
    LmdbStore(tmp_path / "store").close()
    assert (tmp_path / "store" / "data.mdb").stat().st_blocks * 512 >= 8 << 20


FILLER = """
import errno, os, resource, sys
from pathlib import Path
from server.posix.store import LmdbStore
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
store = LmdbStore(Path(sys.argv[1]) / "store")
written = 0
try:
    while True:
        with store.write() as writing:
            writing.put(b"t\\0%d" % written, bytes(1000))
        written += 1
except OSError as error:
    print(errno.errorcode[error.errno], written)
os.unlink(Path(sys.argv[1]) / "fill")
with store.write() as writing:
    assert writing.delete(b"t\\0" + b"7")
"""


def test_a_full_disk_is_an_error_and_what_is_there_stays(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=24m none "$1"; fallocate -l 4m "$1/fill"; "$2" -c "$3" "$1"'
    command = ["sh", "-ec", script, "sh", str(tmp_path), sys.executable, FILLER]
    own = [] if os.geteuid() == 0 else ["--map-root-user"]
    done = subprocess.run(["unshare", "--mount", *own, *command], capture_output=True, text=True)
    if "unshare" in done.stderr:
        pytest.skip(f"needs a namespace of mounts: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    reason, written = done.stdout.split()
    assert reason == "ENOSPC"
    assert int(written) > 8000, "all that was allocated beforehand, and more"


SPAWNER = """
import asyncio, json, os, signal, sys
from pathlib import Path
from server.posix.processes import PosixProcesses

def echo(settings, lifeline):
    lifeline.sendall(settings.encode())
    lifeline.recv(1)                      # until the parent lets go
    sys.exit(0)

def hang(settings, lifeline):
    signal.pause()

async def main(processes):
    loop = asyncio.get_running_loop()
    echoing = await processes.spawn("echo", "hello")
    hanging = await processes.spawn("hang", "")
    echoing.lifeline.setblocking(False)
    told = await loop.sock_recv(echoing.lifeline, 100)
    echoing.lifeline.close()
    hanging.end(force=True)
    await processes.gone(hanging.pid)
    print(json.dumps({"told": told.decode(), "echo": await echoing.wait(), "hang": await hanging.wait()}))
    left = await processes.spawn("hang", "")
    await processes.close()
    print(json.dumps({"left": os.path.exists(f"/proc/{left.pid}"), "scratch": scratch.exists()}))

scratch = Path(sys.argv[1])
asyncio.run(main(PosixProcesses.launch({"echo": echo, "hang": hang}, scratch)))
"""


def test_processes_are_spawned_watched_and_ended(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SPAWNER, str(tmp_path / "scratch")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    first, second = map(json.loads, done.stdout.splitlines())
    assert first == {"told": "hello", "echo": 0, "hang": -signal.SIGKILL}
    assert second == {"left": False, "scratch": False}


def test_a_process_with_threads_is_not_forked(tmp_path: Path) -> None:
    from server.posix.processes import PosixProcesses

    async def with_a_thread() -> None:
        await asyncio.to_thread(lambda: None)
        with pytest.raises(RuntimeError, match="threads"):
            PosixProcesses.launch({}, tmp_path)

    asyncio.run(with_a_thread())
