"""A lab file becomes a network; whatever is wrong with it is told all at once, each thing at its place."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_interface
from pathlib import Path

import pytest

from swrap.document import BadInput
from swrap.topology import Host, Interface, Limits, Topology, load_lab
from swrap.topology.spelled import spelled

LAB = """\
hosts:
  server:
    eth0: {address: 10.0.1.1/24, speed: 10G, rss: true, rate: 80M, mtu: 9000, delay: 5ms}
    wlan0: {address: [10.0.2.1/24, "fd00:2::1/64"], speed: 300M, rdma: true}
  laptop:
    eth0: 10.0.1.2/24
    wlan0: [10.0.2.2/24, "fd00:2::2/64"]
  router:
    forward: true
    eth0: 10.0.1.254/24
  leaf:
    gateway: 10.0.1.254
    eth0: 10.0.1.9/24
limits: {syn-timeout: 3s}
"""


def load(tmp_path: Path, text: str) -> Topology:
    file = tmp_path / "lab.yaml"
    file.write_text(text)
    return load_lab(file)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        load(tmp_path, text)
    return [str(problem).removeprefix(f"{tmp_path / 'lab.yaml'}:") for problem in caught.value.problems]


def addresses(*texts: str) -> tuple[object, ...]:
    return tuple(ip_interface(text) for text in texts)


def test_short_and_long_forms_mean_the_same_network(tmp_path: Path) -> None:
    lab = load(tmp_path, LAB)
    assert lab.interface("server.eth0") == Interface(
        "eth0",
        (ip_interface("10.0.1.1/24"),),
        speed=10**10,
        rate=8 * 10**7,
        rss=True,
        mtu=9000,
        delay=0.005,
    )
    assert lab.interface("server.wlan0").addresses == addresses("10.0.2.1/24", "fd00:2::1/64")
    assert lab.interface("laptop.eth0") == Interface("eth0", (ip_interface("10.0.1.2/24"),))
    assert lab.interface("laptop.wlan0").addresses == addresses("10.0.2.2/24", "fd00:2::2/64")
    assert lab.host("router") == Host("router", (lab.interface("router.eth0"),), forward=True)
    assert lab.host("leaf").gateway == ip_address("10.0.1.254")
    assert lab.limits == Limits(syn_timeout=3.0)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("hosts:", "hots:", "1:1: unknown key 'hots'; did you mean 'hosts'?"),
        ("rss: true", "rs: true", "unknown key 'rs'; did you mean 'rss'?"),
        ("10.0.1.2/24", "10.0.1.1/24", "6:11: 10.0.1.1 is taken: server.eth0 has it"),
        ('"fd00:2::2/64"]', '"fd00:2::1/64"]', "7:26: fd00:2::1 is taken: server.wlan0 has it"),
        ("10.0.1.2/24", "10.0.1.2", "6:11: 10.0.1.2 has no prefix length; did you mean 10.0.1.2/24?"),
        ("10.0.1.2/24", "10.0.1.2/99", "6:11: /99 is no prefix of an IPv4 address: 0 to 32"),
        ("10.0.1.2/24", "10.0.1.0/24", "6:11: 10.0.1.0/24 is the subnet itself; did you mean 10.0.1.1/24?"),
        ("10G", "10Gbyte", "3:41: unknown unit 'Gbyte' of a rate"),
        ("10G", "10X", "3:41: unknown unit 'X' of a rate: write one of k, M, G, T"),
        ("5ms", "-5ms", "3:86: '-5ms' is not a time"),
        ("9000", "20", "3:73: 20 is not at least 68"),
        ("  laptop:", "  lap.top:", "5:3: 'lap.top' cannot name a host"),
        ("    eth0: 10.0.1.2/24", "    lo: 10.0.1.2/24", "6:5: every host has its own lo already"),
        ("gateway: 10.0.1.254", "gateway: 10.0.1.1", "12:14: gateway 10.0.1.1 forwards nothing: server has"),
        ("gateway: 10.0.1.254", "gateway: 10.9.9.9", "12:14: gateway 10.9.9.9 is on no segment of host leaf"),
        ("forward: true", "forwrd: true", "9:5: is 'forwrd' a typo; did you mean 'forward'?"),
        ("forward: true", "forward: yes", "9:14: 'yes' where true or false belongs; did you mean true?"),
        ("syn-timeout", "syn_timeout", "14:10: unknown key 'syn_timeout'; did you mean 'syn-timeout'?"),
        ("syn-timeout: 3s", "syn-timeout: 0", "14:23: a time-out is more than 0 seconds"),
        ("address: 10.0.1.1/24, ", "", "3:11: key 'address' is missing here"),
        ("    eth0: 10.0.1.2/24", "    eth0:", "6:10: nothing where an address such as 10.0.1.1/24"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_place(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in LAB
    found = problems(tmp_path, LAB.replace(old, new, 1))
    assert any(line.startswith(problem) or problem in line for line in found), found


def test_all_mistakes_are_told_at_once_and_each_once(tmp_path: Path) -> None:
    text = "hosts:\n  a: {eth0: 10.0.1.1, eth1: 10.0.2.1/24}\n  b: {eth1: 10.0.2.1/24}\nlimit: {}\n"
    assert problems(tmp_path, text) == [
        "2:13: 10.0.1.1 has no prefix length; did you mean 10.0.1.1/24?",
        "3:13: 10.0.2.1 is taken: a.eth1 has it",
        "4:1: unknown key 'limit'; did you mean 'limits'?",
    ]


@pytest.mark.parametrize("text", ["hosts: {}\n", "hosts:\n", "[]\n", "limits: {}\n"])
def test_a_lab_without_hosts_is_none(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


def test_a_missing_file_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        load_lab(tmp_path / "none.yaml")


def test_a_network_can_be_spelled_again_and_means_the_same(tmp_path: Path) -> None:
    lab = load(tmp_path, LAB)
    assert load(tmp_path, json.dumps(spelled(lab))) == lab
