"""The actor ``smb-server``: our server, driven verb by verb. ``python -m server.actor.server``
 Owns the translation between verbs and ``server.app``, and what a scenario may ask of a share's directory.
Must not know networks or scenarios.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from server.actor.content import content, size_of
from server.actor.protocol import VARIABLE, ActorChannel, ActorError, Progress
from server.app import Prepared, Server, dispose, prepare
from server.config import ClusterConfig, Encryption, Handover, ServerConfig, ShareConfig, UserConfig
from server.log import Log
from server.settings import cluster_of
from server.wire.ntlm import nt_hash

_CHUNK = 1 << 20
_KNOWN = (
    "port",
    "addresses",
    "shares",
    "users",
    "workers",
    "name",
    "rdma",
    "signing",
    "encryption",
    "handover",
    "cluster",
)

Args = Mapping[str, Any]
Result = Mapping[str, Any]


class ServerActor:
    """One server, made by ``start``."""

    def __init__(self, channel: ActorChannel, prepared: Prepared, common: Path) -> None:
        """`common`: a directory that all actors of the run have."""
        self._channel = channel
        self._common = common
        self._prepared = prepared
        self._server: Server | None = None
        self._roots: dict[str, Path] = {}

    def verbs(self) -> dict[str, Any]:
        return {
            "start": self.start,
            "files": self.files,
            "make": self.make,
            "sha256": self.sha256,
            "processes": self.processes,
        }

    async def start(self, args: Args, _progress: Progress) -> Result:
        """Serve as the scenario's `with:` says. Gives the addresses listened on."""
        unknown = args.keys() - set(_KNOWN)
        if unknown:
            raise ActorError(f"smb-server does not know {', '.join(sorted(unknown))}")
        config = self._config(args)
        log = Log(sys.stderr).bind(actor="smb-server", pid=os.getpid())
        self._server = Server(self._prepared, config, events=self._channel, log=log)
        try:
            listening = self._server.start()
        except OSError as error:
            raise ActorError(str(error.strerror)) from error
        return {"listening": [f"{address} port {port}" for address, port in listening]}

    def _config(self, args: Args) -> ServerConfig:
        shares = []
        for name, about in (args.get("shares") or {}).items():
            given = (about or {}).get("path")
            common = bool((about or {}).get("common", False))
            own = self._common if common else self._prepared.runtime
            root = Path(given) if given else own / "shares" / name
            if not given:
                root.mkdir(parents=True, exist_ok=common)
            elif not root.is_dir():
                raise ActorError(f"share {name}: {root} is no directory")
            self._roots[name] = root.resolve()
            encrypt = bool((about or {}).get("encrypt", False))
            shares.append(ShareConfig(name, str(root.resolve()), encrypt=encrypt))
        users = [
            UserConfig(name, nt_hash(str(password)).hex())
            for name, password in (args.get("users") or {}).items()
        ]
        return ServerConfig(
            port=args.get("port", 445),
            addresses=tuple(args.get("addresses") or ()),
            shares=tuple(shares),
            users=tuple(users),
            workers=args.get("workers", 2),
            handover=Handover(args.get("handover", Handover.CLIENT)),
            server_name=args.get("name", "SERVER"),
            signing_required=args.get("signing", "required") == "required",
            rdma=tuple(args.get("rdma") or ()),
            encryption=Encryption(args.get("encryption", Encryption.ENABLED)),
            cluster=_cluster(args["cluster"]) if "cluster" in args else None,
        )

    async def files(self, args: Args, _progress: Progress) -> Result:
        root = self._root(args["share"])
        return {"files": await asyncio.to_thread(_listed, root)}

    async def make(self, args: Args, _progress: Progress) -> Result:
        path = self._path(args)
        size, seed = size_of(args["size"]), int(args.get("seed", 0))
        return {"sha256": await asyncio.to_thread(_make, path, size, seed)}

    async def sha256(self, args: Args, _progress: Progress) -> Result:
        size, digest = await asyncio.to_thread(_hash, self._path(args))
        return {"sha256": digest, "bytes": size}

    async def processes(self, _args: Args, _progress: Progress) -> Result:
        return {"processes": self._server.processes() if self._server is not None else []}

    async def stop(self) -> None:
        """The runner is gone, or has enough."""
        if self._server is not None:
            await self._server.stop()

    def _root(self, share: str) -> Path:
        root = self._roots.get(share)
        if root is None:
            raise ActorError(f"no share {share!r}; there are: {', '.join(sorted(self._roots))}")
        return root

    def _path(self, args: Args) -> Path:
        """A file of a share; both kinds of slashes will do."""
        root = self._root(args["share"])
        path: Path = (root / str(args["path"]).replace("\\", "/").lstrip("/")).resolve()
        if not path.is_relative_to(root):
            raise ActorError(f"{args['path']} leads out of the share")
        return path


def _cluster(about: Args) -> ClusterConfig:
    try:
        return cluster_of(about["node"], about["nodes"], about["secret"], about.get("public", ()))
    except ValueError as error:
        raise ActorError(f"cluster: {error}") from error


def _listed(root: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            size, digest = _hash(path)
            found[path.relative_to(root).as_posix()] = {"size": size, "sha256": digest}
    return found


def _hash(path: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def _make(path: Path, size: int, seed: int) -> str:
    digest = hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for piece in content(seed, size):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


async def serve(prepared: Prepared, common: Path) -> None:
    try:
        channel = await ActorChannel.open("smb-server")
        actor = ServerActor(channel, prepared, common)
        await channel.serve(actor.verbs(), actor.stop)
    finally:
        await dispose(prepared)


def main() -> int:
    number = os.environ.get(VARIABLE, "")
    if not number.isdigit():
        print(f"{VARIABLE} is not set: smb-server is started by a scenario, not by hand", file=sys.stderr)
        return 2
    # The workers must not hold the runner's socket: its end of file has to mean ours.
    asyncio.run(serve(prepare([int(number)]), Path(tempfile.gettempdir())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
