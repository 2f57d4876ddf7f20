"""The tables of all hosts, and the network's rules that bring what they drop in force.

A rule that drops in OUTPUT drops what leaves the host, one in INPUT what comes to it; nothing passes FORWARD.
Called by `network`, whose rules it makes and takes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from swrap.switch.iptables.parser import Failure, parse
from swrap.switch.iptables.table import EMPTY, Ports, Table
from swrap.switch.match import CommandError, index

Args = Mapping[str, Any]
Drop = tuple[str, str, Ports]
"""Host, direction, ports."""

DIRECTIONS = {"OUTPUT": "out", "INPUT": "in"}


class Filter:
    """`impose` makes a rule that blocks what its arguments select, and gives its number; `lift` takes it back."""

    def __init__(
        self, hosts: Sequence[str], impose: Callable[[Args], int], lift: Callable[[int], None]
    ) -> None:
        self._hosts = hosts
        self._impose = impose
        self._lift = lift
        self._tables: dict[str, Table] = {}
        self._rules: dict[Drop, int] = {}

    def command(self, args: Args) -> dict[str, Any]:
        """The words `args` of a command line on `host`: its `status`, and what it writes to `out` and `error`."""
        host, words = args.get("host"), args.get("args")
        index("host", host, self._hosts)
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise CommandError("args is a list of words")
        try:
            table, out = self._tables.get(str(host), EMPTY).do(parse(words))
        except Failure as failure:
            return {"status": failure.status, "out": "", "error": failure.message}
        self._tables[str(host)] = table
        self._enforce(str(host), table)
        return {"status": 0, "out": out, "error": ""}

    def forget(self) -> None:
        """The network is healed: no host has any chains, and no rules are ours."""
        self._tables.clear()
        self._rules.clear()

    def _enforce(self, host: str, table: Table) -> None:
        wanted = {
            (host, direction, ports)
            for chain, direction in DIRECTIONS.items()
            for ports in table.drops(chain)
        }
        for drop in sorted(wanted - self._rules.keys(), key=str):
            ports = {key: port for key, port in drop[2]._asdict().items() if port is not None}
            self._rules[drop] = self._impose({"host": host, "direction": drop[1], **ports})
        for drop in [one for one in self._rules if one[0] == host and one not in wanted]:
            self._lift(self._rules.pop(drop))
