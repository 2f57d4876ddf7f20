"""`python -m server`: a server from flags alone.

Owns the flags and the exit codes: 0 ended as told, 1 could not serve, 2 bad flags.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path
from typing import Any

from server.app import Prepared, Server, dispose, prepare
from server.config import CIPHERS, Encryption, ServerConfig, ShareConfig, UserConfig
from server.log import Log
from server.wire.ntlm import nt_hash


class LoggedEvents:
    """Events as log lines."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def emit(self, kind: str, /, **fields: Any) -> None:
        self._log.info(kind, **fields)


def parser() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(prog="python -m server", description="An SMB 3.1.1 multichannel server.")
    flags.add_argument(
        "--address", action="append", default=[], help="listen here; may be repeated (default: everywhere)"
    )
    flags.add_argument("--port", type=int, default=445, help="TCP port (default: 445)")
    flags.add_argument("--share", action="append", default=[], metavar="NAME=DIR", help="serve DIR as NAME")
    flags.add_argument(
        "--user", action="append", default=[], metavar="NAME%PASSWORD", help="let NAME in with PASSWORD"
    )
    flags.add_argument("--workers", type=int, default=2, help="idle worker processes kept ready (default: 2)")
    flags.add_argument("--name", default="SERVER", help="the server's NetBIOS name (default: SERVER)")
    flags.add_argument("--signing", choices=("required", "enabled"), default="required")
    flags.add_argument(
        "--encryption",
        choices=[str(policy) for policy in Encryption],
        default=Encryption.ENABLED.value,
        help="what is asked of clients (default: enabled, if they like to)",
    )
    flags.add_argument(
        "--cipher", action="append", choices=CIPHERS, help="agree to this one; the best first (default: all)"
    )
    flags.add_argument("--torture", action="store_true", help="serve the control codes of smbtorture")
    return flags


def config_from(flags: argparse.ArgumentParser, arguments: list[str] | None) -> ServerConfig:
    """Exits with 2 and a sentence where the flags make no sense."""
    given = flags.parse_args(arguments)
    if not 0 < given.port < 65536:
        flags.error(f"--port {given.port}: not a TCP port")
    if not 1 <= given.workers <= 64:
        flags.error(f"--workers {given.workers}: between 1 and 64")
    if not given.share:
        flags.error("nothing to serve: give at least one --share NAME=DIR")
    shares = []
    for share in given.share:
        name, found, path = share.partition("=")
        if not found or not name or not Path(path).is_dir():
            flags.error(f"--share {share}: NAME=DIR with a directory that exists")
        shares.append(ShareConfig(name, str(Path(path).resolve())))
    users = []
    for user in given.user:
        name, found, password = user.partition("%")
        if not found or not name:
            flags.error("--user: NAME%PASSWORD")
        users.append(UserConfig(name, nt_hash(password).hex()))
    return ServerConfig(
        port=given.port,
        addresses=tuple(given.address),
        shares=tuple(shares),
        users=tuple(users),
        workers=given.workers,
        server_name=given.name,
        signing_required=given.signing == "required",
        encryption=Encryption(given.encryption),
        ciphers=tuple(given.cipher or CIPHERS),
        torture=given.torture,
    )


def main(arguments: list[str] | None = None) -> int:
    config = config_from(parser(), arguments)
    return asyncio.run(_serve(prepare(), config))


async def _serve(prepared: Prepared, config: ServerConfig) -> int:
    log = Log(sys.stderr)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log.unhandled)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    try:
        server = Server(prepared, config, events=LoggedEvents(log), log=log)
        try:
            for address, port in server.start():
                log.info("listening", address=address, port=port)
        except OSError as error:
            log.warning(str(error.strerror))
            return 1
        failed = loop.create_task(prepared.processes.failed.wait())
        told = loop.create_task(ended.wait())
        await asyncio.wait((failed, told), return_when=asyncio.FIRST_COMPLETED)
        broken = failed.done()
        for task in (failed, told):
            task.cancel()
        if broken:
            log.warning("the process that forks workers is gone: ending")
        await server.stop()
        log.info("ended")
        return 1 if broken else 0
    finally:
        with contextlib.suppress(OSError):
            await dispose(prepared)
