"""`python -m server`: a server from flags, from a file, or from both.

Owns the flags and the exit codes: 0 ended as told, 1 could not serve, 2 bad flags.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from server import accounts, admin, settings
from server.app import Prepared, Server, dispose, prepare
from server.config import CIPHERS, ClusterConfig, Encryption, Handover, ServerConfig, ShareConfig, UserConfig
from server.log import Log
from server.settings import SettingsError
from server.wire.ntlm import nt_hash


class LoggedEvents:
    """Events as log lines."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def emit(self, kind: str, /, **fields: Any) -> None:
        self._log.info(kind, **fields)


def parser() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(
        prog="python -m server",
        description="An SMB 3.1.1 multichannel server.",
        epilog="See also: python -m server user --help, python -m server status --help.",
    )
    flags.add_argument(
        "--config", type=Path, metavar="FILE", help="a server.toml; flags come before what it says"
    )
    flags.add_argument(
        "--address", action="append", help="listen here; may be repeated (default: everywhere)"
    )
    flags.add_argument("--port", type=int, help="TCP port (default: 445)")
    flags.add_argument("--share", action="append", default=[], metavar="NAME=DIR", help="serve DIR as NAME")
    flags.add_argument(
        "--user", action="append", default=[], metavar="NAME%PASSWORD", help="let NAME in with PASSWORD"
    )
    flags.add_argument("--workers", type=int, help="idle worker processes kept ready (default: 2)")
    flags.add_argument(
        "--handover",
        choices=[str(plan) for plan in Handover],
        help="connections find their process by client, at Negotiate (default), or by session, at session setup",
    )
    flags.add_argument(
        "--cluster",
        metavar="NAME",
        help="be that node of a cluster; with --node for all of them, --public and --cluster-secret",
    )
    flags.add_argument("--node", action="append", default=[], metavar="NAME=ADDRESS:PORT")
    flags.add_argument("--public", action="append", default=[], metavar="ADDRESS")
    flags.add_argument("--cluster-secret", type=Path, metavar="FILE", help="the same on all nodes, mode 0600")
    flags.add_argument("--name", help="the server's NetBIOS name (default: SERVER)")
    flags.add_argument("--signing", choices=("required", "enabled"), help="(default: required)")
    flags.add_argument(
        "--encryption",
        choices=[str(policy) for policy in Encryption],
        help="what is asked of clients (default: enabled, if they like to)",
    )
    flags.add_argument(
        "--cipher", action="append", choices=CIPHERS, help="agree to this one; the best first (default: all)"
    )
    flags.add_argument(
        "--torture", action="store_true", default=None, help="serve the control codes of smbtorture"
    )
    return flags


def config_from(flags: argparse.ArgumentParser, arguments: list[str] | None) -> ServerConfig:
    """Exits with 2 and a sentence where flags or file make no sense."""
    given = flags.parse_args(arguments)
    try:
        return _config(flags, given)
    except SettingsError as error:
        flags.error(str(error))


def _config(flags: argparse.ArgumentParser, given: argparse.Namespace) -> ServerConfig:
    """The file, and over it the flags. SettingsError: of the file."""
    base = ServerConfig() if given.config is None else settings.load(given.config)
    if given.port is not None and not 0 < given.port < 65536:
        flags.error(f"--port {given.port}: not a TCP port")
    if given.workers is not None and not 1 <= given.workers <= 64:
        flags.error(f"--workers {given.workers}: between 1 and 64")
    shares = list(base.shares)
    for share in given.share:
        name, found, path = share.partition("=")
        if not found or not name or not Path(path).is_dir():
            flags.error(f"--share {share}: NAME=DIR with a directory that exists")
        shares.append(ShareConfig(name, str(Path(path).resolve())))
    if not shares:
        flags.error("nothing to serve: give at least one --share NAME=DIR, or one in --config FILE")
    users = base.users
    for user in given.user:
        name, found, password = user.partition("%")
        if not found or not name:
            flags.error("--user: NAME%PASSWORD")
        users = accounts.with_user(users, UserConfig(name, nt_hash(password).hex()))
    told = {
        "addresses": given.address and tuple(given.address),
        "port": given.port,
        "workers": given.workers,
        "handover": given.handover and Handover(given.handover),
        "server_name": given.name,
        "signing_required": given.signing and given.signing == "required",
        "encryption": given.encryption and Encryption(given.encryption),
        "ciphers": given.cipher and tuple(given.cipher),
        "cluster": _cluster(flags, given),
        "torture": given.torture,
    }
    said = {name: value for name, value in told.items() if value is not None}
    return replace(base, shares=tuple(shares), users=users, **said)


def _cluster(flags: argparse.ArgumentParser, given: argparse.Namespace) -> ClusterConfig | None:
    if given.cluster is None:
        return None
    if given.cluster_secret is None:
        flags.error("--cluster: needs --cluster-secret FILE")
    if given.handover == Handover.SESSION:
        flags.error("--handover session: the nodes of a cluster hand over by client")
    nodes = {name: place for name, _, place in (node.partition("=") for node in given.node)}
    try:
        secret = accounts.private(given.cluster_secret).strip()
        return settings.cluster_of(given.cluster, nodes, secret, given.public)
    except (ValueError, accounts.AccountsError) as error:
        flags.error(f"--cluster: {error}")


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] and arguments[0] in admin.COMMANDS:
        return admin.main(arguments)
    config = config_from(parser(), arguments)
    return asyncio.run(_serve(prepare(), config, arguments))


async def _serve(prepared: Prepared, config: ServerConfig, arguments: list[str]) -> int:
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
            await server.answer()
        except OSError as error:
            log.warning(str(error.strerror))
            return 1
        loop.add_signal_handler(signal.SIGHUP, _reread, server, arguments, log)
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


def _reread(server: Server, arguments: list[str], log: Log) -> None:
    """Flags and file once more. If they make no sense now, everything stays as it is."""
    flags = parser()
    try:
        fixed = server.configure(_config(flags, flags.parse_args(arguments)))
    except (SettingsError, SystemExit) as error:
        log.warning("the settings cannot be read again: all stays as it was", error=error)
        return
    log.info("settings read again", needs_a_restart=",".join(fixed) or "nothing")
