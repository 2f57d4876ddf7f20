"""The ``format`` words of our schemas: text that means something more than text.

Owns the table from a format's name to the function that checks and converts. A function takes the scalar's
value, returns what it means as a JSON value, and raises ValueError with a sentence. ``read`` calls it; a
schema names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any

from swrap.document import units


def _interface_address(value: Any) -> str:
    """An address with its prefix length, ``10.0.1.1/24``; the text itself is what it converts to."""
    text = str(value)
    plain, slash, prefix = text.partition("/")
    try:
        address = ip_address(plain)
    except ValueError:
        raise ValueError(f"{text!r} is not an address with a prefix, such as 10.0.1.1/24") from None
    bits = address.max_prefixlen
    if not slash:
        usual = 24 if bits == 32 else 64
        raise ValueError(f"{text} has no prefix length; did you mean {text}/{usual}?")
    if not prefix.isdecimal() or int(prefix) > bits:
        raise ValueError(f"/{prefix} is no prefix of an IPv{address.version} address: 0 to {bits}")
    return text


def _address(value: Any, version: int | None = None) -> str:
    try:
        address = ip_address(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is not an address, such as 10.0.1.1 or fd00::1") from None
    if version not in (None, address.version):
        raise ValueError(f"{value} is not an IPv{version} address")
    return str(address)


def _regex(value: Any) -> str:
    try:
        re.compile(str(value))
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return str(value)


FORMATS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "size": units.size,
        "rate": units.rate,
        "duration": units.duration,
        "chance": units.chance,
        "interface-address": _interface_address,
        "address": _address,
        "ipv4": partial(_address, version=4),
        "ipv6": partial(_address, version=6),
        "regex": _regex,
    }
)
"""A format that is not here says nothing, as JSON Schema has it."""

NUMBERS = frozenset({"size", "rate", "duration", "chance"})
"""Text in these converts to a number, so that it fits where the schema asks for one."""

SIZE = {"type": ["integer", "string"], "format": "size", "title": "a size such as 64MiB"}
RATE = {"type": ["integer", "string"], "format": "rate", "title": "a rate in bits per second such as 80M"}
DURATION = {"type": ["number", "string"], "format": "duration", "title": "a time such as 3s or 250ms"}
CHANCE = {"type": ["number", "string"], "format": "chance", "title": "a chance such as 1% or 0.01"}
"""Ready-made schemas of a value in units."""
