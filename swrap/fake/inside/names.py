"""Names inside fake processes: the lab's hosts, their interfaces, and the `socket` functions that ask for them."""

from __future__ import annotations

import errno
import socket
import zlib
from typing import Any

from swrap.fake.inside.facade import Replacement, function
from swrap.fake.kernel.address import canonical
from swrap.fake.kernel.file import fail
from swrap.fake.process import Process

_SERVICES = {"http": 80, "https": 443, "microsoft-ds": 445, "ssh": 22, "domain": 53, "smtp": 25, "ftp": 21}
_KINDS = ((socket.SOCK_STREAM, socket.IPPROTO_TCP), (socket.SOCK_DGRAM, socket.IPPROTO_UDP))


class Info(tuple[Any, ...]):
    """An entry of getaddrinfo's list. asyncio puts them into a set, whose order must be the same in every run."""

    __slots__ = ()

    def __hash__(self) -> int:
        return zlib.crc32(repr(tuple(self)).encode())


def _getaddrinfo(
    process: Process, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[Info]:
    number = _port(port)
    found: list[Info] = []
    for ip in _addresses(process, host, flags):
        of = socket.AF_INET6 if ":" in ip else socket.AF_INET
        if family not in (0, of):
            continue
        where = (ip, number) if of == socket.AF_INET else (ip, number, 0, 0)
        for kind, protocol in _KINDS:
            if type in (0, kind) and proto in (0, protocol):
                found.append(Info((of, kind, protocol, "", where)))
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return found


def _addresses(process: Process, host: Any, flags: int) -> list[str]:
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, ""):
        return ["0.0.0.0", "::"] if flags & socket.AI_PASSIVE else ["127.0.0.1", "::1"]  # noqa: S104
    try:
        return [canonical(host)]
    except ValueError:
        if flags & socket.AI_NUMERICHOST:
            return []
    return process.world.fabric.addresses_of(host)


def _port(port: Any) -> int:
    if isinstance(port, bytes):
        port = port.decode()
    if port is None or port == "":
        return 0
    if isinstance(port, str) and not port.isdigit():
        if port not in _SERVICES:
            raise socket.gaierror(socket.EAI_SERVICE, "Servname not supported for ai_socktype")
        return _SERVICES[port]
    return int(port)


def _host_name(process: Process) -> str:
    return process.host.name if process.host is not None else "harness"


def _by_address(process: Process, ip: str) -> str:
    holder = process.world.fabric.holder(canonical(ip), _host_name(process)) if process.host else None
    if holder is None:
        raise socket.herror(1, "Unknown host")
    return holder.name


def _getnameinfo(process: Process, address: Any, flags: int) -> tuple[str, str]:
    ip, port = address[0], address[1]
    if flags & socket.NI_NUMERICHOST:
        return ip, str(port)
    try:
        return _by_address(process, ip), str(port)
    except socket.herror:
        if flags & socket.NI_NAMEREQD:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
        return ip, str(port)


def _gethostbyname(process: Process, name: str) -> str:
    if name == "":
        return "0.0.0.0"  # noqa: S104
    return process.world.fabric.resolve(name, socket.AF_INET, _host_name(process))


def _gethostbyname_ex(process: Process, name: str) -> tuple[str, list[str], list[str]]:
    found = [ip for ip in _addresses(process, name, 0) if ":" not in ip]
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return name, [], found


def _if_nameindex(process: Process) -> list[tuple[int, str]]:
    names = [one.name for one in process.host.described.interfaces] if process.host else []
    return list(enumerate(["lo", *names], 1))


def _if_nametoindex(process: Process, name: str | bytes) -> int:
    wanted = name.decode() if isinstance(name, bytes) else name
    for index, known in _if_nameindex(process):
        if known == wanted:
            return index
    raise OSError("no interface with this name")


def _if_indextoname(process: Process, index: int) -> str:
    for known, name in _if_nameindex(process):
        if known == index:
            return name
    fail(errno.ENXIO)


def replacements() -> list[Replacement]:
    """What stands where."""
    return [
        function(socket, "getaddrinfo", _getaddrinfo),
        function(socket, "getnameinfo", _getnameinfo),
        function(socket, "gethostname", _host_name),
        function(socket, "getfqdn", lambda process, name="": name or _host_name(process)),
        function(socket, "gethostbyname", _gethostbyname),
        function(socket, "gethostbyname_ex", _gethostbyname_ex),
        function(socket, "gethostbyaddr", lambda process, ip: (_by_address(process, ip), [], [ip])),
        function(socket, "if_nameindex", _if_nameindex),
        function(socket, "if_nametoindex", _if_nametoindex),
        function(socket, "if_indextoname", _if_indextoname),
    ]
