"""`swrap iptables` from inside a host is that host's firewall: what it prints, how it ends, and what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

from selftest.support.commands import here, swrap

COMMAND = f"{sys.executable} -m swrap.cli iptables"


def on_laptop(lab: Path, script: str) -> list[str]:
    """The lines that a shell inside `laptop` writes."""
    done = swrap("exec", "--lab", lab, "--host", "laptop", "--", "/bin/sh", "-c", script)
    return [line.rstrip() for line in (done.stdout + done.stderr).splitlines()]


def test_a_program_in_a_host_makes_chains_and_rules(running_lab: Path) -> None:
    block = "-p tcp --sport 33543 -j DROP"
    script = f"""
        i() {{ {COMMAND} "$@"; echo $?; }}
        i -L TORTURE; i -N TORTURE; i -I OUTPUT -j TORTURE; i -I TORTURE {block}; i -L TORTURE; i -m state
    """
    assert on_laptop(running_lab, script)[:8] == [
        "1",
        "0",
        "0",
        "0",
        "Chain TORTURE (1 references)",
        "target     prot opt source               destination",
        "DROP       tcp  --  anywhere             anywhere             tcp spt:33543",
        "0",
    ]
    assert here("iptables", "--host", "laptop", "-L", "TORTURE").returncode == 0
    assert here("iptables", "--host", "server", "-L", "TORTURE").returncode == 1
    refused = here("iptables", "--host", "laptop", "-A", "OUTPUT", "-m", "state", "-j", "DROP")
    assert (refused.returncode, "-m is not understood here" in refused.stderr) == (2, True)
