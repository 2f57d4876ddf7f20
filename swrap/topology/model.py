"""What a lab's network is made of: plain values that cannot be built wrong.

Owns the shapes and their invariants. Must not know how a file spells them (``loader``), nor how they are
carried out (``abi``, ``switch``, ``fake``). Everybody that deals with a network takes these values.

Units: bits per second, bytes (mtu), seconds. The loopback interface of each host is implicit and not listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

from swrap.document.suggest import did_you_mean

HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
INTERFACE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
"""15 bytes at most: IFNAMSIZ less the NUL (netdevice(7))."""

MAX_HOSTS = 65_534
MAX_INTERFACES = 65_533
"""Of one host: an ifindex has 16 bits on the page, 0 is nobody and 1 is lo."""

MIN_MTU, MAX_MTU = 68, 65_535  # RFC 791's least; the most that an IPv4 total length can say
MIN_MTU_V6 = 1280  # RFC 8200, 5


class TopologyError(ValueError):
    """A value that no network can have. ``where`` leads to it: names and indices, from outside inwards."""

    def __init__(self, message: str, where: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.where = where


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface of one host.

    ``speed`` is what it reports (ethtool(8)), ``rate`` what it carries (None: no limit), both in bits per
    second; ``delay`` is added in each direction, in seconds; ``rss``: more than one receive queue; ``rdma``
    is reported only.
    """

    name: str
    addresses: tuple[IPv4Interface | IPv6Interface, ...]
    speed: int = 1_000_000_000
    rate: int | None = None
    rss: bool = False
    rdma: bool = False
    mtu: int = 1500
    delay: float = 0.0

    def __post_init__(self) -> None:
        if not INTERFACE_NAME.fullmatch(self.name):
            raise TopologyError(
                f"{self.name!r} cannot name an interface: letters, digits, _, -, ., at most 15"
            )
        if self.name == "lo":
            raise TopologyError("every host has its own lo already")
        for index, address in enumerate(self.addresses):
            problem = _address_problem(address)
            if problem:
                raise TopologyError(f"{address} {problem}", ("address", index))
            if address.version == 6 and self.mtu < MIN_MTU_V6:
                raise TopologyError(f"IPv6 needs an mtu of {MIN_MTU_V6} bytes at least", ("mtu",))
        if self.speed <= 0:
            raise TopologyError("a speed is more than 0 bits per second", ("speed",))
        if self.rate is not None and self.rate <= 0:
            raise TopologyError("a rate is more than 0 bits per second; link-down stops all", ("rate",))
        if not MIN_MTU <= self.mtu <= MAX_MTU:
            raise TopologyError(f"an mtu is {MIN_MTU} to {MAX_MTU} bytes", ("mtu",))
        if self.delay < 0:
            raise TopologyError("a delay is not negative", ("delay",))


@dataclass(frozen=True, slots=True)
class Host:
    """A host: its interfaces in the order of their ifindex (lo, which is not listed, comes first).

    ``forward`` makes it a router between its segments; ``gateway`` is where all else goes.
    """

    name: str
    interfaces: tuple[Interface, ...]
    forward: bool = False
    gateway: IPv4Address | IPv6Address | None = None

    def __post_init__(self) -> None:
        if not HOST_NAME.fullmatch(self.name):
            raise TopologyError(
                f"{self.name!r} cannot name a host: letters, digits, - and _ inside, at most 63"
            )
        if len(self.interfaces) > MAX_INTERFACES:
            raise TopologyError(f"a host has at most {MAX_INTERFACES} interfaces")
        seen: set[str] = set()
        for interface in self.interfaces:
            if interface.name in seen:
                raise TopologyError(f"host {self.name} has {interface.name} twice", (interface.name,))
            seen.add(interface.name)
        networks = [address.network for interface in self.interfaces for address in interface.addresses]
        if self.gateway is not None and not any(self.gateway in network for network in networks):
            raise TopologyError(f"gateway {self.gateway} is on no segment of host {self.name}", ("gateway",))

    def interface(self, name: str) -> Interface:
        """The interface called ``name``. Raises KeyError, with a suggestion."""
        for interface in self.interfaces:
            if interface.name == name:
                return interface
        known = [f"{self.name}.{interface.name}" for interface in self.interfaces]
        raise KeyError(f"no interface {self.name}.{name}" + did_you_mean(f"{self.name}.{name}", known))


@dataclass(frozen=True, slots=True)
class Limits:
    """When the network gives up, in seconds.

    ``syn_timeout``: a connect into silence fails with ETIMEDOUT (127 s are tcp_syn_retries 6, tcp(7)).
    ``retransmit_timeout``: established data without an ACK does (924.6 s are tcp_retries2 15).
    """

    syn_timeout: float = 127.0
    retransmit_timeout: float = 924.6

    def __post_init__(self) -> None:
        if self.syn_timeout <= 0:
            raise TopologyError("a time-out is more than 0 seconds", ("syn-timeout",))
        if self.retransmit_timeout <= 0:
            raise TopologyError("a time-out is more than 0 seconds", ("retransmit-timeout",))


@dataclass(frozen=True, slots=True)
class Topology:
    """A whole network. Interfaces whose addresses share a subnet hang on one segment."""

    hosts: tuple[Host, ...]
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        for error in conflicts(self.hosts):
            raise error

    def host(self, name: str) -> Host:
        """The host called ``name``. Raises KeyError, with a suggestion."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(f"no host {name}" + did_you_mean(name, (host.name for host in self.hosts)))

    def interface(self, name: str) -> Interface:
        """The interface called ``name``, as ``"server.eth0"``. Raises KeyError, with a suggestion."""
        host_name, dot, interface_name = name.partition(".")
        known = self.interface_names()
        if not dot:
            raise KeyError(f"{name!r} is no interface: write HOST.INTERFACE" + did_you_mean(name, known))
        if name not in known:
            raise KeyError(f"no interface {name}" + did_you_mean(name, known))
        return self.host(host_name).interface(interface_name)

    def interface_names(self) -> tuple[str, ...]:
        """All interfaces as ``"server.eth0"``, host by host in the order of the file."""
        return tuple(f"{host.name}.{interface.name}" for host in self.hosts for interface in host.interfaces)

    def links(self) -> dict[str, int]:
        """The number of each interface's segment, from 1, by its name."""
        return segments(self.hosts)

    @property
    def link_local(self) -> bool:
        """Has any interface a link-local address?"""
        return any(_is_local(a) for host in self.hosts for i in host.interfaces for a in i.addresses)

    def owner(self, address: IPv4Address | IPv6Address) -> str | None:
        """The interface that has ``address``, as ``"server.eth0"``, or None.

        A link-local one may have the name of an interface as its scope: ``fe80::1%laptop.eth0`` is the one that is
        on the segment of that interface.
        """
        scope = getattr(address, "scope_id", None)
        links = {} if scope is None else self.links()
        for host in self.hosts:
            for interface in host.interfaces:
                here = f"{host.name}.{interface.name}"
                known = scope is None or (scope in links and links[scope] == links[here])
                if known and any(own.ip == unscoped(address) for own in interface.addresses):
                    return here
        return None


def unscoped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The address without its scope."""
    return IPv6Address(address.packed) if isinstance(address, IPv6Address) else address


def _is_local(address: IPv4Interface | IPv6Interface) -> bool:
    """fe80::/10, which needs a scope; 169.254.0.0/16 is as any other subnet."""
    return isinstance(address, IPv6Interface) and address.ip.is_link_local


def segments(hosts: tuple[Host, ...]) -> dict[str, int]:
    """The number of each interface's segment, from 1, in the order of the file.

    Link-local addresses say nothing of segments: they are in the same subnet on all of them.
    """
    parent: dict[str, str] = {}

    def first(name: str) -> str:
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    networks: list[tuple[IPv4Network | IPv6Network, str]] = []
    wide: tuple[IPv4Network | IPv6Network, str] | None = None
    for host in hosts:
        for interface in host.interfaces:
            here = f"{host.name}.{interface.name}"
            parent[here] = here
            networks += [(one.network, here) for one in interface.addresses if not _is_local(one)]
    # Networks overlap only where one holds the other; in this order the widest comes first.
    networks.sort(key=lambda one: (one[0].version, int(one[0].network_address), one[0].prefixlen))
    for network, here in networks:
        if wide is None or not network.overlaps(wide[0]):
            wide = (network, here)
        parent[first(here)] = first(wide[1])
    numbers: dict[str, int] = {}
    return {name: numbers.setdefault(first(name), len(numbers) + 1) for name in parent}


def conflicts(hosts: tuple[Host, ...]) -> Iterator[TopologyError]:
    """All that is wrong between otherwise right hosts, in the order of the file."""
    if not 1 <= len(hosts) <= MAX_HOSTS:
        yield TopologyError(f"a lab has 1 to {MAX_HOSTS} hosts")
    names: set[str] = set()
    owners: dict[IPv4Address | IPv6Address, str] = {}
    local: dict[tuple[int, IPv4Address | IPv6Address], str] = {}
    links = segments(hosts)
    for host in hosts:
        if host.name in names:
            yield TopologyError(f"host {host.name} is there twice", (host.name,))
        names.add(host.name)
        for interface in host.interfaces:
            here = f"{host.name}.{interface.name}"
            for index, address in enumerate(interface.addresses):
                where = (host.name, interface.name, "address", index)
                if _is_local(address):
                    other = local.setdefault((links[here], address.ip), here)
                    if other != here:
                        yield TopologyError(f"{address.ip} is taken on that segment: {other} has it", where)
                elif address.ip in owners:
                    yield TopologyError(f"{address.ip} is taken: {owners[address.ip]} has it", where)
                else:
                    owners[address.ip] = here
    routers = [interface for host in hosts if host.forward for interface in host.interfaces]
    forwarding = {address.ip for interface in routers for address in interface.addresses}
    for host in hosts:
        if host.gateway is not None and host.gateway not in forwarding:
            holder = owners.get(host.gateway, "").partition(".")[0]
            why = f"{holder} has it but does not `forward: true`" if holder else "no host has it"
            yield TopologyError(f"gateway {host.gateway} forwards nothing: {why}", (host.name, "gateway"))


def _address_problem(address: IPv4Interface | IPv6Interface) -> str | None:
    """Why no interface can have ``address``, or None."""
    if isinstance(address, IPv6Interface):
        if address.scope_id is not None:
            return "has a scope; its interface says that already"
        if address.ip.ipv4_mapped is not None:
            return f"is IPv4 in disguise; write {address.ip.ipv4_mapped}"
    if address.ip.is_unspecified:
        return "is no address of anybody"
    if address.ip.is_multicast:
        return "is a multicast address"
    if _is_local(address) and address.network.prefixlen != 64:
        return f"is link-local, whose subnet is fe80::/64: write {address.ip}/64"
    if address.ip.is_loopback:
        return "is a loopback address; every host's lo has those already"
    network = address.network
    if isinstance(address, IPv4Interface) and network.prefixlen < 31:
        if address.ip == network.network_address:
            return f"is the subnet itself; did you mean {network.network_address + 1}/{network.prefixlen}?"
        if address.ip == network.broadcast_address:
            return "is the subnet's broadcast address"
    return None
