"""The network as the control protocol sees it: one method a command.

Owns the page's changing parts (carrier, rate) and brings page and data plane in step: the page is written,
then C is told, both before the next byte moves. Must not know of sockets or JSON lines. Called by
`control`.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from swrap._switch import lib
from swrap.abi import ffi as abi_ffi
from swrap.abi import lib as abi
from swrap.abi.names import Endpoint, unpack_ip
from swrap.abi.page import Page
from swrap.document.suggest import did_you_mean
from swrap.switch.match import CommandError, Match, index, parse
from swrap.switch.plane import Flow, Half, Plane, Record, Touched

VERSION = 1
STATES = {
    abi.SW_FLOW_SYN_SENT: "syn-sent",
    abi.SW_FLOW_ESTABLISHED: "established",
    abi.SW_FLOW_FIN_WAIT: "fin-wait",
    abi.SW_FLOW_CLOSE_WAIT: "close-wait",
    abi.SW_FLOW_CLOSED: "closed",
}
KINDS = {
    lib.SW_EV_OPENED: "flow-opened",
    lib.SW_EV_ACCEPTED: "flow-accepted",
    lib.SW_EV_WAITING: "flow-waiting",
    lib.SW_EV_REFUSED: "flow-refused",
    lib.SW_EV_CLOSED: "flow-closed",
}
HOW = {0: "fin", errno.ECONNRESET: "reset", errno.ETIMEDOUT: "timeout", errno.ECANCELED: "abandoned"}
SILENCE = {
    errno.EHOSTUNREACH: "nobody answers for the address",
    errno.ENETDOWN: "no carrier",
    errno.EPERM: "blocked",
    errno.EAGAIN: "backlog full",
}
REFUSAL = {errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "timeout", errno.ENETUNREACH: "unreachable"}

Args = Mapping[str, Any]
Event = dict[str, Any]


class Network:
    """Page and plane together. `emit` gets an event for all that changes the network."""

    def __init__(self, page: Page, plane: Plane, emit: Callable[[Event], None]) -> None:
        self._page = page
        self._plane = plane
        self._emit = emit
        self._hosts = page.hosts()
        self._interfaces = page.interfaces()
        self._rates = [page.interface(i).rate for i in range(len(self._interfaces))]
        self._addresses = _addresses(page)
        self._at = 0.0
        self._commands: dict[str, tuple[Callable[[Args], Any], tuple[str, ...] | None]] = {
            "ping": (self.ping, ()),
            "interfaces": (self.interfaces, ()),
            "flows": (self.flows, ()),
            "link": (self.link, ("interface", "up")),
            "rate": (self.rate, ("interface", "rate")),
            "block": (self.block, None),
            "unblock": (self.unblock, ("rule",)),
            "reset": (self.reset, None),
            "heal": (self.heal, ()),
        }

    def do(self, verb: str, args: Args) -> Any:
        """Carry out one command; its result as JSON. Raises CommandError, and then nothing has changed."""
        if verb not in self._commands:
            known = (*self._commands, "subscribe", "stop")
            raise CommandError(f"no command {verb!r}{did_you_mean(verb, known)}")
        method, takes = self._commands[verb]
        for key in args:
            if takes is not None and key not in takes:
                raise CommandError(f"{verb} takes no {key!r}{did_you_mean(key, takes)}")
        # What happened before the command is told before it, and what follows from it has a later time.
        for event in self.events():
            self._emit(event)
        self._at = time.monotonic()
        return method(args)

    def ping(self, _args: Args) -> dict[str, Any]:
        """Who we are."""
        return {"version": VERSION, "pid": os.getpid(), "lab": self._page.lab}

    def interfaces(self, _args: Args) -> list[dict[str, Any]]:
        """All interfaces but each host's lo; rates and speeds in bits per second, None: no limit."""
        return [self._interface(i) for i in range(len(self._interfaces)) if not self._is_loopback(i)]

    def flows(self, _args: Args) -> list[dict[str, Any]]:
        """All flows in the order in which they were opened."""
        return [self._flow(flow) for flow in sorted(self._plane.flows(), key=lambda flow: flow.id)]

    def link(self, args: Args) -> dict[str, Any]:
        """Pull a cable or put it back."""
        position = self._named(args)
        up = args.get("up")
        if not isinstance(up, bool):
            raise CommandError("up is true or false")
        if self._is_loopback(position):
            raise CommandError("lo has no cable")
        touched = self._plane.touch(Match(interface=position))
        self._page.set_running(self._interfaces[position], up)
        self._plane.refresh()
        self._tell("link", touched, interface=self._interfaces[position], up=up)
        return _said(touched)

    def rate(self, args: Args) -> None:
        """What an interface carries, in bits per second; None: no limit."""
        position = self._named(args)
        rate = args.get("rate")
        if rate is not None and not (type(rate) is int and 0 < rate < 1 << 63):
            raise CommandError(f"a rate is a number of bits per second, or null, not {rate!r}")
        if self._is_loopback(position):
            raise CommandError("lo has no rate")
        self._page.set_rate(self._interfaces[position], rate)
        self._plane.rates()
        self._tell("rate", None, interface=self._interfaces[position], rate=rate)

    def block(self, args: Args) -> dict[str, Any]:
        """A firewall rule that drops silently."""
        match = parse(args, self._hosts, self._interfaces)
        touched = self._plane.touch(match)
        rule = self._plane.block(match)
        self._tell("block", touched, rule=rule, **args)
        return {"rule": rule, **_said(touched)}

    def unblock(self, args: Args) -> dict[str, Any]:
        """Take one rule away, or all."""
        rule = args.get("rule")
        if rule is not None and type(rule) is not int:
            raise CommandError(f"a rule is a number, not {rule!r}")
        held = self._held()
        if rule is not None and (rule <= 0 or self._plane.unblock(rule) == 0):
            raise CommandError(f"no rule {rule}")
        if rule is None:
            self._plane.unblock(None)
        touched = _freed(held, self._held())
        self._tell("unblock", touched, rule=rule)
        return _said(touched)

    def reset(self, args: Args) -> dict[str, Any]:
        """A RST to both ends of all that matches."""
        touched = self._plane.reset(parse(args, self._hosts, self._interfaces))
        self._tell("reset", touched, **args)
        return _said(touched)

    def heal(self, _args: Args) -> dict[str, Any]:
        """Back to health: every cable in, no rules, rates as in the topology."""
        held = self._held()
        for position, name in enumerate(self._interfaces):
            self._page.set_running(name, True)
            self._page.set_rate(name, self._rates[position])
        self._plane.unblock(None)
        self._plane.rates()
        touched = _freed(held, self._held())
        self._tell("heal", touched)
        return _said(touched)

    def events(self) -> Iterator[Event]:
        """What happened to flows since the last call."""
        for record in self._plane.records():
            yield (
                {"kind": "events-lost", "at": time.monotonic(), "count": record}
                if isinstance(record, int)
                else self._event(record)
            )

    def _event(self, record: Record) -> Event:
        event = {
            "kind": KINDS[record.kind],
            "at": record.at,
            "id": record.id,
            **self._who(record.ends, record.hosts),
            "client_ino": record.inodes[0],
            "server_ino": record.inodes[1],
        }
        if record.kind in (lib.SW_EV_OPENED, lib.SW_EV_ACCEPTED):
            event["interfaces"] = self._names(self._between(record))
        elif record.kind == lib.SW_EV_CLOSED:
            event["how"] = HOW.get(record.reason, os.strerror(record.reason))
            event["bytes"] = sum(record.bytes)
            event["to_server"], event["to_client"] = record.bytes
        else:
            words = SILENCE if record.kind == lib.SW_EV_WAITING else REFUSAL
            event["reason"] = words.get(record.reason, os.strerror(record.reason))
        return event

    def _tell(self, kind: str, touched: Touched | None, **data: Any) -> None:
        self._emit({"kind": kind, "at": self._at, **data, **(_said(touched) if touched else {})})

    def _held(self) -> dict[int, int]:
        """The flows that something holds, with their un-acked bytes."""
        return {
            flow.id: sum(half.unacked for half in flow.halves)
            for flow in self._plane.flows()
            if any(half.blocked for half in flow.halves)
        }

    def _named(self, args: Args) -> int:
        if "interface" not in args:
            raise CommandError("say which interface")
        return index("interface", args["interface"], self._interfaces)

    def _is_loopback(self, position: int) -> bool:
        return bool(self._page.interface(position).flags & abi.SW_IF_LOOPBACK)

    def _interface(self, position: int) -> dict[str, Any]:
        raw = self._page.interface(position)
        tx, rx = self._plane.interface_bytes(position)
        return {
            "name": self._interfaces[position],
            "host": self._hosts[raw.host],
            "up": bool(raw.flags & abi.SW_IF_RUNNING),
            "speed": raw.speed,
            "rate": raw.rate or None,
            "addresses": self._addresses.get(position, []),
            "tx_bytes": tx,
            "rx_bytes": rx,
        }

    def _flow(self, flow: Flow) -> dict[str, Any]:
        return {
            "id": flow.id,
            **self._who(flow.ends, flow.hosts),
            "state": STATES.get(flow.states[0], "none"),
            "server_state": STATES.get(flow.states[1], "none"),
            "interfaces": self._names(flow.halves[0].interfaces),
            "client_ino": flow.inodes[0],
            "server_ino": flow.inodes[1],
            "to_server": _half(flow.halves[0]),
            "to_client": _half(flow.halves[1]),
            "opened": flow.opened,
        }

    def _who(self, ends: tuple[Endpoint, Endpoint], hosts: tuple[int, int]) -> dict[str, Any]:
        return {
            "client": str(ends[0]),
            "server": str(ends[1]),
            "client_host": self._host(hosts[0]),
            "server_host": self._host(hosts[1]),
        }

    def _host(self, position: int) -> str | None:
        return self._hosts[position] if position < len(self._hosts) else None

    def _names(self, positions: Iterable[int]) -> list[str]:
        return list(dict.fromkeys(self._interfaces[i] for i in positions))

    def _between(self, record: Record) -> list[int]:
        """The interfaces that have the flow's addresses, the client's first; inside a host there are none."""
        if record.hosts[0] == record.hosts[1]:
            return []
        return [i for end in record.ends for i, has in self._addresses.items() if str(end.ip) in has]


def _addresses(page: Page) -> dict[int, list[str]]:
    """Addresses by interface."""
    found: dict[int, list[str]] = {}
    header = page.address
    table = abi_ffi.cast("struct sw_addr *", abi_ffi.cast("char *", header) + header.addrs)
    for raw in table[0 : header.n_addrs]:
        found.setdefault(raw.iface, []).append(str(unpack_ip(bytes(raw.ip))))
    return found


def _half(half: Half) -> dict[str, Any]:
    return {"bytes": half.bytes, "unacked": half.unacked, "blocked": half.blocked}


def _freed(before: Mapping[int, int], after: Mapping[int, int]) -> Touched:
    """What was held and is no more."""
    freed = [number for number in before if number not in after]
    return Touched(len(freed), sum(before[number] for number in freed))


def _said(touched: Touched) -> dict[str, int]:
    return {"flows": touched.flows, "bytes": touched.bytes}
