"""Files go over several channels and come back unchanged."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from pathlib import Path

import pytest

from selftest.support.two_paths import FAST, PASSWORD, SHARE, SLOW, USER, TwoPaths, chunks, two_paths
from server.client import ClientError, StatusError
from server.wire.status import NTSTATUS


def test_a_file_goes_over_two_channels_and_comes_back(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths, paths.client() as client:
            terms = await client.login()
            assert terms.dialect == 0x0311
            assert {str(entry.address) for entry in await client.interfaces()} == {FAST, SLOW}
            channels = await client.connect_channels(2)
            assert [str(channel.path.remote) for channel in channels] == [FAST, FAST]
            seen: list[tuple[int, int]] = []
            put = await client.put(SHARE, "film.bin", chunks(24), 24 << 20, lambda *at: seen.append(at))
            stored = (paths.directory / "film.bin").read_bytes()
            assert stored == b"".join(chunks(24))
            assert put.sha256 == hashlib.sha256(stored).hexdigest()
            assert seen[-1] == (24 << 20, 24 << 20)
            back = bytearray()
            got = await client.get(SHARE, "film.bin", back.extend)
            assert (got.sha256, got.bytes, bytes(back)) == (put.sha256, 24 << 20, stored)
            [entry] = await client.listdir(SHARE)
            assert (entry.name, entry.size, entry.directory) == ("film.bin", 24 << 20, False)
            await client.logoff()
            opened = paths.told("channel-opened")
            assert {event["session_id"] for event in opened} == {f"0x{terms.session_id:x}"}
            assert [event["bound"] for event in opened] == [False, True]
            assert paths.kinds()[-1] == "session-closed"

    asyncio.run(run())


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1])
def test_odd_sizes(tmp_path: Path, size: int) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths, paths.client() as client:
            await client.login()
            whole = b"\x5a" * size
            pieces = [whole[at : at + (1 << 20)] for at in range(0, size, 1 << 20)]
            await client.put(SHARE, "odd.bin", pieces, size)
            assert (paths.directory / "odd.bin").read_bytes() == whole
            back = bytearray()
            await client.get(SHARE, "odd.bin", back.extend)
            assert bytes(back) == whole

    asyncio.run(run())


def test_what_the_server_refuses_is_told_with_its_status(tmp_path: Path) -> None:
    async def refused(paths: TwoPaths) -> None:
        with pytest.raises(StatusError) as caught:
            async with paths.client(password="wrong") as client:
                await client.login()
        assert caught.value.status is NTSTATUS.LOGON_FAILURE
        async with paths.client() as client:
            with pytest.raises(ClientError, match="not logged in"):
                await client.interfaces()
            await client.login()
            with pytest.raises(StatusError) as caught:
                await client.get(SHARE, "no/such/file", len)
            assert caught.value.status in (NTSTATUS.OBJECT_NAME_NOT_FOUND, NTSTATUS.OBJECT_PATH_NOT_FOUND)
            with pytest.raises(StatusError) as caught:
                await client.listdir("no-such-share")
            assert caught.value.status is NTSTATUS.BAD_NETWORK_NAME

    async def run() -> None:
        async with two_paths(tmp_path) as paths:
            await refused(paths)

    asyncio.run(run())


def test_the_command_line_puts_lists_and_gets(tmp_path: Path) -> None:
    async def call(*words: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "server.client",
            "--user",
            f"{USER}%{PASSWORD}",
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 30)
        return process.returncode or 0, out.decode(), err.decode()

    async def run() -> None:
        origin, copy = tmp_path / "film.bin", tmp_path / "copy.bin"
        origin.write_bytes(b"".join(chunks(3)))
        async with two_paths(tmp_path) as paths:
            where = f"//{FAST}:{paths.port}/{SHARE}"
            code, out, err = await call("--channels", "2", "put", str(origin), f"{where}/")
            assert (code, err) == (0, "")
            assert hashlib.sha256(origin.read_bytes()).hexdigest() in out
            code, out, _ = await call("ls", where)
            assert code == 0
            assert out.split()[-1] == "film.bin"
            code, out, _ = await call("get", f"{where}/film.bin", str(copy))
            assert code == 0
            assert copy.read_bytes() == origin.read_bytes()
            code, _, err = await call("get", f"{where}/nothing.bin", str(copy))
            assert code == 1
            assert "STATUS_OBJECT_NAME_NOT_FOUND" in err
            for words in (("mkdir", f"{where}/sub"), ("mv", f"{where}/film.bin", "sub/moved")):
                assert await call(*words) == (0, "", "")
            assert (paths.directory / "sub" / "moved").read_bytes() == origin.read_bytes()
            code, _, err = await call("rm", f"{where}/sub")
            assert code == 1
            assert "STATUS_DIRECTORY_NOT_EMPTY" in err
            for name in ("sub/moved", "sub"):
                assert await call("rm", f"{where}/{name}") == (0, "", "")
            assert not list(paths.directory.iterdir())
            code, _, err = await call("ls", "nonsense")
            assert code == 2
            assert "is not //HOST[:PORT]/SHARE/PATH" in err

    asyncio.run(run())
