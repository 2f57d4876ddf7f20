"""The page of a lab: written from a topology, mapped, and kept in step while the network changes.

Created by the lab before anything runs; afterwards the switch's control side is its only writer.
"""

from __future__ import annotations

import ipaddress
import mmap
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from swrap.abi import ffi, lib, options
from swrap.topology import Host, Interface, Topology

IPInterface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
RSS_RINGS = 8
SPARE = 256
"""Room for addresses that interfaces get while the lab runs."""

LOOPBACK_MTU = 65536
LOOPBACK = (ipaddress.IPv4Interface("127.0.0.1/8"), ipaddress.IPv6Interface("::1/128"))


class Page:
    """A mapped page. `address` is the `struct sw_page *` for the C side."""

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        fd = os.open(path, os.O_RDWR if write else os.O_RDONLY)
        try:
            self._map = mmap.mmap(fd, 0, prot=mmap.PROT_READ | (mmap.PROT_WRITE if write else 0))
        finally:
            os.close(fd)
        self._buffer = ffi.from_buffer(self._map, require_writable=write)
        self.address: Any = ffi.cast("struct sw_page *", self._buffer)
        if len(self._map) < ffi.sizeof("struct sw_page") or self.address.magic != lib.SW_PAGE_MAGIC:
            self.close()
            raise ValueError(f"{path}: not the page of a lab")

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Page:
        """Map an existing page; OSError where there is none, ValueError where the file is something else."""
        return cls(path, write=write)

    @classmethod
    def create(cls, path: Path, topology: Topology, *, direct: bool = False) -> Page:
        """Write a new page (mode 0600) with a fresh lab id and key, and map it for writing.

        The lab's options file is made beside it.
        """
        options.create(path.with_name(options.NAME))
        content = _compose(topology, direct=direct)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
        return cls(path, write=True)

    @property
    def lab(self) -> str:
        """The lab's id: 8 hex digits, part of every name."""
        return bytes(ffi.string(self.address.lab)).decode()

    @property
    def direct(self) -> bool:
        """True where there is no switch and programs connect straight to each other."""
        return bool(self.address.flags & lib.SW_DIRECT)

    def hosts(self) -> list[str]:
        """The names of the hosts, in the order of their indices."""
        table = self._table("struct sw_host", self.address.hosts)
        return [_string(table[i].name) for i in range(self.address.n_hosts)]

    def interfaces(self) -> list[str]:
        """`host.interface` of every interface, lo included, in the order of their indices."""
        hosts = self.hosts()
        table = self._table("struct sw_iface", self.address.ifaces)
        return [f"{hosts[table[i].host]}.{_string(table[i].name)}" for i in range(self.address.n_ifaces)]

    def interface_index(self, name: str) -> int:
        """The index of `server.eth0`; KeyError if there is none."""
        try:
            return self.interfaces().index(name)
        except ValueError:
            raise KeyError(name) from None

    def interface(self, index: int) -> Any:
        """The `struct sw_iface` at this index, as it is now."""
        return self._table("struct sw_iface", self.address.ifaces)[index]

    def host(self, index: int) -> Any:
        """The `struct sw_host` at this index."""
        return self._table("struct sw_host", self.address.hosts)[index]

    def address_record(self, index: int) -> Any:
        """The `struct sw_addr` at this index, as it is now."""
        return self._table("struct sw_addr", self.address.addrs)[index]

    def set_running(self, name: str, running: bool) -> None:
        """Give the interface its carrier, or take it away."""
        interface = self.interface(self.interface_index(name))
        with self._writing():
            if running:
                interface.flags |= lib.SW_IF_RUNNING
            else:
                interface.flags &= ~lib.SW_IF_RUNNING

    def set_rate(self, name: str, rate: int | None) -> None:
        """Change what the interface carries, in bits per second; None is unlimited."""
        interface = self.interface(self.interface_index(name))
        with self._writing():
            interface.rate = rate or 0

    def set_speed(self, name: str, speed: int) -> None:
        """Change what the interface reports, in bits per second."""
        interface = self.interface(self.interface_index(name))
        with self._writing():
            interface.speed = speed

    def addresses(self) -> dict[int, list[IPInterface]]:
        """The addresses of each interface, by its index, lo's included; in the order of the table."""
        found: dict[int, list[IPInterface]] = {i: [] for i in range(self.address.n_ifaces)}
        for i in range(self.address.n_addrs):
            raw = self.address_record(i)
            found[raw.iface].append(_unpacked(raw))
        return found

    def set_addresses(self, addresses: Mapping[int, Sequence[IPInterface]]) -> None:
        """Give each interface, by its index, its addresses. Raises ValueError where there is no room for so many."""
        header = self.address
        count = sum(map(len, addresses.values()))
        if count > (header.by_ip - header.addrs) // ffi.sizeof("struct sw_addr"):
            raise ValueError(f"a lab gets at most {SPARE} addresses more than it started with")
        rows: list[dict[str, Any]] = []
        first: list[int] = []
        for index in range(header.n_hosts):
            host = self.host(index)
            first.append(len(rows))
            for iface in range(host.first_iface, host.first_iface + host.n_ifaces):
                link = self.interface(iface).link
                rows += [_address(address, index, iface, link) for address in addresses[iface]]
        first.append(len(rows))
        table = ffi.new("struct sw_addr[]", rows)
        order = ffi.new("uint32_t[]", _order(rows))
        with self._writing():
            ffi.memmove(self._table("struct sw_addr", header.addrs), table, ffi.sizeof(table))
            ffi.memmove(self._table("uint32_t", header.by_ip), order, ffi.sizeof(order))
            for index in range(header.n_hosts):
                host = self.host(index)
                host.first_addr = first[index]
                host.n_addrs = first[index + 1] - first[index]
            header.n_addrs = count

    def close(self) -> None:
        """Unmap. The pointers that were handed out are void from now on."""
        ffi.release(self._buffer)
        self._map.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        lib.sw_page_write_begin(self.address)
        try:
            yield
        finally:
            lib.sw_page_write_end(self.address)

    def _table(self, kind: str, offset: int) -> Any:
        return ffi.cast(f"{kind} *", ffi.cast("char *", self.address) + offset)


def _string(raw: Any) -> str:
    return bytes(ffi.string(raw)).decode()


def _compose(topology: Topology, *, direct: bool) -> bytes:
    """The bytes of the page: header, then hosts, interfaces, addresses, and the order of the addresses by IP."""
    hosts: list[dict[str, Any]] = []
    interfaces: list[dict[str, Any]] = []
    addresses: list[dict[str, Any]] = []
    links = topology.links()
    for host_index, host in enumerate(topology.hosts):
        rows = [
            _loopback(),
            *(_row(interface, len(interfaces) + 1 + n) for n, interface in enumerate(host.interfaces)),
        ]
        owned = [LOOPBACK, *(interface.addresses for interface in host.interfaces)]
        hosts.append(
            {
                "name": host.name.encode(),
                "first_iface": len(interfaces),
                "n_ifaces": len(rows),
                "first_addr": len(addresses),
                "n_addrs": sum(map(len, owned)),
                "gateway": _gateway(host, links),
                "flags": lib.SW_HOST_FORWARD if host.forward else 0,
            }
        )
        for ifindex, (row, its) in enumerate(zip(rows, owned, strict=True), start=1):
            link = links.get(f"{host.name}.{row['name'].decode()}", 0) & 0xFFFF
            addresses += [_address(address, host_index, len(interfaces), link) for address in its]
            interfaces.append({**row, "host": host_index, "ifindex": ifindex, "link": link})
    order = _order(addresses)
    parts = [
        ("hosts", bytes(ffi.buffer(ffi.new("struct sw_host[]", hosts)))),
        ("ifaces", bytes(ffi.buffer(ffi.new("struct sw_iface[]", interfaces)))),
        ("addrs", bytes(ffi.buffer(ffi.new("struct sw_addr[]", addresses + [{}] * SPARE)))),
        ("by_ip", bytes(ffi.buffer(ffi.new("uint32_t[]", order + [0] * SPARE)))),
    ]
    header = ffi.new(
        "struct sw_page *",
        {
            "magic": lib.SW_PAGE_MAGIC,
            "flags": lib.SW_DIRECT if direct else 0,
            "lab": secrets.token_hex(4).encode(),
            "key": secrets.token_bytes(16),
            "n_hosts": len(hosts),
            "n_ifaces": len(interfaces),
            "n_addrs": len(addresses),
        },
    )
    body = b""
    for name, table in parts:
        setattr(header, name, ffi.sizeof("struct sw_page") + len(body))
        body += table + bytes(-len(table) % 8)
    header.size = ffi.sizeof("struct sw_page") + len(body)
    return bytes(ffi.buffer(header)) + body


def _order(addresses: Sequence[Mapping[str, Any]]) -> list[int]:
    return sorted(range(len(addresses)), key=lambda i: bytes(addresses[i]["ip"]))


def _unpacked(raw: Any) -> IPInterface:
    return ipaddress.ip_interface((unpack_ip(bytes(raw.ip)), raw.prefix))


def _gateway(host: Host, links: Mapping[str, int]) -> bytes:
    """The 16 bytes of a host's gateway, which is on one of its segments; zeros where there is none."""
    if host.gateway is None:
        return bytes(16)
    for interface in host.interfaces:
        if any(host.gateway in address.network for address in interface.addresses):
            local = host.gateway.version == 6 and host.gateway.is_link_local
            return pack_ip(host.gateway, links[f"{host.name}.{interface.name}"] if local else 0)
    raise AssertionError("a host's gateway is on one of its segments")


def _row(interface: Interface, index: int) -> dict[str, Any]:
    flags = lib.SW_IF_UP | lib.SW_IF_RUNNING
    flags |= lib.SW_IF_RSS if interface.rss else 0
    flags |= lib.SW_IF_RDMA if interface.rdma else 0
    return {
        "name": interface.name.encode(),
        "flags": flags,
        "mtu": interface.mtu,
        "rings": RSS_RINGS if interface.rss else 1,
        "speed": interface.speed,
        "rate": interface.rate or 0,
        "delay": round(interface.delay * 1e9),
        # 02 marks an address as locally administered.
        "mac": bytes((2, 0x53, 0x57)) + index.to_bytes(3, "big"),
    }


def _loopback() -> dict[str, Any]:
    flags = lib.SW_IF_UP | lib.SW_IF_RUNNING | lib.SW_IF_LOOPBACK
    return {"name": b"lo", "flags": flags, "mtu": LOOPBACK_MTU, "rings": 1}


def _address(address: IPInterface, host: int, iface: int, link: int) -> dict[str, Any]:
    return {
        "ip": pack_ip(address.ip, link),
        "iface": iface,
        "host": host,
        "prefix": address.network.prefixlen,
        "v6": address.version == 6,
    }


def pack_ip(address: ipaddress.IPv4Address | ipaddress.IPv6Address, link: int = 0) -> bytes:
    """The 16 bytes of an address, IPv4 in its mapped form; a link-local one of IPv6 with its link (page.h)."""
    if address.version == 4:
        return bytes(10) + b"\xff\xff" + address.packed
    if link and address.is_link_local:
        return address.packed[:2] + link.to_bytes(2, "big") + address.packed[4:]
    return address.packed


def unpack_ip(raw: bytes) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """16 bytes as they stand in the page and in names; IPv4 comes back as IPv4, link-local without its link."""
    address = ipaddress.IPv6Address(raw)
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return ipaddress.IPv6Address(raw[:2] + bytes(2) + raw[4:]) if address.is_link_local else address
