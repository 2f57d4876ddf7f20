"""The page holds the topology as C sees it, and changes under its readers' eyes."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from selftest.support.network import TOPOLOGY
from swrap.abi import ffi, lib
from swrap.abi.names import unpack_ip
from swrap.abi.page import Page, pack_ip


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    made = Page.create(tmp_path / "page", TOPOLOGY)
    yield made
    made.close()


def route(page: Page, host: str, destination: str) -> str | None:
    """The interface and source address that `host` would use, or None."""
    source, interface = ffi.new("uint8_t[16]"), ffi.new("uint32_t *")
    index = lib.sw_host_index(page.address, host.encode())
    if lib.sw_route(page.address, index, 0, pack_ip(ip_address(destination)), source, interface) < 0:
        return None
    return f"{page.interfaces()[interface[0]]} {unpack_ip(bytes(source))}"


def owner(page: Page, host: str, destination: str) -> str | None:
    """The interface that answers for `destination` when `host` asks, or None."""
    found, interface = ffi.new("uint16_t *"), ffi.new("uint32_t *")
    index = lib.sw_host_index(page.address, host.encode())
    if lib.sw_owner(page.address, index, 0, pack_ip(ip_address(destination)), found, interface) < 0:
        return None
    return page.interfaces()[interface[0]]


@pytest.mark.parametrize(
    ("destination", "way"),
    [
        ("10.0.1.1", "laptop.eth0 10.0.1.2"),
        ("10.0.2.1", "laptop.wlan0 10.0.2.2"),
        ("10.0.2.99", "laptop.wlan0 10.0.2.2"),
        ("fd00:1::1", "laptop.eth0 fd00:1::2"),
        ("10.0.1.2", "laptop.lo 10.0.1.2"),
        ("127.1.2.3", "laptop.lo 127.1.2.3"),
        ("::1", "laptop.lo ::1"),
        ("192.0.2.1", None),
        ("fd00:9::1", None),
    ],
)
def test_routes_are_those_of_the_subnets(page: Page, destination: str, way: str | None) -> None:
    assert route(page, "laptop", destination) == way


def test_an_address_is_answered_for_by_who_has_it(page: Page) -> None:
    assert owner(page, "laptop", "10.0.1.1") == "server.eth0"
    assert owner(page, "laptop", "10.0.1.77") is None
    assert owner(page, "laptop", "127.0.0.1") == "laptop.lo"


def test_only_the_owner_may_read_it(page: Page) -> None:
    assert stat.S_IMODE(page.path.stat().st_mode) == 0o600


def test_a_reader_elsewhere_sees_the_cable_go(page: Page) -> None:
    reader = Page.open(page.path)
    index = page.interface_index("server.eth0")
    assert reader.interface(index).flags & lib.SW_IF_RUNNING
    before = reader.address.seq
    page.set_running("server.eth0", False)
    assert not reader.interface(index).flags & lib.SW_IF_RUNNING
    assert reader.address.seq == before + 2
    reader.close()


def test_an_unknown_interface_is_a_key_error(page: Page) -> None:
    with pytest.raises(KeyError):
        page.interface_index("server.eth9")


def test_another_file_is_no_page(tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(bytes(5000))
    with pytest.raises(ValueError, match="not the page of a lab"):
        Page.open(tmp_path / "page")
