"""A network that cannot exist cannot be built."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface

import pytest

from swrap.topology import Host, Interface, Limits, Topology, TopologyError


def iface(name: str, *addresses: str, **more: object) -> Interface:
    return Interface(name, tuple(ip_interface(a) for a in addresses), **more)  # type: ignore[arg-type]


def two() -> Topology:
    return Topology(
        (
            Host("server", (iface("eth0", "10.0.1.1/24"), iface("wlan0", "10.0.2.1/24", "fd00:2::1/64"))),
            Host("laptop", (iface("eth0", "10.0.1.2/24"), iface("wlan0", "10.0.2.2/24"))),
        )
    )


def test_names_lead_to_hosts_and_interfaces() -> None:
    lab = two()
    assert lab.host("laptop").name == "laptop"
    assert lab.interface("server.wlan0").addresses[1] == ip_interface("fd00:2::1/64")
    assert lab.interface_names() == ("server.eth0", "server.wlan0", "laptop.eth0", "laptop.wlan0")
    assert lab.owner(ip_address("fd00:2::1")) == "server.wlan0"
    assert lab.owner(ip_address("10.9.9.9")) is None


def test_an_interface_name_may_have_a_dot_as_vlans_have() -> None:
    lab = Topology((Host("a", (iface("eth0.7", "10.0.7.1/24"),)),))
    assert lab.interface("a.eth0.7").name == "eth0.7"


def test_interfaces_whose_subnets_overlap_are_on_one_link() -> None:
    lab = Topology(
        (
            Host("a", (iface("one", "10.0.1.1/24", "fe80::1/64"), iface("two", "10.0.2.1/24"))),
            Host("b", (iface("one", "10.0.3.1/25"), iface("two", "10.0.2.2/24", "fd00::1/64"))),
            Host("c", (iface("one", "10.0.3.200/25"), iface("two", "10.0.0.1/8", "fd00::2/96"))),
            Host("d", (iface("one", "192.0.2.1/24"), iface("two", "fe80::3/64"))),
        )
    )
    assert lab.links() == {
        **dict.fromkeys(("a.one", "a.two", "b.one", "b.two", "c.one", "c.two"), 1),
        "d.one": 2,
        "d.two": 3,
    }


def test_a_link_local_address_is_told_apart_by_its_scope() -> None:
    lab = Topology(
        (
            Host("a", (iface("one", "10.0.1.1/24", "fe80::1/64"), iface("two", "10.0.2.1/24", "fe80::2/64"))),
            Host("b", (iface("one", "10.0.1.2/24"), iface("two", "10.0.2.2/24", "fe80::1/64"))),
        )
    )
    assert lab.link_local
    assert not two().link_local
    asked = {
        scope: lab.owner(ip_address(f"fe80::1{scope}"))
        for scope in ("", "%a.one", "%b.one", "%a.two", "%b.two", "%c.one")
    }
    assert asked == {
        "": "a.one",
        "%a.one": "a.one",
        "%b.one": "a.one",
        "%a.two": "b.two",
        "%b.two": "b.two",
        "%c.one": None,
    }


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda lab: lab.host("sevrer"), "no host sevrer; did you mean 'server'?"),
        (lambda lab: lab.interface("server.eth9"), "no interface server.eth9; did you mean 'server.eth0'?"),
        (lambda lab: lab.interface("eth0"), "'eth0' is no interface: write HOST.INTERFACE"),
        (lambda lab: lab.host("server").interface("wlan"), "did you mean 'server.wlan0'?"),
    ],
)
def test_an_unknown_name_gets_a_suggestion(ask, answer) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(KeyError) as caught:
        ask(two())
    assert answer in caught.value.args[0]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: iface("lo", "10.0.0.1/24"), "lo already"),
        (lambda: iface("e" * 16), "at most 15"),
        (lambda: iface("eth 0"), "cannot name"),
        (lambda: iface("eth0", "127.0.0.2/8"), "loopback"),
        (lambda: iface("eth0", "224.0.0.1/24"), "multicast"),
        (lambda: iface("eth0", "0.0.0.0/24"), "no address of anybody"),
        (lambda: iface("eth0", "10.0.1.0/24"), "did you mean 10.0.1.1/24?"),
        (lambda: iface("eth0", "10.0.1.255/24"), "broadcast"),
        (lambda: iface("eth0", "::ffff:10.0.0.1/96"), "write 10.0.0.1"),
        (lambda: iface("eth0", "fe80::1%eth0/64"), "scope"),
        (lambda: iface("eth0", "fd00::1/64", mtu=1000), "1280"),
        (lambda: iface("eth0", "10.0.1.1/24", mtu=20), "68 to 65535"),
        (lambda: iface("eth0", "10.0.1.1/24", speed=0), "speed"),
        (lambda: iface("eth0", "10.0.1.1/24", rate=0), "link-down"),
        (lambda: iface("eth0", "10.0.1.1/24", delay=-1.0), "negative"),
        (lambda: Host("ser.ver", ()), "cannot name a host"),
        (lambda: Host("h" * 64, ()), "at most 63"),
        (lambda: Host("a", (iface("eth0"), iface("eth0"))), "twice"),
        (lambda: Host("a", (iface("eth0", "10.0.1.1/24"),), gateway=ip_address("10.0.9.1")), "no segment"),
        (lambda: Limits(syn_timeout=0), "more than 0"),
        (lambda: Topology(()), "1 to 65534 hosts"),
        (lambda: Topology((Host("a", ()), Host("a", ()))), "host a is there twice"),
        (
            lambda: Topology(
                (Host("a", (iface("eth0", "10.0.1.1/24"),)), Host("b", (iface("eth0", "10.0.1.1/16"),)))
            ),
            "10.0.1.1 is taken: a.eth0 has it",
        ),
        (
            lambda: Topology(
                (
                    Host("a", (iface("eth0", "10.0.1.1/24"),), gateway=ip_address("10.0.1.2")),
                    Host("b", (iface("eth0", "10.0.1.2/24"),)),
                )
            ),
            "b has it but does not `forward: true`",
        ),
    ],
)
def test_what_no_network_can_be_is_refused(build, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TopologyError) as caught:
        build()
    assert message in str(caught.value)


def test_point_to_point_subnets_have_no_network_or_broadcast_address() -> None:
    assert iface("ptp0", "10.0.1.0/31").addresses
    assert iface("ptp0", "10.0.1.255/32").addresses


def test_a_gateway_that_forwards_is_fine() -> None:
    router = Host("router", (iface("eth0", "10.0.1.1/24"), iface("eth1", "10.0.2.1/24")), forward=True)
    leaf = Host("leaf", (iface("eth0", "10.0.1.2/24"),), gateway=ip_address("10.0.1.1"))
    assert Topology((router, leaf)).host("leaf").gateway == ip_address("10.0.1.1")
