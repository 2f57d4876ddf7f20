"""iptables' words mean what they mean to iptables, as far as they are understood; what is not is refused by its name."""

from __future__ import annotations

import shlex

import pytest

from selftest.switch.driver import Switched, receive, soon
from swrap.switch.client import ControlError
from swrap.switch.iptables.parser import Command, Failure, Rule, parse
from swrap.switch.iptables.table import EMPTY, Ports, Table

BLOCK = "-p tcp --sport 33543 -j DROP"
TORTURE = [
    "-N SMBTORTURE_OUTPUT",
    "-I OUTPUT -j SMBTORTURE_OUTPUT",
    "-F SMBTORTURE_OUTPUT",
    "-N SMBTORTURE_A",
    "-I SMBTORTURE_OUTPUT -j SMBTORTURE_A",
    "-F SMBTORTURE_A",
]


def done(table: Table, *lines: str) -> Table:
    """The table after these commands."""
    for line in lines:
        table, _ = table.do(parse(shlex.split(line)))
    return table


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("-L", Command("-L")),
        ("-n -L OUTPUT", Command("-L", "OUTPUT")),
        ("-t filter -N A", Command("-N", "A")),
        ("--append A --protocol tcp --dport 1 --jump B", Command("-A", "A", Rule("B", True, None, 1))),
        (f"-I A {BLOCK}", Command("-I", "A", Rule("DROP", True, 33543))),
        ("-D A -j B", Command("-D", "A", Rule("B"))),
    ],
)
def test_a_line_is_taken_apart(line: str, command: Command) -> None:
    assert parse(shlex.split(line)) == command


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "no command specified"),
        ("-A", 'option "-A" requires an argument'),
        ("-L A -N B", "Cannot use -N with -L"),
        ("-A A -m state -j DROP", "-m is not understood here"),
        ("-A A -s 10.0.0.1 -j DROP", "-s is not understood here"),
        ("-A A -p udp -j DROP", "-p udp is not understood here: tcp is"),
        ("-A A --sport 445 -j DROP", "without -p tcp"),
        ("-A A -p tcp --sport 0:5 -j DROP", "--sport 0:5 is not understood here"),
        ("-A A", "a rule without -j"),
        ("-t nat -L", "-t is not understood here"),
        ("-N A -j DROP", "Illegal option -j with -N"),
        ("-P OUTPUT DROP", "-P is not understood here"),
    ],
)
def test_what_is_not_understood_is_named(line: str, complaint: str) -> None:
    with pytest.raises(Failure, match=complaint) as failure:
        parse(shlex.split(line))
    assert failure.value.status == 2


@pytest.mark.parametrize(
    ("before", "line", "complaint"),
    [
        ([], "-L SMBTORTURE_OUTPUT", "No chain/target/match by that name"),
        ([], "-I OUTPUT -j NOWHERE", "No chain/target/match by that name"),
        ([], "-A OUTPUT -j INPUT", "No chain/target/match by that name"),
        (["-N A"], "-N A", "Chain already exists"),
        (["-N A", "-A A -j DROP"], "-X A", "Directory not empty"),
        (["-N A", "-A OUTPUT -j A"], "-X A", "Too many links"),
        ([], "-X OUTPUT", "Invalid argument"),
        (["-N A"], f"-D A {BLOCK}", "does a matching rule exist"),
        (["-N A", "-N B", "-A A -j B"], "-A B -j A", "Too many levels"),
    ],
)
def test_it_fails_as_iptables_does(before: list[str], line: str, complaint: str) -> None:
    table = done(EMPTY, *before)
    with pytest.raises(Failure, match=complaint) as failure:
        done(table, line)
    assert failure.value.status == 1


def test_only_what_can_be_reached_is_dropped() -> None:
    table = done(EMPTY, "-N A", f"-A A {BLOCK}")
    assert table.drops("OUTPUT") == frozenset()
    table = done(table, "-N B", "-A OUTPUT -j B", "-A B -p tcp --sport 1 -j A", "-A B -p tcp -j A")
    assert table.drops("OUTPUT") == {Ports(33543)}, "no packet comes from port 1 and from port 33543"
    assert done(table, "-F B").drops("OUTPUT") == frozenset()
    assert done(table, "-A B -j DROP").drops("OUTPUT") == {Ports(33543), Ports()}


def test_the_life_of_smbtortures_chains() -> None:
    table = done(EMPTY, *TORTURE, f"-I SMBTORTURE_A {BLOCK}")
    assert table.drops("OUTPUT") == {Ports(33543)}
    _, listed = table.do(parse(["-L", "SMBTORTURE_A"]))
    assert listed.splitlines()[0] == "Chain SMBTORTURE_A (1 references)"
    assert "tcp spt:33543" in listed
    table = done(table, f"-D SMBTORTURE_A {BLOCK}")
    assert table.drops("OUTPUT") == frozenset()
    gone = ["-D SMBTORTURE_OUTPUT -j SMBTORTURE_A", "-X SMBTORTURE_A", "-D OUTPUT -j SMBTORTURE_OUTPUT"]
    assert done(table, *gone, "-X SMBTORTURE_OUTPUT") == EMPTY


def iptables(lab: Switched, line: str, host: str = "laptop") -> int:
    """The exit status of a command on a host."""
    return int(lab.do("iptables", host=host, args=shlex.split(line))["status"])


def test_what_leaves_is_dropped_and_its_acks_with_it_while_answers_arrive(lab: Switched) -> None:
    client, server = lab.pair()
    port = lab.flow()["client"].rpartition(":")[2]
    block = f"-p tcp --sport {port} -j DROP"
    assert [iptables(lab, line) for line in (*TORTURE, f"-I SMBTORTURE_A {block}")] == [0] * 7
    client.sendall(b"not yet")
    server.sendall(b"a lease break")
    assert receive(client, 13) == b"a lease break"
    soon(lambda: lab.ask(server).unacked == 13 and lab.ask(server).backoff > 0)
    assert lab.unacked("to_server") == 7
    assert iptables(lab, f"-D SMBTORTURE_A {block}") == 0
    assert receive(server, 7) == b"not yet"
    assert lab.ask(server).unacked == 0


@pytest.mark.parametrize(
    ("host", "rule", "stopped"),
    [
        ("laptop", "-A OUTPUT -p tcp --sport {client}", "to_server"),
        ("laptop", "-A OUTPUT -p tcp --dport 445", "to_server"),
        ("laptop", "-A OUTPUT -p tcp --sport {client} --dport 445", "to_server"),
        ("laptop", "-A INPUT -p tcp --sport 445", "to_client"),
        ("server", "-A INPUT -p tcp --sport {client}", "to_server"),
        ("server", "-A OUTPUT -p tcp --dport {client}", "to_client"),
        ("laptop", "-A OUTPUT -p tcp --sport 445", None),
        ("laptop", "-A OUTPUT -p tcp --sport {client} --dport 446", None),
        ("laptop", "-A INPUT -p tcp --sport {client}", None),
        ("server", "-A OUTPUT -p tcp --sport {client}", None),
    ],
)
def test_ports_are_the_senders_and_the_receivers(
    lab: Switched, host: str, rule: str, stopped: str | None
) -> None:
    lab.pair()
    port = lab.flow()["client"].rpartition(":")[2]
    assert iptables(lab, rule.format(client=port) + " -j DROP", host) == 0
    flow = lab.flow()
    assert [way for way in ("to_server", "to_client") if flow[way]["blocked"]] == (
        [stopped] if stopped else []
    )


def test_each_host_has_its_own_chains_and_heal_takes_all_of_them(lab: Switched) -> None:
    assert iptables(lab, "-N A", "laptop") == 0
    assert iptables(lab, "-L A", "server") == 1
    assert iptables(lab, "-A OUTPUT -j DROP", "laptop") == 0
    client = lab.syn("laptop", "10.0.1.2", "10.0.1.1", 445)
    assert lab.ask(client).state == "syn-sent"
    lab.do("heal")
    assert iptables(lab, "-L A", "laptop") == 1
    soon(lambda: lab.ask(client).state == "closed")  # nobody listens


def test_a_rule_that_was_taken_back_by_hand_may_be_deleted(lab: Switched) -> None:
    assert iptables(lab, f"-A OUTPUT {BLOCK}") == 0
    lab.do("unblock")
    assert iptables(lab, f"-D OUTPUT {BLOCK}") == 0


def test_nonsense_changes_nothing(lab: Switched) -> None:
    with pytest.raises(ControlError, match="no host lapto"):
        lab.do("iptables", host="lapto", args=["-L"])
    with pytest.raises(ControlError, match="args is a list of words"):
        lab.do("iptables", host="laptop", args="-L")
    assert iptables(lab, "-Z") == 2
