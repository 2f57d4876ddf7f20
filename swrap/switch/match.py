"""Which traffic a command means: its arguments, checked and turned into the page's indices.

Owns the way from the selectors of the control protocol, which are those of `swrap.faults.match`, to the page's
indices. Must not know how packets are compared with them: that is rule.c. Called by `network`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from swrap.abi.names import IPAddress
from swrap.abi.page import pack_ip
from swrap.document.suggest import did_you_mean
from swrap.faults.match import FIELDS, SELECTORS, Direction, State

_Value = TypeVar("_Value")


class CommandError(ValueError):
    """A command that cannot be done; nothing has changed. The message is for the person who sent it."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a lab's things are called, in the order of the page; `links` are the segments of the interfaces."""

    hosts: Sequence[str]
    interfaces: Sequence[str]
    links: Sequence[int]


@dataclass(frozen=True, slots=True)
class Match:
    """Indices into the page; an address as its 16 bytes. What is None may be anything.

    A link-local address without a link is meant on any.
    """

    interface: int | None = None
    hosts: frozenset[int] | None = None
    address: bytes | None = None
    port: int | None = None
    between: tuple[frozenset[int], frozenset[int]] | None = None
    flow: int | None = None
    direction: Direction = "both"
    state: State = "any"
    sport: int | None = None
    dport: int | None = None


def parse(args: Mapping[str, Any], names: Names) -> Match:
    """The match that `args` spells. Raises CommandError; at least one selector must be given."""
    for key in args:
        if key not in FIELDS:
            raise CommandError(f"nothing is selected by {key!r}{did_you_mean(key, FIELDS)}")
    given = {key: value for key, value in args.items() if value is not None}
    if not any(key in given for key in SELECTORS):
        raise CommandError(f"say which traffic: {', '.join(SELECTORS)}")
    interface = given.get("interface")
    if isinstance(interface, str) and "." not in interface and isinstance(given.get("host"), str):
        interface = f"{given['host']}.{interface}"

    def optional(key: str, read: Callable[[Any], _Value]) -> _Value | None:
        return read(given[key]) if key in given else None

    return Match(
        interface=None if interface is None else index("interface", interface, names.interfaces),
        hosts=optional("host", lambda value: _set(value, names.hosts)),
        address=optional("address", lambda value: pack_ip(*address(value, names))),
        port=optional("port", _port),
        between=optional("between", lambda value: _between(value, names.hosts)),
        flow=optional("flow", _flow),
        direction=_word("direction", given.get("direction", "both"), get_args(Direction)),
        sport=optional("sport", _port),
        dport=optional("dport", _port),
        state=_word("state", given.get("state", "any"), get_args(State)),
    )


def index(what: str, name: Any, known: Sequence[str]) -> int:
    """Where `name` stands in `known`. Raises CommandError with a suggestion."""
    if not isinstance(name, str):
        raise CommandError(f"{what} is a name, not {name!r}")
    try:
        return known.index(name)
    except ValueError:
        raise CommandError(f"no {what} {name}{did_you_mean(name, known)}") from None


def address(value: Any, names: Names) -> tuple[IPAddress, int]:
    """An address and its link: of a link-local one the segment of the interface in its scope; 0 without one."""
    plain, percent, scope = value.partition("%") if isinstance(value, str) else (repr(value), "", "")
    try:
        found = ipaddress.ip_address(plain)
    except ValueError:
        raise CommandError(f"{value!r} is no IP address") from None
    if not percent:
        return found, 0
    if found.version == 4 or not found.is_link_local:
        raise CommandError(f"{plain} has no scope: only a link-local address is one of a link")
    return found, names.links[index("interface", scope, names.interfaces)]


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
        raise CommandError(f"a port is 1 to 65535, not {value!r}")
    return value


def _flow(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 64:
        raise CommandError(f"a flow is a number from 1, not {value!r}")
    return value


def _between(value: Any, hosts: Sequence[str]) -> tuple[frozenset[int], frozenset[int]]:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise CommandError(f"between takes two hosts, or two lists of them, not {value!r}")
    return _set(value[0], hosts), _set(value[1], hosts)


def _set(value: Any, hosts: Sequence[str]) -> frozenset[int]:
    names = value if isinstance(value, (list, tuple)) else [value]
    if not names:
        raise CommandError("a list of hosts is not empty")
    return frozenset(index("host", name, hosts) for name in names)


def _word(what: str, value: Any, known: tuple[Any, ...]) -> Any:
    if value not in known:
        raise CommandError(f"{what} is {', '.join(known[:-1])} or {known[-1]}, not {value!r}")
    return value
