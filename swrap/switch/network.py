"""The network as the control protocol sees it: one method a command.

Owns the table of commands, the numbers of rules, and how flows and events are told; `interfaces` has the commands
that change the page. Must not know of sockets or JSON lines. Called by `control`.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from swrap._switch import lib
from swrap.abi import lib as abi
from swrap.abi.names import Endpoint
from swrap.abi.page import Page
from swrap.document.suggest import did_you_mean
from swrap.faults import RULINGS
from swrap.faults.effects import Effect
from swrap.faults.ruling import Ruling
from swrap.switch.capture import Capture
from swrap.switch.interfaces import Interfaces
from swrap.switch.iptables.filter import Filter
from swrap.switch.match import CommandError, parse
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
    errno.EBUSY: "held on the way",
    errno.EAGAIN: "backlog full",
}
REFUSAL = {errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "timeout", errno.ENETUNREACH: "unreachable"}

LIFTS: Mapping[str, str | None] = {"unblock": "block", "release": "hold", "heal": None}
"""The commands that take rules back, and whose rules those are; None: anybody's."""

Args = Mapping[str, Any]
Event = dict[str, Any]


class Network:
    """Page and plane together. `emit` gets an event for all that changes the network."""

    def __init__(self, page: Page, plane: Plane, emit: Callable[[Event], None]) -> None:
        self._page = page
        self._plane = plane
        self._emit = emit
        self._hosts = page.hosts()
        self._interfaces = Interfaces(page, plane)
        self._rules: dict[int, str] = {}
        self._at = 0.0
        self._filter = Filter(
            self._hosts, lambda args: int(self.impose("block", args)["rule"]), self._unblock
        )
        self.capture = Capture(plane, emit, self._interfaces.known)
        self._commands: dict[str, tuple[Callable[[Args], Any], tuple[str, ...] | None]] = {
            "ping": (self.ping, ()),
            "interfaces": (self.interfaces, ()),
            "flows": (self.flows, ()),
            **{
                verb: (partial(self._change, verb), takes)
                for verb, (_, takes) in self._interfaces.commands.items()
            },
            "reset": (self.reset, None),
            "seed": (self.seed, ("seed",)),
            **{verb: (partial(self.impose, verb), None) for verb in RULINGS},
            **{verb: (partial(self.lift, verb), ("rule",)) for verb in LIFTS},
            "iptables": (self._filter.command, ("host", "args")),
            **self.capture.commands(),
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
        everything = range(len(self._interfaces.names))
        return [self._interface(i) for i in everything if not self._interfaces.is_loopback(i)]

    def flows(self, _args: Args) -> list[dict[str, Any]]:
        """All flows in the order in which they were opened."""
        return [self._flow(flow) for flow in sorted(self._plane.flows(), key=lambda flow: flow.id)]

    def _change(self, verb: str, args: Args) -> dict[str, Any]:
        """A command of `Interfaces`."""
        touched, told = self._interfaces.commands[verb][0](args)
        self._tell(verb, touched, **told)
        return _said(touched)

    def impose(self, verb: str, args: Args) -> dict[str, Any]:
        """A rule of a fault's verb: the selectors of a match, and what its effect needs."""
        fault = RULINGS[verb]
        options = {key: args[key] for key in args if key in fault.options}
        rest = {key: args[key] for key in args if key not in options}
        for key in rest:
            if key not in fault.selectors:
                known = (*fault.selectors, *fault.options)
                raise CommandError(f"{verb} takes no {key!r}{did_you_mean(key, known)}")
        match = parse(rest, self._interfaces.known)
        effect = _effect(fault, options)
        rule, touched = self._plane.impose(match, effect)
        self._rules[rule] = verb
        self._tell(verb, touched, rule=rule, **args)
        return {"rule": rule, **_said(touched)}

    def lift(self, verb: str, args: Args) -> dict[str, Any]:
        """Take one rule back, or all of those that `verb` speaks of."""
        rule = args.get("rule")
        if rule is not None and type(rule) is not int:
            raise CommandError(f"a rule is a number, not {rule!r}")
        makes = LIFTS[verb]
        mine = [number for number, made in self._rules.items() if makes in (made, None)]
        if rule is not None and rule not in mine:
            other = f", {rule} is of {self._rules[rule]}" if rule in self._rules else ""
            raise CommandError(f"no rule {rule}{f' of {makes}' if other else ''}{other}")
        readdressed = verb == "heal" and rule is None and self._interfaces.restore()
        gone = mine if rule is None else [rule]
        touched = self._plane.lift(gone)
        if readdressed:
            self._plane.addresses()
        for number in gone:
            del self._rules[number]
        if verb == "heal" and rule is None:
            self._filter.forget()
        self._tell(verb, touched, **({} if rule is None else {"rule": rule}))
        return _said(touched)

    def _unblock(self, rule: int) -> None:
        if rule in self._rules:  # somebody may have taken it back by hand
            self.lift("unblock", {"rule": rule})

    def seed(self, args: Args) -> None:
        """What decides chances from now on."""
        seed = args.get("seed")
        if type(seed) is not int or not 0 <= seed < 1 << 64:
            raise CommandError(f"a seed is a number from 0, not {seed!r}")
        self._plane.seed(seed)

    def reset(self, args: Args) -> dict[str, Any]:
        """A RST to both ends of all that matches."""
        touched = self._plane.reset(parse(args, self._interfaces.known))
        self._tell("reset", touched, **args)
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
            event["bytes"] = sum(one.bytes for one in record.counts)
            event["to_server"], event["to_client"] = (one.bytes for one in record.counts)
            event["packets"] = sum(one.packets for one in record.counts)
            event["lost"] = sum(one.lost for one in record.counts)
        else:
            words = SILENCE if record.kind == lib.SW_EV_WAITING else REFUSAL
            event["reason"] = words.get(record.reason, os.strerror(record.reason))
        return event

    def _tell(self, kind: str, touched: Touched | None, **data: Any) -> None:
        self._emit({"kind": kind, "at": self._at, **data, **(_said(touched) if touched else {})})

    def _interface(self, position: int) -> dict[str, Any]:
        raw = self._page.interface(position)
        tx, rx = self._plane.interface_counts(position)
        return {
            "name": self._interfaces.names[position],
            "host": self._hosts[raw.host],
            "up": bool(raw.flags & abi.SW_IF_RUNNING),
            "speed": raw.speed,
            "rate": raw.rate or None,
            "addresses": [str(own.ip) for own in self._interfaces.addresses[position]],
            **{f"tx_{key}": value for key, value in asdict(tx).items()},
            **{f"rx_{key}": value for key, value in asdict(rx).items()},
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
        return list(dict.fromkeys(self._interfaces.names[i] for i in positions))

    def _between(self, record: Record) -> list[int]:
        """The interfaces that have the flow's addresses, the client's first; inside a host there are none."""
        if record.hosts[0] == record.hosts[1]:
            return []
        return [
            i
            for end in record.ends
            for i, has in self._interfaces.addresses.items()
            if any(one.ip == end.ip for one in has)
        ]


def _half(half: Half) -> dict[str, Any]:
    return {**asdict(half.count), "unacked": half.unacked, "blocked": half.blocked}


def _effect(fault: type[Ruling], options: Args) -> Effect:
    for key, value in options.items():
        if fault.options[key]["type"] == "boolean" and not isinstance(value, bool):
            raise CommandError(f"{key} is true or false, not {value!r}")
        if fault.options[key]["type"] != "boolean" and (
            isinstance(value, bool) or not isinstance(value, int | float)
        ):
            raise CommandError(f"{key} is a number, not {value!r}")
    try:
        return fault.effect_of(options)
    except KeyError as error:
        raise CommandError(f"{fault.verb} needs {error.args[0]!r}") from None
    except ValueError as error:
        raise CommandError(str(error)) from None


def _said(touched: Touched) -> dict[str, int]:
    return {"flows": touched.flows, "bytes": touched.bytes}
