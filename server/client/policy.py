"""Which pairs of a local and a remote address are worth a channel, and how many (MS-SMB2 3.2.4.1.7, 3.2.5.5).

Pure functions of what both hosts say of their interfaces. Must not know sockets, sessions or which path
worked yesterday: the caller says what is usable. Called by ``keeper``.

RDMA is not spoken. ``windows``: only the best class (both ends RSS, otherwise the rest), in it only the highest
speed; all such pairs are used, four channels an RSS pair, one any other; RDMA counts as what it is without it.
``linux``: channels go round the server's interfaces by weight of their speed, slow ones included; an interface
without RSS gets one, and one with RDMA none, since Linux does not mix RDMA and TCP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from server.client.local import LocalAddress
from server.wire.ioctl import InterfaceCapability, NetworkInterface

Address = IPv4Address | IPv6Address

RSS_CHANNELS = 4
"""Channels of an RSS pair, one of any other."""
MOST_CHANNELS = 32
"""Of one session; servers have the same limit."""


@dataclass(frozen=True, slots=True)
class Path:
    """A way to the server. ``local`` is the address to bind, None to let routing choose.

    ``interface`` is the local interface that leads there, None if none is on the same link. ``ifindex`` is
    the server's (0: not in its list). ``speed`` in bit/s is that of the slower end, 0 if unknown. ``up``:
    this end's cable is in.
    """

    remote: Address
    local: Address | None = None
    interface: str | None = None
    ifindex: int = 0
    speed: int = 0
    rss: bool = False
    server_rss: bool = False
    server_rdma: bool = False
    up: bool = True

    @property
    def key(self) -> tuple[str | None, Address]:
        """What makes two paths the same way: the rest may change with what the hosts say."""
        return self.interface, self.remote


Usable = Callable[[Path], bool]


def candidates(
    local: Sequence[LocalAddress],
    remote: Iterable[NetworkInterface],
    in_use: Collection[Address] = (),
) -> list[Path]:
    """All paths, the best first: cable in, then RSS, then speed; of equals those ``in_use``, then in the
    server's order.

    A remote address that lies in a local interface's subnet is reached through that interface alone; the
    others by routing, at a speed that only the server vouches for. Left out: IfIndex 0; link-local addresses,
    whose scope the server cannot know; the server's loopback, unless that is how it was reached.
    """
    same_host = any(address.is_loopback for address in in_use)
    paths: list[Path] = []
    for entry in remote:
        if entry.index == 0 or entry.address.is_link_local:
            continue
        if entry.address.is_loopback and not same_host:
            continue
        on_link = [own for own in local if entry.address in own.network]
        rss = bool(entry.capability & InterfaceCapability.RSS)
        rdma = bool(entry.capability & InterfaceCapability.RDMA)
        if not on_link:
            paths.append(
                Path(
                    entry.address,
                    ifindex=entry.index,
                    speed=entry.link_speed,
                    rss=rss,
                    server_rss=rss,
                    server_rdma=rdma,
                )
            )
        ways = {own.interface for own in on_link}
        for own in on_link:
            paths.append(
                Path(
                    remote=entry.address,
                    # With one way to get there, routing takes it; binding would only freeze the address.
                    local=own.address if len(ways) > 1 else None,
                    interface=own.interface,
                    ifindex=entry.index,
                    speed=min(own.speed, entry.link_speed) if own.speed else entry.link_speed,
                    rss=rss and own.rss is not False,
                    server_rss=rss,
                    server_rdma=rdma,
                    up=own.up,
                )
            )
    paths.sort(key=lambda path: (not path.up, not path.rss, -path.speed, path.remote not in in_use))
    return paths


def plan(policy: str, paths: Sequence[Path], usable: Usable, channels: int | None = None) -> dict[Path, int]:
    """How many channels each path should have, by the named policy, the best path first.

    ``paths`` as ``candidates`` gives them; ``usable`` rules out what did not work lately. ``channels``: how
    many in all, None for the policy's own number. Empty when nothing is usable. ValueError: no such policy.
    """
    possible = [path for path in paths if path.up and usable(path)]
    if policy in ("windows", "best"):
        return _windows(possible, channels)
    if policy == "linux":
        return _linux(possible, channels)
    raise ValueError(f"no policy {policy!r}; there are: best, linux, windows")


def _windows(paths: Sequence[Path], channels: int | None) -> dict[Path, int]:
    if not paths:
        return {}
    top = [path for path in paths if path.rss == paths[0].rss]
    top = [path for path in top if path.speed == top[0].speed]
    pairs = list({(path.interface, path.ifindex): path for path in reversed(top)}.values())
    pairs.reverse()  # One address of each pair of interfaces: the first in the list.
    if channels is None:
        channels = len(pairs) * (RSS_CHANNELS if pairs[0].rss else 1)
    share = Counter(number % len(pairs) for number in range(min(channels, MOST_CHANNELS)))
    return {pairs[number]: count for number, count in share.items()}


def _linux(paths: Sequence[Path], channels: int | None) -> dict[Path, int]:
    """Linux looks at what the server says alone, and by default adds one channel to the first."""
    ordered = sorted(
        {path.remote: path for path in reversed(paths) if not path.server_rdma}.values(),
        key=lambda path: (path.server_rss, path.speed, int(path.remote)),
        reverse=True,
    )
    wanted = min(channels or 2, MOST_CHANNELS)
    chosen: dict[Path, int] = {}
    while ordered and sum(chosen.values()) < wanted:
        before = sum(chosen.values())
        slowest = max(1, ordered[-1].speed)
        for path in ordered:
            weight = max(1, path.speed // slowest) if path.server_rss else 1
            room = wanted - sum(chosen.values())
            take = min(weight, room) if path.server_rss else min(1 - chosen.get(path, 0), room)
            if take > 0:
                chosen[path] = chosen.get(path, 0) + take
        if sum(chosen.values()) == before:
            break  # All that is left has its one channel.
    return chosen
