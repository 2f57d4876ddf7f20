"""Which traffic a command means: its arguments, checked and turned into the page's indices.

Owns the selectors of the control protocol (`host`, `interface`, `address`, `port`, `between`, `direction`).
Must not know how flows are compared with them: that is rule.c. Called by `network`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from swrap.abi.page import pack_ip
from swrap.document.suggest import did_you_mean

SELECTORS = ("interface", "host", "address", "port", "between")
DIRECTIONS: tuple[Literal["out", "in", "both"], ...] = ("out", "in", "both")
_Value = TypeVar("_Value")


class CommandError(ValueError):
    """A command that cannot be done; nothing has changed. The message is for the person who sent it."""


@dataclass(frozen=True, slots=True)
class Match:
    """Indices into the page; an address as its 16 bytes. What is None may be anything."""

    interface: int | None = None
    host: int | None = None
    address: bytes | None = None
    port: int | None = None
    between: tuple[int, int] | None = None
    direction: Literal["out", "in", "both"] = "both"


def parse(args: Mapping[str, Any], hosts: Sequence[str], interfaces: Sequence[str]) -> Match:
    """The match that `args` spells. Raises CommandError; at least one selector must be given."""
    known = (*SELECTORS, "direction")
    for key in args:
        if key not in known:
            raise CommandError(f"nothing is selected by {key!r}{did_you_mean(key, known)}")
    given = {key: value for key, value in args.items() if value is not None}
    if not any(key in given for key in SELECTORS):
        raise CommandError(f"say which traffic: {', '.join(SELECTORS)}")
    direction = given.get("direction", "both")
    if direction not in DIRECTIONS:
        raise CommandError(f"direction is in, out or both, not {direction!r}")
    interface = given.get("interface")
    if isinstance(interface, str) and "." not in interface and isinstance(given.get("host"), str):
        interface = f"{given['host']}.{interface}"

    def optional(key: str, read: Callable[[Any], _Value]) -> _Value | None:
        return read(given[key]) if key in given else None

    return Match(
        interface=None if interface is None else index("interface", interface, interfaces),
        host=optional("host", lambda value: index("host", value, hosts)),
        address=optional("address", _address),
        port=optional("port", _port),
        between=optional("between", lambda value: _between(value, hosts)),
        direction=direction,
    )


def index(what: str, name: Any, known: Sequence[str]) -> int:
    """Where `name` stands in `known`. Raises CommandError with a suggestion."""
    if not isinstance(name, str):
        raise CommandError(f"{what} is a name, not {name!r}")
    try:
        return known.index(name)
    except ValueError:
        raise CommandError(f"no {what} {name}{did_you_mean(name, known)}") from None


def _address(value: Any) -> bytes:
    try:
        return pack_ip(ipaddress.ip_address(value if isinstance(value, str) else repr(value)))
    except ValueError:
        raise CommandError(f"{value!r} is no IP address") from None


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
        raise CommandError(f"a port is 1 to 65535, not {value!r}")
    return value


def _between(value: Any, hosts: Sequence[str]) -> tuple[int, int]:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise CommandError(f"between takes two hosts, not {value!r}")
    return index("host", value[0], hosts), index("host", value[1], hosts)
