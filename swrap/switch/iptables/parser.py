"""A command line of iptables(8) → what it asks for. Pure.

Owns the grammar: -L -N -X -F -A -I -D, with -p, --sport, --dport and -j. All else is refused by its name: a rule that
is understood half would drop the wrong packets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LIST, NEW, DELETE_CHAIN, FLUSH, APPEND, INSERT, DELETE = "-L", "-N", "-X", "-F", "-A", "-I", "-D"
LONG = {
    "--list": LIST,
    "--new-chain": NEW,
    "--delete-chain": DELETE_CHAIN,
    "--flush": FLUSH,
    "--append": APPEND,
    "--insert": INSERT,
    "--delete": DELETE,
    "--protocol": "-p",
    "--source-port": "--sport",
    "--destination-port": "--dport",
    "--jump": "-j",
    "--numeric": "-n",
}
ON_RULES = (APPEND, INSERT, DELETE)
COMMANDS = (LIST, NEW, DELETE_CHAIN, FLUSH, *ON_RULES)
LONGEST = 28
"""Characters of a chain's name (XT_EXTENSION_MAXNAMELEN - 1)."""


class Failure(Exception):
    """iptables would print this and end with this status: 1, or 2 where the command line makes no sense to it."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Rule:
    """What it matches (None: anything), and what becomes of that: DROP, or another chain."""

    target: str
    tcp: bool = False
    source_port: int | None = None
    destination_port: int | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """One of COMMANDS; `chain` may be absent where all are meant, `rule` is there for ON_RULES alone."""

    verb: str
    chain: str | None = None
    rule: Rule | None = None


def parse(words: Sequence[str]) -> Command:
    """Raises Failure with status 2 for what is not understood."""
    left = iter(words)
    verb = chain = None
    said: dict[str, str] = {}
    for word in left:
        option = LONG.get(word, word)
        if option in COMMANDS:
            if verb is not None:
                raise Failure(f"Cannot use {option} with {verb}", 2)
            verb, chain = option, _argument(option, left, optional=option in (LIST, FLUSH, DELETE_CHAIN))
        elif option in ("-p", "--sport", "--dport", "-j"):
            if option in said:
                raise Failure(f"multiple {option} not allowed", 2)
            said[option] = _argument(option, left) or ""
        elif option != "-n" and not (option == "-t" and next(left, None) == "filter"):
            raise Failure(f"{word} is not understood here: -p tcp, --sport, --dport and -j are", 2)
    if verb is None:
        raise Failure("no command specified", 2)
    if chain is not None and (len(chain) > LONGEST or chain.startswith("-")):
        raise Failure(f"chain name {chain!r} is too long or begins with -", 2)
    return Command(verb, chain, _rule(verb, said))


def _argument(option: str, left: Iterator[str], *, optional: bool = False) -> str | None:
    found = next(left, None)
    if found is None and not optional:
        raise Failure(f'option "{option}" requires an argument', 2)
    return found


def _rule(verb: str, said: dict[str, str]) -> Rule | None:
    if verb not in ON_RULES:
        if said:
            raise Failure(f"Illegal option {next(iter(said))} with {verb}", 2)
        return None
    if "-j" not in said:
        raise Failure("a rule without -j does nothing, and is not understood here", 2)
    protocol = said.get("-p")
    if protocol not in (None, "tcp"):
        raise Failure(f"-p {protocol} is not understood here: tcp is", 2)
    ports = {option: _port(option, said[option]) for option in ("--sport", "--dport") if option in said}
    if ports and protocol is None:
        raise Failure(f'unknown option "{next(iter(ports))}" (without -p tcp)', 2)
    return Rule(said["-j"], protocol is not None, ports.get("--sport"), ports.get("--dport"))


def _port(option: str, word: str) -> int:
    if not word.isdecimal() or not 0 < int(word) < 65536:
        raise Failure(f"{option} {word} is not understood here: a port from 1 to 65535 is", 2)
    return int(word)
