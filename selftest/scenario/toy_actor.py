"""A tiny actor that does as it is told: as a process of its own, or as a coroutine of a test.

``python toy_actor.py`` speaks the protocol on SWRAP_ACTOR_FD; ``toy(receive, send)`` on what it is given.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[bytes | None]]
Send = Callable[[bytes], Awaitable[None]]

_NUMBER = {"type": "integer"}
_PORT = {"type": "object", "properties": {"address": {"type": "string"}, "port": {"type": "integer"}}}
_SHAPE = {
    "type": "object",
    "properties": {"n": _NUMBER, "colour": {"type": "string"}, "more": {"type": "object"}},
}

DECLARATION: dict[str, Any] = {
    "config": {"type": "object", "properties": {"greeting": {"type": "string"}, "fail": {"type": "string"}}},
    "verbs": {
        "add": {
            "doc": "adds",
            "args": {"type": "object", "properties": {"a": _NUMBER, "b": _NUMBER}, "required": ["a", "b"]},
            "result": {"type": "object", "properties": {"sum": _NUMBER, "inner": {"properties": {"list": {"items": {}}}}}},
        },
        "copy": {
            "doc": "tells its progress in four parts, each after `pause`",
            "args": {
                "type": "object",
                "properties": {
                    "size": {"type": "integer", "format": "size"},
                    "pause": {"type": "number", "format": "duration"},
                },
                "required": ["size"],
            },
            "result": {"type": "object", "properties": {"bytes": _NUMBER}},
        },
        "fail": {
            "doc": "fails",
            "args": {"type": "object", "properties": {"message": {"type": "string"}, "status": {"type": "string"}}},
        },
        "tell": {"doc": "tells an event", "args": _SHAPE, "result": {"type": "object", "properties": {}}},
        "tell-later": {"doc": "is done at once, and tells an event after 0.05 s", "args": _SHAPE},
        "never": {"doc": "does not answer", "args": {"type": "object", "properties": {}}},
        "die": {"doc": "ends", "args": {"type": "object", "properties": {"status": _NUMBER}}},
        "babble": {"doc": "says what is not of the protocol", "args": {"type": "object", "properties": {}}},
        "breed": {"doc": "starts a child that holds the channel", "args": {"type": "object", "properties": {}}},
        "listen": {"doc": "accepts connections", "args": _PORT, "result": {"type": "object", "properties": {}}},
        "connect": {"doc": "makes a connection and keeps it", "args": _PORT, "result": {"properties": {"local": {}}}},
        "greet": {"doc": "", "args": {"type": "object", "properties": {}}, "result": {"properties": {"greeting": {}}}},
    },
    "events": {
        "told": {"doc": "was told to", "fields": {"n": "a number", "colour": "a colour", "more": "an object"}},
        "process-started": {"doc": "", "fields": {"pid": "its own", "role": "what it does"}},
        "process-ended": {"doc": "", "fields": {"pid": "its own"}},
    },
}  # fmt: skip


class Died(Exception):
    """The actor was told to end, with the status that it has as argument."""


async def toy(receive: Receive, send: Send, pid: int) -> int:
    """Be an actor until there are no more lines; the exit status."""
    config: dict[str, Any] = {}
    kept: list[Any] = []
    await _say(send, hello={"actor": "toy", "pid": pid})
    await _say(send, event={"kind": "process-started", "pid": pid + 1, "role": "worker"})
    died: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    tasks: set[asyncio.Task[None]] = set()

    async def perform(number: int, verb: str, args: dict[str, Any]) -> None:
        try:
            await _say(send, id=number, result=await _verb(number, verb, args))
        except Died as end:
            if not died.done():
                died.set_result(end.args[0])
        except RuntimeError as error:
            message, status = error.args
            wrong = {"message": message} if status is None else {"message": message, "status": status}
            await _say(send, id=number, error=wrong)

    async def _verb(number: int, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        if verb == "start":
            config.update(args)
            if "fail" in args:
                raise RuntimeError(args["fail"], None)
        elif verb == "add":
            return {"sum": args["a"] + args["b"], "inner": {"list": [args["a"], args["b"]]}}
        elif verb == "copy":
            for part in range(1, 5):
                await asyncio.sleep(args.get("pause", 0))
                await _say(
                    send, id=number, progress={"done": args["size"] * part // 4, "total": args["size"]}
                )
            return {"bytes": args["size"]}
        elif verb == "fail":
            raise RuntimeError(args.get("message", "told to"), args.get("status"))
        elif verb == "tell":
            await _say(send, event={"kind": "told", **args})
        elif verb == "tell-later":
            task = asyncio.create_task(later(args))
            tasks.add(task)
        elif verb == "never":
            await asyncio.Event().wait()
        elif verb == "die":
            raise Died(args.get("status", 0))
        elif verb == "babble":
            await send(b"Segmentation fault\n")
        elif verb == "breed":
            sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
            fd = int(os.environ["SWRAP_ACTOR_FD"])
            child = subprocess.Popen(sleep, pass_fds=[fd], stdin=subprocess.DEVNULL)  # noqa: ASYNC220 - it is to hold the channel, and nothing waits for it
            return {"pid": child.pid}
        elif verb == "listen":
            kept.append(await asyncio.start_server(hold, args["address"], args["port"]))
        elif verb == "connect":
            ends = await asyncio.open_connection(args["address"], args["port"])
            kept.append(ends)
            host, port = ends[1].get_extra_info("sockname")[:2]
            return {"local": f"{host}:{port}"}
        elif verb == "greet":
            return {"greeting": config.get("greeting", "")}
        return {}

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def later(args: dict[str, Any]) -> None:
        await asyncio.sleep(0.05)
        await _say(send, event={"kind": "told", **args})

    async def listen() -> int:
        while (line := await receive()) is not None:
            said = json.loads(line)
            task = asyncio.create_task(perform(said["id"], said["verb"], said["args"]))
            tasks.add(task)
        return 0

    listening = asyncio.create_task(listen())
    try:
        await asyncio.wait((listening, died), return_when=asyncio.FIRST_COMPLETED)
        return died.result() if died.done() else listening.result()
    finally:
        for task in (listening, *tasks):
            task.cancel()
        await asyncio.gather(listening, *tasks, return_exceptions=True)
        died.cancel()


async def _say(send: Send, **shape: Any) -> None:
    await send(json.dumps(shape).encode() + b"\n")


async def main() -> int:
    """Be an actor on SWRAP_ACTOR_FD."""
    connection = socket.socket(fileno=int(os.environ["SWRAP_ACTOR_FD"]))
    reader, writer = await asyncio.open_connection(sock=connection)

    async def receive() -> bytes | None:
        return await reader.readline() or None

    async def send(line: bytes) -> None:
        writer.write(line)
        await writer.drain()

    print("toy actor at your service", file=sys.stderr, flush=True)
    try:
        return await toy(receive, send, os.getpid())
    finally:
        writer.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
