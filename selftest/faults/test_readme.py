"""Every fault has its heading in the documentation, and what stands there is what is taken."""

from __future__ import annotations

import re
from ipaddress import ip_interface
from pathlib import Path

import pytest

import swrap.faults
from swrap.document import Mapping, Problems, parse, read
from swrap.faults import FAULTS
from swrap.topology import Host, Interface, Topology

README = Path(swrap.faults.__file__).with_name("README.md").read_text()
SECTIONS = dict(re.findall(r"^### (\S+)\n.*?```yaml\n(.*?)```", README, re.MULTILINE | re.DOTALL))
HOSTS = {"server": "10.0.1.1/24", "laptop": "10.0.1.2/24", "desk": "10.0.1.3/24"}
LAB = Topology(
    tuple(Host(name, (Interface("eth0", (ip_interface(address),)),)) for name, address in HOSTS.items())
)


def test_every_fault_has_its_heading_and_nothing_else_has() -> None:
    assert sorted(SECTIONS) == sorted(FAULTS)


@pytest.mark.parametrize("verb", FAULTS)
def test_the_example_works(verb: str) -> None:
    problems = Problems()
    node = parse(SECTIONS[verb], "README.md", problems)
    assert isinstance(node, Mapping)
    (entry,) = node
    assert entry.key == verb
    value = read(entry.value, FAULTS[verb].schema, problems)
    assert [str(problem) for problem in problems] == []
    assert [*FAULTS[verb].of(value).against(LAB)] == []
