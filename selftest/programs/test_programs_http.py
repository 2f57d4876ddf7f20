"""Debian's curl and Python's own web server, unmodified, meet on port 80 of a host: by address, by name, over IPv6."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from selftest.support.network import Network
from selftest.support.service import Service, installed, out

FILM = os.urandom(3 << 20)


@pytest.fixture(scope="module")
def server(lab: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`python3 -m http.server 80` on `server`, for both families."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "hello").write_text("hello from the server\n")
    (folder / "film").write_bytes(FILM)
    command: list[str | Path] = [
        sys.executable,
        "-u",
        "-m",
        "http.server",
        "80",
        "--bind",
        "::",
        "--directory",
        folder,
    ]
    with Service.on(lab, "server", command) as running:
        running.says("Serving HTTP on :: port 80")
        yield running


@pytest.fixture
def curl() -> list[str]:
    return [installed("curl", "curl"), "--silent", "--show-error", "--fail", "--globoff"]


@pytest.mark.parametrize("host", ["server", "10.0.1.1", "10.0.2.1", "[fd00:1::1]"])
@pytest.mark.usefixtures("server")
def test_a_page_is_served_at_each_of_the_hosts_addresses(lab: Network, curl: list[str], host: str) -> None:
    assert out(lab.run("laptop", *curl, f"http://{host}/hello")) == "hello from the server\n"


@pytest.mark.parametrize(("family", "peer"), [("-4", "::ffff:10.0.1.2"), ("-6", "fd00:1::2")])
def test_the_server_sees_the_address_of_the_client(
    lab: Network, server: Service, curl: list[str], family: str, peer: str
) -> None:
    out(lab.run("laptop", *curl, family, f"http://server/hello?{family}"))
    server.says(rf'(?m)^{peer} .*"GET /hello\?{family} ')


@pytest.mark.usefixtures("server")
def test_a_file_arrives_unchanged(lab: Network, curl: list[str], tmp_path: Path) -> None:
    out(lab.run("laptop", *curl, "-o", tmp_path / "film", "http://server/film"))
    assert sha256((tmp_path / "film").read_bytes()).digest() == sha256(FILM).digest()


@pytest.mark.usefixtures("server")
def test_a_host_reaches_itself_by_its_loopback(lab: Network, curl: list[str]) -> None:
    assert out(lab.run("server", *curl, "http://127.0.0.1/hello")) == "hello from the server\n"


@pytest.mark.usefixtures("server")
def test_another_hosts_loopback_is_its_own(lab: Network, curl: list[str]) -> None:
    assert lab.run("laptop", *curl, "http://127.0.0.1/hello").returncode == 7


@pytest.mark.parametrize(
    ("url", "status"),
    [("http://server:81/", 7), ("http://nowhere/", 6), ("http://deb.debian.org/", 6)],
    ids=["closed-port", "unknown-host", "the-real-internet"],
)
def test_what_is_not_there_fails_at_once_and_as_it_should(
    lab: Network, curl: list[str], url: str, status: int
) -> None:
    assert lab.run("laptop", *curl, url, timeout=5).returncode == status
