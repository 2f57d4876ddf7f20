"""Names are addresses: unique, reversible, and not to be forged from outside of the lab."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftest.support.network import TOPOLOGY
from swrap.abi.names import Endpoint, Name, decode, encode, service_address
from swrap.abi.page import Page

ports = st.integers(0, 65535)
# Of link-local ones a name has the link too, which is not decoded.
sixes = st.ip_addresses(v=6).filter(lambda ip: IPv6Address(ip).ipv4_mapped is None and not ip.is_link_local)
addresses = st.ip_addresses(v=4) | sixes
endpoints = st.builds(Endpoint, addresses, ports)
names = st.builds(Name, ports, st.sampled_from("tou"), endpoints, st.none() | endpoints)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    made = Page.create(tmp_path_factory.mktemp("abi") / "page", TOPOLOGY)
    yield made
    made.close()


@given(name=names)
def test_a_name_decodes_to_what_it_was_made_of(page: Page, name: Name) -> None:
    assert decode(page, encode(page, name)) == name


@given(name=names)
def test_the_longest_name_fits_an_abstract_address(page: Page, name: Name) -> None:
    """unix(7): 108 bytes, the leading NUL among them."""
    assert len(encode(page, name)) <= 108


@given(name=names, at=st.integers(0, 107), bit=st.integers(0, 7))
def test_a_name_that_was_touched_is_nobodys(page: Page, name: Name, at: int, bit: int) -> None:
    raw = bytearray(encode(page, name))
    raw[at % len(raw)] ^= 1 << bit
    assert decode(page, bytes(raw)) is None


@given(raw=st.binary(max_size=120))
def test_garbage_is_nobodys(page: Page, raw: bytes) -> None:
    assert decode(page, raw) is None


def test_two_labs_do_not_know_each_others_names(page: Page, tmp_path: Path) -> None:
    other = Page.create(tmp_path / "page", TOPOLOGY)
    name = Name(0, "t", Endpoint(IPv4Address("10.0.1.1"), 445), None)
    assert encode(other, name) != encode(page, name)
    assert decode(page, encode(other, name)) is None
    other.close()


def test_the_switchs_doors_have_names_of_their_own(page: Page) -> None:
    stream, control = service_address(page, "stream"), service_address(page, "control")
    assert stream != control
    assert decode(page, stream) is not None
