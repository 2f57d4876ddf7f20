"""The actor smb-client as a scenario drives it: a process, verbs, results and events as its schema says."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selftest.support.two_paths import FAST, PASSWORD, SHARE, USER, two_paths
from server.actor.content import content
from server.actor.protocol import VARIABLE
from server.actor.schema_client import CLIENT


class Driver:
    """The runner's end of one actor process."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.process = process
        self.writer = writer
        self.events: list[Mapping[str, Any]] = []
        self.progress: list[Mapping[str, int]] = []
        self._reader = reader
        self._last = -1

    @classmethod
    async def start(cls) -> Driver:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *CLIENT["command"],
                pass_fds=(theirs.fileno(),),
                env={**os.environ, VARIABLE: str(theirs.fileno())},
                stdin=asyncio.subprocess.DEVNULL,
            )
        self = cls(process, *await asyncio.open_connection(sock=ours))
        assert (await self.hear())["hello"] == {"actor": "smb-client", "pid": process.pid}
        return self

    async def hear(self) -> Any:
        return json.loads(await asyncio.wait_for(self._reader.readline(), 20))

    async def do(self, verb: str, **args: Any) -> Any:
        self._last += 1
        self.writer.write(json.dumps({"id": self._last, "verb": verb, "args": args}).encode() + b"\n")
        while True:
            heard = await self.hear()
            if "event" in heard:
                self.events.append(heard["event"])
            elif "progress" in heard:
                self.progress.append(heard["progress"])
            else:
                assert heard["id"] == self._last
                return heard.get("result", heard.get("error"))

    async def leave(self) -> int:
        self.writer.close()
        await self.writer.wait_closed()
        return await asyncio.wait_for(self.process.wait(), 3)


def fits(value: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    """As far as names go: nothing that is required is missing, nothing is there that is not declared."""
    return set(schema.get("required", ())) <= set(value) <= set(schema["properties"])


def test_a_scenarios_verbs_from_start_to_end_of_file(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths:
            actor = await Driver.start()
            try:
                config = {
                    "server": FAST,
                    "port": paths.port,
                    "user": USER,
                    "password": PASSWORD,
                    "share": SHARE,
                }
                assert fits(config, CLIENT["config"])
                assert await actor.do("start", **config) == {}
                size, seed = 8 << 20, 7
                calls: list[tuple[str, dict[str, Any]]] = [
                    ("login", {}),
                    ("interfaces", {}),
                    ("connect", {"channels": 2}),
                    ("channels", {}),
                    ("put", {"path": "film.bin", "size": "8MiB", "seed": seed}),
                    ("get", {"path": "film.bin"}),
                    ("ls", {"path": ""}),
                ]
                results = {}
                for verb, args in calls:
                    assert fits(args, CLIENT["verbs"][verb]["args"])
                    results[verb] = await actor.do(verb, **args)
                    declared = CLIENT["verbs"][verb]["result"]
                    assert fits(results[verb], declared), f"{verb}: {results[verb]}"
                wanted = hashlib.sha256(b"".join(content(seed, size))).hexdigest()
                assert hashlib.sha256((paths.directory / "film.bin").read_bytes()).hexdigest() == wanted
                assert results["put"]["sha256"] == results["get"]["sha256"] == wanted
                assert results["ls"]["files"] == {"film.bin": {"size": size, "directory": False}}
                assert len(results["connect"]["channels"]) == 2
                assert actor.progress[-1] == {"done": size, "total": size}
                missing = await actor.do("get", path="nothing.bin")
                assert missing["status"] == "STATUS_OBJECT_NAME_NOT_FOUND"
                assert await actor.do("logoff") == {}
                for event in actor.events:
                    declared = CLIENT["events"][event["kind"]]["fields"]
                    assert set(event) - {"kind"} == set(declared), event
                kinds = [event["kind"] for event in actor.events]
                assert kinds[:2] == ["session-opened", "channel-opened"]
                assert kinds[-1] == "session-closed"
            finally:
                status = await actor.leave()
            assert status == 0

    asyncio.run(run())


def test_it_ends_within_a_second_of_its_runner_in_the_middle_of_a_copy(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_paths(tmp_path) as paths:
            actor = await Driver.start()
            await actor.do("start", server=FAST, port=paths.port, user=USER, password=PASSWORD)
            await actor.do("login")
            actor.writer.write(b'{"id":9,"verb":"put","args":{"path":"x","size":"1GiB"}}\n')
            while "progress" not in await actor.hear():
                pass
            paths.fast.freeze()
            actor.writer.close()
            assert await asyncio.wait_for(actor.process.wait(), 1.5) == 0

    asyncio.run(run())


def test_what_the_scenario_got_wrong_is_said(tmp_path: Path) -> None:
    async def run() -> None:
        actor = await Driver.start()
        assert await actor.do("login") == {"message": "not started"}
        wrong = await actor.do("start", server="x", user="u", password="p", colour="red")
        assert wrong == {"message": "smb-client does not know colour"}
        assert await actor.leave() == 0

    asyncio.run(run())
