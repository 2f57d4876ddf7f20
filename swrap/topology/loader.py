"""A lab file → a Topology, with every problem of it at once, each at its place.

Owns the way from the file's spelling (``schema``) to values (``model``). A scenario's ``lab:`` comes this
way too. Called by ``swrap.lab`` and ``swrap.scenario``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Mapping as Mapped
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Any, TypeVar

from swrap.document import Entry, Mapping, Mark, Node, Problems, Sequence, parse, parse_file, read
from swrap.topology.model import Host, Interface, Limits, Topology, TopologyError, conflicts
from swrap.topology.schema import HOST, INTERFACE, LAB, LIMITS

_T = TypeVar("_T")

_HOST_KEYS = frozenset(HOST["properties"])


def load_lab(path: Path) -> Topology:
    """The network that the file at ``path`` describes. Raises BadInput with all that is wrong with it."""
    problems = Problems()
    return _whole(parse_file(path, problems), problems)


def topology_from(lab: Topology | Mapped[str, Any]) -> Topology:
    """From what would stand in a lab file, or under its ``hosts`` alone. Raises BadInput."""
    if isinstance(lab, Topology):
        return lab
    problems = Problems()
    node = parse(json.dumps(lab if "hosts" in lab else {"hosts": lab}), "lab", problems)
    return _whole(node, problems)


def _whole(node: Node | None, problems: Problems) -> Topology:
    topology = None if node is None else topology_of(node, problems)
    problems.raise_any()
    if topology is None:
        raise AssertionError("a lab without problems and without a topology")
    return topology


def topology_of(node: Node, problems: Problems) -> Topology | None:
    """The network under ``node``; None where ``problems`` grew."""
    before = len(problems)
    read(node, LAB, problems)
    hosts_node = node.get("hosts") if isinstance(node, Mapping) else None
    limits_node = node.get("limits") if isinstance(node, Mapping) else None
    limits = Limits() if limits_node is None else _limits(limits_node, problems)
    hosts: list[Host] = []
    if isinstance(hosts_node, Mapping):
        for entry in hosts_node:
            host = _host(entry, problems)
            if host is not None:
                hosts.append(host)
        for error in conflicts(tuple(hosts)) if hosts else ():
            problems.add(_place(hosts_node, error.where, hosts_node.mark), error.message)
    if len(problems) > before or limits is None:
        return None
    return Topology(tuple(hosts), limits)


def _limits(node: Node, problems: Problems) -> Limits | None:
    found = _sound(node, LIMITS, problems)
    if found is None:
        return None
    values = {key.replace("-", "_"): value for key, value in found.items()}
    return _built(lambda: Limits(**values), problems, node, node.mark)


def _host(entry: Entry, problems: Problems) -> Host | None:
    """One host; an interface that is wrong is left out, so that all others are checked against each other."""
    if not isinstance(entry.value, Mapping):
        return None
    interfaces = []
    for part in entry.value:
        if part.key not in _HOST_KEYS:
            interface = _interface(part, problems)
            if interface is not None:
                interfaces.append(interface)
    own = Mapping(tuple(part for part in entry.value if part.key in _HOST_KEYS), entry.value.mark)
    keys = _sound(own, {"type": "object", "properties": HOST["properties"]}, problems)
    if keys is None:
        keys = {}
    gateway = keys.get("gateway")

    def build() -> Host:
        return Host(
            entry.key,
            tuple(interfaces),
            forward=keys.get("forward", False),
            gateway=None if gateway is None else ip_address(gateway),
        )

    return _built(build, problems, entry.value, entry.mark)


def _interface(entry: Entry, problems: Problems) -> Interface | None:
    value = _sound(entry.value, INTERFACE, problems)
    if value is None:
        return None
    given: dict[str, Any] = dict(value) if isinstance(value, dict) else {"address": value}
    addresses = given.pop("address")
    texts = addresses if isinstance(addresses, list) else [addresses]
    parsed = tuple(ip_interface(text) for text in texts)
    return _built(lambda: Interface(entry.key, parsed, **given), problems, entry.value, entry.mark)


def _sound(node: Node, schema: dict[str, Any], problems: Problems) -> Any:
    """The checked value, or None where it had problems (which the check of the whole file tells as well)."""
    own = Problems()
    value = read(node, schema, own)
    problems.extend(own)
    return None if own else value


def _built(build: Callable[[], _T], problems: Problems, node: Node, key: Mark) -> _T | None:
    """What ``build`` makes, or None, its complaint put where it belongs: below ``node``, or at its key."""
    try:
        return build()
    except TopologyError as error:
        problems.add(_place(node, error.where, key), error.message)
        return None


def _place(node: Node, where: tuple[str | int, ...], otherwise: Mark) -> Mark:
    """The mark of what a TopologyError speaks of: of a value, or of the key where the value is a mapping."""
    mark = otherwise
    for part in where:
        if isinstance(node, Mapping):
            entry = node.entry(str(part))
            if entry is None:
                return mark
            node = entry.value
            mark = entry.mark if isinstance(node, Mapping) else node.mark
        elif part == "address":  # in the short form the value is the address, or a list
            mark = node.mark
        elif isinstance(node, Sequence) and isinstance(part, int):
            node = node.items[part]
            mark = node.mark
    return mark
