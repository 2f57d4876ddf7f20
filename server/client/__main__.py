"""``python -m server.client ls|get|put|rm|mv|mkdir //HOST[:PORT]/SHARE/PATH …``: the client on the command line.

Owns arguments, exit codes and what is printed: 0 done, 1 the server or the network said no, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from server.client.client import Client
from server.client.errors import ClientError
from server.client.options import Options
from server.client.progress import Display
from server.client.scheduler import SCHEDULING
from server.wire.errors import WireError


@dataclass(frozen=True, slots=True)
class Target:
    """//HOST[:PORT]/SHARE[/PATH]; HOST may be an IPv6 address in brackets."""

    host: str
    port: int
    share: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """ArgumentTypeError: not of that form."""
        where = text.replace("\\", "/").removeprefix("smb:")
        host, _, rest = where.removeprefix("//").partition("/")
        share, _, path = rest.partition("/")
        if not where.startswith("//") or not host or not share:
            raise argparse.ArgumentTypeError(f"{text!r} is not //HOST[:PORT]/SHARE/PATH")
        port = "445"
        if host.startswith("["):
            host, _, tail = host[1:].partition("]")
            port = tail.removeprefix(":") or port
        elif ":" in host:
            host, _, port = host.partition(":")
        if not port.isdigit():
            raise argparse.ArgumentTypeError(f"{text!r}: {port!r} is no port")
        return cls(host, int(port), share, path)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m server.client", description=__doc__)
    parser.add_argument("--user", metavar="[DOMAIN/]NAME[%PASSWORD]", default=getpass.getuser())
    parser.add_argument("--policy", choices=("windows", "linux", "best"), default="windows")
    parser.add_argument(
        "--channels", type=int, metavar="N", help="how many in all; the policy's number if left out"
    )
    parser.add_argument("--scheduling", choices=SCHEDULING, default=SCHEDULING[0])
    parser.add_argument("--encrypt", action="store_true", help="encrypt everything, asked or not")
    verbs = parser.add_subparsers(dest="verb", required=True)
    ls = verbs.add_parser("ls", help="list a directory")
    ls.add_argument("target", type=Target.parse, metavar="//HOST/SHARE/PATH")
    get = verbs.add_parser("get", help="read a file")
    get.add_argument("target", type=Target.parse, metavar="//HOST/SHARE/PATH")
    get.add_argument("file", type=Path, nargs="?", help="where to; the same name here if left out")
    put = verbs.add_parser("put", help="write a file")
    put.add_argument("file", type=Path)
    put.add_argument("target", type=Target.parse, metavar="//HOST/SHARE/PATH")
    for name, doc in (("rm", "delete a file or an empty directory"), ("mkdir", "make a directory")):
        one = verbs.add_parser(name, help=doc)
        one.add_argument("target", type=Target.parse, metavar="//HOST/SHARE/PATH")
    mv = verbs.add_parser("mv", help="rename a file or a directory")
    mv.add_argument("target", type=Target.parse, metavar="//HOST/SHARE/PATH")
    mv.add_argument("name", metavar="PATH", help="the new name, from the share's root")
    return parser


def options_of(given: argparse.Namespace) -> Options:
    name, has_password, password = given.user.partition("%")
    domain, _, user = name.replace("\\", "/").rpartition("/")
    if not has_password:
        password = os.environ.get("PASSWD") or getpass.getpass(f"password of {name}: ")
    target: Target = given.target
    return Options(
        target.host,
        user,
        password,
        domain,
        target.port,
        encrypt=given.encrypt,
        policy=given.policy,
        scheduling=given.scheduling,
        channels=given.channels,
    )


def chunks_of(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as source:
        while chunk := source.read(size):
            yield chunk


async def change(client: Client, given: argparse.Namespace) -> None:
    share, path = given.target.share, given.target.path
    if given.verb == "rm":
        await client.remove(share, path)
    elif given.verb == "mkdir":
        await client.mkdir(share, path)
    else:
        await client.rename(share, path, given.name)


async def run(given: argparse.Namespace) -> None:
    options, target = options_of(given), given.target
    display = Display(sys.stderr)
    async with Client(options, observer=display.event) as client:
        await client.login()
        if given.verb == "ls":
            for entry in await client.listdir(target.share, target.path):
                when = datetime.fromtimestamp(entry.written / 1e9, UTC).strftime("%Y-%m-%d %H:%M")
                print(f"{'d' if entry.directory else '-'} {entry.size:>14,} {when} {entry.name}")
            return
        if given.verb in ("rm", "mkdir", "mv"):
            await change(client, given)
            return
        await client.connect_channels()
        if given.verb == "put":
            name = (
                target.path
                if target.path and not target.path.endswith("/")
                else target.path + given.file.name
            )
            total = given.file.stat().st_size
            with display.copying(name, client):
                chunks = chunks_of(given.file, options.chunk)
                copied = await client.put(target.share, name, chunks, total, display.progress)
        else:
            local = given.file or Path(target.path.rpartition("/")[2])
            with display.copying(target.path, client), local.open("wb") as sink:
                copied = await client.get(target.share, target.path, sink.write, display.progress)
        rate = copied.bytes / max(copied.seconds, 1e-9) / 1e6
        print(f"{copied.bytes:,} bytes in {copied.seconds:.1f} s ({rate:.1f} MB/s), sha256 {copied.sha256}")


def main(argv: list[str] | None = None) -> int:
    parser = arguments()
    given = parser.parse_args(argv)
    try:
        asyncio.run(run(given))
    except (ClientError, WireError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
