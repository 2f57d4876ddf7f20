"""The filter table of one host: its chains, what commands make of them, and which packets they drop. Pure.

There are two targets, DROP and another chain, so that the order of rules decides nothing: what any rule drops that
can be reached is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from swrap.switch.iptables import parser
from swrap.switch.iptables.parser import Command, Failure, Rule

BUILT_IN = ("INPUT", "FORWARD", "OUTPUT")
DROP = "DROP"
NO_CHAIN = "iptables: No chain/target/match by that name."


class Ports(NamedTuple):
    """From which port, and to which one, a packet is sent; None: any."""

    sport: int | None = None
    dport: int | None = None


Chains = Mapping[str, tuple[Rule, ...]]


@dataclass(frozen=True, slots=True)
class Table:
    """Chains by name: the built-in ones, then those that were made, in their order."""

    chains: Chains

    def do(self, command: Command) -> tuple[Table, str]:
        """The table after the command, and what it prints. Raises Failure, as iptables(8) fails."""
        chains = dict(self.chains)
        if command.chain is not None and command.verb != parser.NEW and command.chain not in chains:
            raise Failure(NO_CHAIN)
        if command.verb == parser.LIST:
            return self, "\n".join(self._listed(name) for name in self._meant(command))
        if command.verb == parser.NEW:
            if command.chain in chains or command.chain in (DROP, None):
                raise Failure("iptables: Chain already exists.")
            chains[command.chain] = ()
        elif command.verb == parser.FLUSH:
            chains |= dict.fromkeys(self._meant(command), ())
        elif command.verb == parser.DELETE_CHAIN:
            for name in self._meant(command):
                if name not in BUILT_IN or command.chain:
                    self._deletable(name)
                    del chains[name]
        elif command.chain is not None and command.rule is not None:
            chains[command.chain] = self._edited(command.verb, command.chain, command.rule)
        return replace(self, chains=chains), ""

    def drops(self, chain: str) -> frozenset[Ports]:
        """The ports of the packets that this chain drops."""
        return frozenset(self._drops(chain, Ports()))

    def _drops(self, chain: str, ports: Ports) -> Iterator[Ports]:
        for rule in self.chains[chain]:
            narrowed = Ports(
                rule.source_port if ports.sport is None else ports.sport,
                rule.destination_port if ports.dport is None else ports.dport,
            )
            if rule.source_port not in (None, narrowed.sport) or rule.destination_port not in (
                None,
                narrowed.dport,
            ):
                continue  # no packet comes from two ports, or goes to two
            if rule.target == DROP:
                yield narrowed
            else:
                yield from self._drops(rule.target, narrowed)

    def _meant(self, command: Command) -> list[str]:
        return list(self.chains) if command.chain is None else [command.chain]

    def _edited(self, verb: str, chain: str, rule: Rule) -> tuple[Rule, ...]:
        rules = self.chains[chain]
        if rule.target != DROP and (rule.target not in self.chains or rule.target in BUILT_IN):
            raise Failure(NO_CHAIN)
        if verb == parser.DELETE:
            if rule not in rules:
                raise Failure("iptables: Bad rule (does a matching rule exist in that chain?).")
            at = rules.index(rule)
            return rules[:at] + rules[at + 1 :]
        if rule.target == chain or chain in self._reached(rule.target):
            raise Failure("iptables: Too many levels of symbolic links.")
        return (rule, *rules) if verb == parser.INSERT else (*rules, rule)

    def _reached(self, chain: str) -> Iterator[str]:
        for rule in self.chains.get(chain, ()):
            yield rule.target
            yield from self._reached(rule.target)

    def _deletable(self, chain: str) -> None:
        if chain in BUILT_IN:
            raise Failure("iptables: Invalid argument. Run `dmesg' for more information.")
        if self.chains[chain]:
            raise Failure("iptables: Directory not empty.")
        if any(rule.target == chain for rules in self.chains.values() for rule in rules):
            raise Failure("iptables: Too many links.")

    def _listed(self, chain: str) -> str:
        references = sum(rule.target == chain for rules in self.chains.values() for rule in rules)
        state = "policy ACCEPT" if chain in BUILT_IN else f"{references} references"
        lines = [f"Chain {chain} ({state})", "target     prot opt source               destination"]
        for rule in self.chains[chain]:
            ports = [f"tcp spt:{rule.source_port}"] if rule.source_port else []
            ports += [f"tcp dpt:{rule.destination_port}"] if rule.destination_port else []
            cells = f"{rule.target:<10} {'tcp' if rule.tcp else 'all':<4} --  anywhere             anywhere"
            lines.append(" ".join([cells, *(f"            {port}" for port in ports)]).rstrip())
        return "\n".join(lines) + "\n"


EMPTY = Table(dict.fromkeys(BUILT_IN, ()))
"""What a host has at first."""
