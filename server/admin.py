"""`python -m server user` and `python -m server status`: what is done beside a running server.

Owns their flags and what they print. Exit codes: 0 done, 1 could not, 2 bad flags.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from server import accounts, control
from server.config import UserConfig
from server.wire.ntlm import nt_hash

COMMANDS = ("user", "status")
_FILE = Path("users")


def main(arguments: list[str]) -> int:
    given = _parser().parse_args(arguments)
    try:
        return _status(given) if given.command == "status" else _user(given)
    except (accounts.AccountsError, OSError) as error:
        print(f"python -m server {given.command}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m server")
    commands = parser.add_subparsers(dest="command", required=True)
    user = commands.add_parser("user", help="the users of a server, in a file of names and NT hashes")
    verbs = user.add_subparsers(dest="verb", required=True)
    add = verbs.add_parser(
        "add", help="add a user, or change the password; asked for, or read from standard input"
    )
    remove = verbs.add_parser("remove", help="remove a user")
    for verb in (add, remove):
        verb.add_argument("name")
    for verb in (add, remove, verbs.add_parser("list", help="list the names")):
        verb.add_argument("--file", type=Path, default=_FILE, help="the file (default: ./users)")
    status = commands.add_parser("status", help="what a running server of this user does")
    status.add_argument("--port", type=int, help="the one that listens there, if there are several")
    status.add_argument("--json", action="store_true", help="as one JSON document")
    return parser


def _user(given: argparse.Namespace) -> int:
    path: Path = given.file
    users = accounts.read(path) if path.exists() or given.verb != "add" else ()
    if given.verb == "list":
        print("\n".join(user.name for user in users))
        return 0
    if given.verb == "remove":
        left = accounts.without_user(users, given.name)
        if len(left) == len(users):
            raise accounts.AccountsError(f"{path}: no user {given.name}")
        accounts.write(path, left)
        return 0
    if not given.name or set(given.name) & set(":%\n/\\"):
        raise accounts.AccountsError(f"{given.name!r} is no name: it has : % / or \\ in it, or nothing")
    accounts.write(
        path, accounts.with_user(users, UserConfig(given.name, nt_hash(_password(given.name)).hex()))
    )
    return 0


def _password(name: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass(f"password of {name}: ")
    if getpass.getpass("once more: ") != password:
        raise accounts.AccountsError("the two are not the same")
    return password


def _status(given: argparse.Namespace) -> int:
    found = list(control.servers().values())
    if given.port is not None:
        found = [state for state in found if any(port == given.port for _, port in state["listening"])]
    if len(found) != 1:
        raise accounts.AccountsError("no server runs" if not found else "several run: say which by --port")
    print(json.dumps(found[0], indent=2) if given.json else _shown(found[0]))
    return 0


def _shown(state: dict[str, Any]) -> str:
    lines = ["listening  " + ", ".join(f"{address} port {port}" for address, port in state["listening"])]
    lines += [f"process    {one['pid']:>8}  {one['role']}" for one in state["processes"]]
    lines += [f"process    {pid:>8}  gives no answer" for pid in state["silent"]]
    for session in state["sessions"]:
        encrypted = "  encrypted" if session["encrypted"] else ""
        lines.append(
            f"session    {session['pid']:>8}  {session['session']}  {session['user'] or 'anonymous'}"
            f"  {session['state']}  client {session['client']}  {session['opens']} open{encrypted}"
        )
        lines += [
            f"  channel  {session['pid']:>8}  {one['connection']}  {one['remote']} > {one['local']}"
            for one in session["channels"]
        ]
    lines += _rows("open", state["opens"], ("user", "access"))
    lines += _rows("lease", state["leases"], ("kind", "state"))
    return "\n".join(lines)


def _rows(what: str, rows: Iterable[dict[str, Any]], columns: tuple[str, ...]) -> list[str]:
    return [
        f"{what:<9}  {row['pid'] or 'waiting':>8}  "
        + "  ".join(str(row[column]) for column in columns)
        + f"  {row['share']}/{row['path']}"
        for row in rows
    ]
