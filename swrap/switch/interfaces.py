"""The commands that change interfaces: carrier, rate, speed, addresses; and the way back to what the lab says.

Owns the page's changing parts: they are written, then the data plane is told, both before the next byte moves.
Must not know of rules. Called by `network`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_interface
from typing import Any

from swrap.abi import lib as abi
from swrap.abi.names import IPAddress
from swrap.abi.page import IPInterface, Page, pack_ip
from swrap.switch.match import CommandError, Match, Names, address, index
from swrap.switch.plane import Plane, Touched
from swrap.topology.model import Interface, TopologyError

Args = Mapping[str, Any]
Addresses = dict[int, list[IPInterface]]
Changed = tuple[Touched, dict[str, Any]]
"""What a command touched, and what its event says."""


class Interfaces:
    """Those of a lab, by their names in the order of the page."""

    def __init__(self, page: Page, plane: Plane) -> None:
        self._page = page
        self._plane = plane
        self.names = page.interfaces()
        raw = [page.interface(i) for i in range(len(self.names))]
        self.known = Names(page.hosts(), self.names, [one.link for one in raw])
        self._rates = [one.rate for one in raw]
        self._speeds = [one.speed for one in raw]
        self._addresses = page.addresses()
        self.addresses = page.addresses()
        self.commands: dict[str, tuple[Callable[[Args], Changed], tuple[str, ...]]] = {
            "link": (self.link, ("interface", "up")),
            "rate": (self.rate, ("interface", "rate")),
            "speed": (self.speed, ("interface", "speed")),
            "add-address": (self.add_address, ("interface", "address")),
            "remove-address": (self.remove_address, ("address",)),
            "move": (self.move, ("address", "to", "reset")),
        }

    def is_loopback(self, position: int) -> bool:
        """Is this one of the hosts' lo?"""
        return bool(self._page.interface(position).flags & abi.SW_IF_LOOPBACK)

    def restore(self) -> bool:
        """All is as the lab says; the flows are to be told. True: addresses changed, the plane is to be told that."""
        for position, name in enumerate(self.names):
            self._page.set_running(name, True)
            self._page.set_rate(name, self._rates[position])
            self._page.set_speed(name, self._speeds[position])
        self._plane.rates()
        if self.addresses == self._addresses:
            return False
        self.addresses = {position: list(own) for position, own in self._addresses.items()}
        self._page.set_addresses(self.addresses)
        return True

    def link(self, args: Args) -> Changed:
        """Pull a cable or put it back."""
        position = self._named(args, "cable")
        up = args.get("up")
        if not isinstance(up, bool):
            raise CommandError("up is true or false")
        touched = self._plane.touch(Match(interface=position))
        self._page.set_running(self.names[position], up)
        self._plane.refresh()
        return touched, {"interface": self.names[position], "up": up}

    def rate(self, args: Args) -> Changed:
        """What an interface carries, in bits per second; None: no limit."""
        position = self._named(args, "rate")
        rate = args.get("rate")
        if rate is not None and not _is_rate(rate):
            raise CommandError(f"a rate is a number of bits per second, or null, not {rate!r}")
        touched = self._plane.touch(Match(interface=position))
        self._page.set_rate(self.names[position], rate)
        self._plane.rates()
        return touched, {"interface": self.names[position], "rate": rate}

    def speed(self, args: Args) -> Changed:
        """What an interface reports, in bits per second."""
        position = self._named(args, "speed")
        speed = args.get("speed")
        if speed is None or not _is_rate(speed):
            raise CommandError(f"a speed is a number of bits per second, not {speed!r}")
        touched = self._plane.touch(Match(interface=position))
        self._page.set_speed(self.names[position], speed)
        return touched, {"interface": self.names[position], "speed": speed}

    def add_address(self, args: Args) -> Changed:
        """One more address."""
        position = self._named(args, "address but its own")
        new = _interface_address(args.get("address"))
        holders = self._holders(new.ip, self.known.links[position])
        if holders:
            raise CommandError(f"{new.ip} is taken: {self.names[holders[0]]} has it")
        try:
            Interface("any", (new,), mtu=self._page.interface(position).mtu)
        except TopologyError as error:
            raise CommandError(error.message) from None
        touched = self._readdress({**self.addresses, position: [*self.addresses[position], new]})
        return touched, {"interface": self.names[position], "address": str(new)}

    def remove_address(self, args: Args) -> Changed:
        """One address less."""
        own, holder = self._held(args)
        touched = self._plane.touch(Match(address=pack_ip(own.ip, self.known.links[holder])))
        self._readdress({**self.addresses, holder: [one for one in self.addresses[holder] if one != own]})
        return touched, {"address": str(own.ip)}

    def move(self, args: Args) -> Changed:
        """An address goes to another interface; `reset`: its established flows end."""
        own, holder = self._held(args)
        to = self._named({"interface": args.get("to")}, "address but its own")
        reset = args.get("reset", False)
        if not isinstance(reset, bool):
            raise CommandError(f"reset is true or false, not {reset!r}")
        match = Match(address=pack_ip(own.ip, self.known.links[holder]), state="established")
        if to == holder:
            raise CommandError(f"{self.names[to]} has {own.ip} already")
        touched = self._plane.reset(match) if reset else self._plane.touch(match)
        self._readdress(
            {
                **self.addresses,
                holder: [one for one in self.addresses[holder] if one != own],
                to: [*self.addresses[to], own],
            }
        )
        return touched, {"address": str(own.ip), "to": self.names[to], "reset": reset}

    def _readdress(self, addresses: Addresses) -> Touched:
        try:
            self._page.set_addresses(addresses)
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.addresses = addresses
        return self._plane.addresses()

    def _named(self, args: Args, lacks: str) -> int:
        if "interface" not in args:
            raise CommandError("say which interface")
        position = index("interface", args["interface"], self.names)
        if self.is_loopback(position):
            raise CommandError(f"lo has no {lacks}")
        return position

    def _holders(self, ip: IPAddress, link: int) -> list[int]:
        """The interfaces that have it; of a link-local address those on this link, or on any if that is 0."""
        on_a_link = link and ip.version == 6 and ip.is_link_local
        return [
            position
            for position, own in self.addresses.items()
            if any(one.ip == ip for one in own) and (not on_a_link or self.known.links[position] == link)
        ]

    def _held(self, args: Args) -> tuple[IPInterface, int]:
        """The address that is meant, as it stands on its interface, which is no lo."""
        ip, link = address(args.get("address", ""), self.known)
        holders = [one for one in self._holders(ip, link) if not self.is_loopback(one)]
        if not holders:
            raise CommandError(f"no interface has the address {ip}")
        if len(holders) > 1:
            raise CommandError(
                f"{ip} is there on several links: say {ip}%{self.names[holders[0]]}, or another"
            )
        return next(one for one in self.addresses[holders[0]] if one.ip == ip), holders[0]


def _is_rate(value: Any) -> bool:
    return type(value) is int and 0 < value < 1 << 63


def _interface_address(value: Any) -> IPInterface:
    if not isinstance(value, str) or "/" not in value:
        raise CommandError(f"an address here has a prefix, such as 10.0.1.9/24, which {value!r} has not")
    try:
        return ip_interface(value)
    except ValueError:
        raise CommandError(f"{value!r} is no IP address with a prefix") from None
