"""Which paths get channels: what Windows and Linux do with the same lists of interfaces."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface

import pytest

from server.client.local import LocalAddress
from server.client.policy import Path, candidates, plan
from server.wire.ioctl import InterfaceCapability, NetworkInterface

G = 1_000_000_000


def own(name: str, address: str, speed: int = 0, rss: bool | None = None, up: bool = True) -> LocalAddress:
    at = ip_interface(address)
    return LocalAddress(name, at.ip, at.network, speed, rss, up)


def theirs(index: int, address: str, speed: int, rss: bool = False) -> NetworkInterface:
    capability = InterfaceCapability.RSS if rss else InterfaceCapability.NONE
    return NetworkInterface(index, ip_address(address), speed, capability)


LAPTOP = [own("eth0", "10.0.1.2/24", 10 * G, True), own("wlan0", "10.0.2.2/24", 300_000_000, False)]
SERVER = [theirs(5, "10.0.2.1", 300_000_000), theirs(4, "10.0.1.1", 10 * G, rss=True)]


def every(_path: Path) -> bool:
    return True


def chosen(policy: str, paths: list[Path], channels: int | None = None) -> dict[str, int]:
    return {str(path.remote): count for path, count in plan(policy, paths, every, channels).items()}


def test_a_path_is_a_pair_on_one_link_the_best_first() -> None:
    paths = candidates(LAPTOP, SERVER)
    assert [(path.interface, str(path.remote)) for path in paths] == [
        ("eth0", "10.0.1.1"),
        ("wlan0", "10.0.2.1"),
    ]
    assert [path.speed for path in paths] == [10 * G, 300_000_000]
    assert all(path.local is None for path in paths), "one way to get there: routing finds it"


def test_the_slower_end_sets_the_speed_and_both_ends_must_have_rss() -> None:
    [path] = candidates([own("eth0", "10.0.1.2/24", G, False)], [theirs(4, "10.0.1.1", 10 * G, rss=True)])
    assert (path.speed, path.rss, path.server_rss) == (G, False, True)
    [path] = candidates([own("lo", "10.0.1.2/24")], [theirs(4, "10.0.1.1", 10 * G, rss=True)])
    assert (path.speed, path.rss) == (10 * G, True), "what this end does not know does not count against it"


def test_two_interfaces_on_one_link_are_two_paths_and_are_bound() -> None:
    local = [own("eth0", "10.0.1.2/24", G), own("eth1", "10.0.1.3/24", G)]
    paths = candidates(local, [theirs(4, "10.0.1.1", G)])
    assert [(path.interface, str(path.local)) for path in paths] == [
        ("eth0", "10.0.1.2"),
        ("eth1", "10.0.1.3"),
    ]


def test_an_address_on_no_link_of_ours_is_left_to_routing() -> None:
    [path] = candidates(LAPTOP, [theirs(4, "172.16.0.1", G)])
    assert (path.interface, path.local, path.speed) == (None, None, G)


def test_index_0_and_link_local_addresses_are_no_paths() -> None:
    assert (
        candidates(LAPTOP, [theirs(0, "10.0.1.1", G), theirs(4, "fe80::1", G), theirs(5, "169.254.1.1", G)])
        == []
    )


@pytest.mark.parametrize("policy", ["windows", "best"])
def test_windows_takes_four_of_the_best_class_and_speed(policy: str) -> None:
    assert chosen(policy, candidates(LAPTOP, SERVER)) == {"10.0.1.1": 4}


def test_windows_prefers_rss_to_speed() -> None:
    local = [own("eth0", "10.0.1.2/24", 10 * G, False), own("eth1", "10.0.3.2/24", G, True)]
    remote = [theirs(4, "10.0.1.1", 10 * G), theirs(5, "10.0.3.1", G, rss=True)]
    assert chosen("windows", candidates(local, remote)) == {"10.0.3.1": 4}


def test_windows_has_one_channel_a_pair_without_rss_and_uses_all_of_the_top_speed() -> None:
    local = [own(f"eth{n}", f"10.0.{n}.2/24", G, False) for n in range(3)]
    remote = [theirs(n + 1, f"10.0.{n}.1", G if n < 2 else G // 10) for n in range(3)]
    assert chosen("windows", candidates(local, remote)) == {"10.0.0.1": 1, "10.0.1.1": 1}


def test_a_number_given_is_spread_over_the_best_pairs() -> None:
    local = [own(f"eth{n}", f"10.0.{n}.2/24", G, True) for n in range(2)]
    remote = [theirs(n + 1, f"10.0.{n}.1", G, rss=True) for n in range(2)]
    assert chosen("windows", candidates(local, remote), 3) == {"10.0.0.1": 2, "10.0.1.1": 1}
    assert chosen("windows", candidates(local, remote), 1) == {"10.0.0.1": 1}
    assert sum(chosen("windows", candidates(local, remote), 99).values()) == 32


def test_one_address_of_each_pair_of_interfaces_is_enough() -> None:
    local = [own("eth0", "10.0.1.2/24", G, True), own("eth0", "fd00::2/64", G, True)]
    remote = [theirs(4, "10.0.1.1", G, rss=True), theirs(4, "fd00::1", G, rss=True)]
    assert chosen("windows", candidates(local, remote)) == {"10.0.1.1": 4}


def test_what_does_not_work_now_gives_way_to_the_next_best() -> None:
    paths = candidates(LAPTOP, SERVER)
    without_eth0 = plan("windows", paths, lambda path: path.interface != "eth0", 2)
    assert {str(path.remote): count for path, count in without_eth0.items()} == {"10.0.2.1": 2}
    assert plan("windows", paths, lambda path: False) == {}


def test_a_cable_that_is_out_at_this_end_is_no_path() -> None:
    local = [own("eth0", "10.0.1.2/24", 10 * G, True, up=False), LAPTOP[1]]
    assert chosen("windows", candidates(local, SERVER)) == {"10.0.2.1": 1}


def test_linux_goes_round_by_weight_of_speed_and_does_not_look_at_its_own_nic() -> None:
    local = [own("eth0", "10.0.1.2/24", 0, False), own("eth1", "10.0.3.2/24", 0, False)]
    remote = [theirs(4, "10.0.1.1", 10 * G, rss=True), theirs(5, "10.0.3.1", G, rss=True)]
    paths = candidates(local, remote)
    assert chosen("linux", paths) == {"10.0.1.1": 2}
    assert chosen("linux", paths, 11) == {"10.0.1.1": 10, "10.0.3.1": 1}
    assert chosen("linux", paths, 15) == {"10.0.1.1": 14, "10.0.3.1": 1}, "the second round begins anew"


def test_linux_gives_an_interface_without_rss_one_channel() -> None:
    local = [own("eth0", "10.0.1.2/24"), own("wlan0", "10.0.2.2/24")]
    remote = [theirs(4, "10.0.1.1", 2 * G, rss=True), theirs(5, "10.0.2.1", G)]
    assert chosen("linux", candidates(local, remote), 4) == {"10.0.1.1": 3, "10.0.2.1": 1}
    assert chosen("linux", candidates(LAPTOP, [theirs(5, "10.0.2.1", G)]), 8) == {"10.0.2.1": 1}


def test_an_unknown_policy_is_named() -> None:
    with pytest.raises(ValueError, match="no policy 'fastest'; there are: best, linux, windows"):
        plan("fastest", [], every)


def test_rdma_is_no_reason_for_windows_and_one_against_for_linux() -> None:
    """Where it is only reported: nobody here speaks it."""
    rdma = NetworkInterface(6, ip_address("10.0.5.1"), 40 * G, InterfaceCapability.RDMA)
    both = NetworkInterface(
        7, ip_address("10.0.6.1"), 40 * G, InterfaceCapability.RDMA | InterfaceCapability.RSS
    )
    paths = candidates([], [*SERVER, rdma])
    assert chosen("windows", paths) == {"10.0.1.1": 4}
    some = [theirs(4, "10.0.1.1", 2 * G, rss=True), theirs(5, "10.0.2.1", G)]
    assert chosen("linux", candidates([], [*some, rdma]), 5) == {"10.0.1.1": 4, "10.0.2.1": 1}
    assert chosen("windows", candidates([], [*SERVER, both])) == {"10.0.6.1": 4}
