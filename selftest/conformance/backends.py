"""What the promises are kept on: the kernel's own network, the shim without a switch, the shim with one.

Each has two hosts, `server` and `laptop`, with the interfaces and addresses of `selftest.support.network`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from selftest.support.network import TOPOLOGY, Hosts, Network, network
from swrap.abi import lib
from swrap.switch.client import control_call
from swrap.topology import Topology


class Backend(Hosts):
    """Two hosts, and programs that are started there. `portable` asks for less."""

    name: str
    """`kernel`, `direct` or `switched`."""

    def address(self, family: str, host: str = "server") -> str:
        """The address of `host` on its eth0, in `ipv4` or `ipv6`."""
        return _address(family, host)

    @property
    def two_hosts(self) -> bool:
        """Is the laptop another host than the server?"""
        return True

    @contextlib.contextmanager
    def silent(self) -> Iterator[dict[str, str]]:
        """While open, an address that answers nobody: SILENT in this environment, where the back end has one."""
        yield {}


class Shim(Backend):
    """The hosts of a lab."""

    def __init__(self, name: str, lab: Network) -> None:
        self.name = name
        self.lab = lab

    def start(self, host: str, argv: list[str | Path], **options: Any) -> subprocess.Popen[str]:
        options["env"] = {**self.lab.environment(host), **options.get("env", {})}
        return self.lab.start(host, argv, **options)

    @contextlib.contextmanager
    def silent(self) -> Iterator[dict[str, str]]:
        if self.name == "direct":
            yield {}
            return
        control_call(self.lab.directory, "block", address=_address("ipv4", "laptop"))
        yield {"SILENT": f"{_address('ipv4', 'laptop')}:445"}
        control_call(self.lab.directory, "heal")


class Kernel(Backend):
    """The kernel's own TCP and UDP: two namespaces joined by cables, or this machine's loopback where we may have none."""

    name = "kernel"

    def __init__(self, prefixes: dict[str, list[str]]) -> None:
        self._prefixes = prefixes

    @property
    def two_hosts(self) -> bool:
        return bool(self._prefixes)

    def address(self, family: str, host: str = "server") -> str:
        return _address(family, host) if self._prefixes else {"ipv4": "127.0.0.1", "ipv6": "::1"}[family]

    def start(self, host: str, argv: list[str | Path], **options: Any) -> subprocess.Popen[str]:
        parent = os.getpid()

        def prepare() -> None:
            if lib.sw_die_with_parent(parent):
                os._exit(126)

        variables = [f"{name}={value}" for name, value in options.pop("env", {}).items()]
        return subprocess.Popen(
            [*self._prefixes.get(host, []), "env", *variables, *map(str, argv)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=prepare,
            **options,
        )


def _address(family: str, host: str) -> str:
    first = TOPOLOGY.host(host).interfaces[0].addresses
    return str(next(one.ip for one in first if f"ipv{one.version}" == family))


def _hold(stack: ExitStack, prefix: list[str]) -> int:
    """A process in fresh namespaces that lives as long as its stdin is open; its pid."""
    command = [*prefix, "sh", "-c", "echo here; exec cat"]
    holder = stack.enter_context(
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    stack.callback(holder.stdin.close)
    if holder.stdout.readline() != b"here\n":
        raise PermissionError("no namespace of our own")
    return holder.pid


def _cable(prefixes: dict[str, list[str]], laptop: int, topology: Topology) -> None:
    """Give both hosts the interfaces and addresses of the topology."""
    names = [one.name for one in topology.host("server").interfaces]
    batch = {host: ["link set lo up"] for host in prefixes}
    batch["server"] += [f"link add {name} type veth peer name {name} netns {laptop}" for name in names]
    for host, lines in batch.items():
        for one in topology.host(host).interfaces:
            lines += [f"addr add {a} dev {one.name} {'nodad' * (a.version == 6)}" for a in one.addresses]
            lines += [f"link set {one.name} addrgenmode none", f"link set {one.name} up"]
        command = [*prefixes[host], "ip", "-batch", "-"]
        done = subprocess.run(command, input="\n".join(lines), text=True, capture_output=True)
        if done.returncode != 0:
            raise PermissionError(done.stderr)


@contextlib.contextmanager
def kernel(topology: Topology = TOPOLOGY) -> Iterator[Kernel]:
    """The kernel's own network; nothing of the machine's is seen or touched where namespaces can be had."""
    user = ["--user", "--map-root-user"] if os.geteuid() else []
    same = ["--user", "--preserve-credentials"] if os.geteuid() else []
    with ExitStack() as stack:
        try:
            if not all(map(shutil.which, ("ip", "nsenter", "unshare"))):
                raise PermissionError("iproute2 or util-linux is missing")
            server = _hold(stack, ["unshare", *user, "--net"])
            prefixes = {"server": ["nsenter", f"--target={server}", *same, "--net"]}
            laptop = _hold(stack, [*prefixes["server"], "unshare", "--net"])
            prefixes["laptop"] = ["nsenter", f"--target={laptop}", *same, "--net"]
            _cable(prefixes, laptop, topology)
        except PermissionError:
            prefixes = {}
        yield Kernel(prefixes)


@contextlib.contextmanager
def shim(name: str, directory: Path, topology: Topology = TOPOLOGY) -> Iterator[Shim]:
    """A lab in a fresh `directory`, without a switch if it is `direct`."""
    with network(directory, direct=name == "direct", topology=topology) as lab:
        yield Shim(name, lab)


BACKENDS: dict[str, Callable[[Path], AbstractContextManager[Backend]]] = {
    "kernel": lambda _: kernel(),
    "direct": partial(shim, "direct"),
    "switched": partial(shim, "switched"),
}

LOCAL_BACKENDS: dict[str, Callable[[Path, Topology], AbstractContextManager[Backend]]] = {
    "kernel": lambda _, topology: kernel(topology),
    "direct": partial(shim, "direct"),
    "switched": partial(shim, "switched"),
}
"""The same, with other addresses."""
