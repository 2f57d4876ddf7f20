"""`server.toml`: what a server is told, as people write it.

Owns the keys and what may stand under them; every mistake is told with its file and line. Gives a `ServerConfig`.
Called by the command line, once and after each SIGHUP.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from server import accounts
from server.config import (
    CIPHERS,
    ClusterConfig,
    Encryption,
    Handover,
    Limits,
    NodeConfig,
    ServerConfig,
    ShareConfig,
)

_SECRET = 16
_SIGNING = ("required", "enabled")
_Check = Callable[[Any], str | None]


class SettingsError(Exception):
    """The file cannot be used; the text names file, line and key."""


def _of(kind: type, name: str) -> _Check:
    return lambda value: None if type(value) is kind else f"not {name}"


def _among(*allowed: str) -> _Check:
    return lambda value: None if value in allowed else f"not one of {', '.join(allowed)}"


def _between(low: int, high: int) -> _Check:
    return lambda value: (
        None if type(value) is int and low <= value <= high else f"not a number from {low} to {high}"
    )


def _list(allowed: tuple[str, ...] = ()) -> _Check:
    def check(value: Any) -> str | None:
        if type(value) is not list or not all(type(one) is str for one in value):
            return "not a list of strings"
        wrong = [one for one in value if allowed and one not in allowed]
        return f"{wrong[0]} is not one of {', '.join(allowed)}" if wrong else None

    return check


_TEXT, _YES_NO = _of(str, "a string"), _of(bool, "true or false")
_TOP: Mapping[str, _Check] = {
    "port": _between(1, 65535),
    "addresses": _list(),
    "name": _TEXT,
    "workers": _between(1, 64),
    "handover": _among(*Handover),
    "users": _TEXT,
    "signing": _among(*_SIGNING),
    "encryption": _among(*Encryption),
    "ciphers": _list(CIPHERS),
    "anonymous": _YES_NO,
    "guests": _YES_NO,
    "rdma": _list(),
    "shares": _of(dict, "a table"),
    "limits": _of(dict, "a table"),
    "cluster": _of(dict, "a table"),
}
_CLUSTER: Mapping[str, _Check] = {
    "node": _TEXT,
    "secret": _TEXT,
    "public": _list(),
    "nodes": _of(dict, "a table"),
}
_SHARE: Mapping[str, _Check] = {"path": _TEXT, "comment": _TEXT, "encrypt": _YES_NO, "guests": _YES_NO}


def _limit(default: object) -> _Check:
    if type(default) is int:
        return _between(1, 2**31)
    return lambda value: None if type(value) in (int, float) and value >= 0 else "not a number of seconds"


_LIMITS: Mapping[str, _Check] = {one.name: _limit(one.default) for one in fields(Limits)}


def load(path: Path) -> ServerConfig:
    """Paths in it are relative to its own folder. SettingsError: it makes no sense."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    reader = _Reader(path, text)
    reader.check(raw, _TOP, ())
    shares = tuple(reader.share(name, about) for name, about in raw.get("shares", {}).items())
    cluster = reader.cluster(raw["cluster"]) if "cluster" in raw else None
    if cluster is not None and raw.get("handover") == Handover.SESSION:
        raise SettingsError(
            f"{reader.at(('handover',))}: handover: the nodes of a cluster hand over by client"
        )
    limits = raw.get("limits", {})
    reader.check(limits, _LIMITS, ("limits",))
    users: tuple[Any, ...] = ()
    if "users" in raw:
        try:
            users = accounts.read(path.parent / raw["users"])
        except accounts.AccountsError as error:
            raise SettingsError(f"{reader.at(('users',))}: {error}") from error
    given = {key: raw[key] for key in ("port", "workers", "anonymous", "guests") if key in raw}
    return ServerConfig(
        **given,
        addresses=tuple(raw.get("addresses", ())),
        shares=shares,
        users=users,
        handover=Handover(raw.get("handover", Handover.CLIENT)),
        server_name=raw.get("name", "SERVER"),
        signing_required=raw.get("signing", "required") == "required",
        encryption=Encryption(raw.get("encryption", Encryption.ENABLED)),
        ciphers=tuple(raw.get("ciphers", CIPHERS)),
        rdma=tuple(raw.get("rdma", ())),
        cluster=cluster,
        limits=Limits(**limits),
    )


def cluster_of(node: str, nodes: Mapping[str, str], secret: str, public: Iterable[str]) -> ClusterConfig:
    """`nodes`: "address:port" by name. ValueError: it makes no sense; the text says what."""
    if node not in nodes:
        raise ValueError(f"{node!r} is none of the nodes {', '.join(nodes)}")
    if len(secret) < _SECRET:
        raise ValueError(f"a secret of fewer than {_SECRET} characters")
    listed = []
    for name, place in nodes.items():
        address, _, port = place.rpartition(":")
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"node {name}: {place!r} is not ADDRESS:PORT")
        listed.append(NodeConfig(name, str(ip_address(address.strip("[]"))), int(port)))
    return ClusterConfig(node, tuple(listed), secret, tuple(str(ip_address(one)) for one in public))


class _Reader:
    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()

    def check(self, table: Mapping[str, Any], known: Mapping[str, _Check], where: tuple[str, ...]) -> None:
        for key, value in table.items():
            at = (*where, key)
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(known)}"
                raise SettingsError(f"{self.at(at)}: {'.'.join(at)}: no such key{hint}")
            wrong = known[key](value)
            if wrong is not None:
                raise SettingsError(f"{self.at(at)}: {'.'.join(at)}: {wrong}")

    def share(self, name: str, about: Any) -> ShareConfig:
        where = ("shares", name)
        if type(about) is not dict or "path" not in about:
            raise SettingsError(f"{self.at(where)}: shares.{name}: needs a path")
        self.check(about, _SHARE, where)
        root = (self._path.parent / about["path"]).resolve()
        if not root.is_dir():
            raise SettingsError(f"{self.at((*where, 'path'))}: shares.{name}.path: {root} is no directory")
        return ShareConfig(name, **{**about, "path": str(root)})

    def cluster(self, about: Any) -> ClusterConfig:
        where = ("cluster",)
        self.check(about, _CLUSTER, where)
        missing = [key for key in ("node", "nodes", "secret") if key not in about]
        if missing:
            raise SettingsError(f"{self.at(where)}: cluster: needs {', '.join(missing)}")
        try:
            secret = accounts.private(self._path.parent / about["secret"]).strip()
            return cluster_of(about["node"], about["nodes"], secret, about.get("public", []))
        except (ValueError, accounts.AccountsError) as error:
            raise SettingsError(f"{self.at(where)}: cluster: {error}") from error

    def at(self, where: tuple[str, ...]) -> str:
        """FILE:LINE of a key, or of the table that it is in; FILE alone where it is written in another way."""
        *tables, key = where
        found = None
        within = not tables
        for number, line in enumerate(self._lines, 1):
            header = re.fullmatch(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?", line)
            if header:
                parts = [part.strip(" \"'") for part in header[1].split(".")]
                within = parts == tables
                if parts in (tables, list(where)):
                    found = found or number
            elif within and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
                return f"{self._path}:{number}"
        return f"{self._path}:{found}" if found else str(self._path)
