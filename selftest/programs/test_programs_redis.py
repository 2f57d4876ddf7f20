"""Debian's redis, unmodified: its server, its client, its benchmark, and a replica on the other host."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support.network import Network
from selftest.support.service import Service, installed, out


@contextlib.contextmanager
def redis(lab: Network, host: str, folder: Path, *options: str) -> Iterator[Service]:
    """A server on the port that redis has, which keeps nothing on disk."""
    command = [installed("redis-server", "redis-server"), "--port", "6379", "--protected-mode", "no"]
    with Service.on(lab, host, [*command, "--save", "", "--dir", folder, *options]) as service:
        service.says("Ready to accept connections")
        yield service


@pytest.fixture(scope="module")
def server(lab: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """redis-server on `server`."""
    with redis(lab, "server", tmp_path_factory.mktemp("redis")) as running:
        yield running


def cli(lab: Network, *arguments: str, at: str = "server", host: str = "laptop") -> str:
    """What redis-cli on `host` hears from the server `at`."""
    return out(lab.run(host, installed("redis-cli", "redis-tools"), "-h", at, *arguments)).strip()


@pytest.mark.parametrize("at", ["server", "10.0.1.1", "10.0.2.1", "fd00:1::1"])
@pytest.mark.usefixtures("server")
def test_what_is_set_is_got_at_each_of_the_hosts_addresses(lab: Network, at: str) -> None:
    assert cli(lab, "set", f"key of {at}", "kept", at=at) == "OK"
    assert cli(lab, "get", f"key of {at}") == "kept"


@pytest.mark.usefixtures("server")
def test_a_megabyte_goes_there_and_back(lab: Network) -> None:
    cli(lab, "eval", "redis.call('set', KEYS[1], string.rep('0123456789abcdef', 65536))", "1", "large")
    assert cli(lab, "get", "large") == "0123456789abcdef" * 65536


@pytest.mark.usefixtures("server")
def test_its_benchmark_runs(lab: Network) -> None:
    cli(lab, "config", "resetstat")
    command = [installed("redis-benchmark", "redis-tools"), "-h", "server", "-n", "2000", "-c", "20"]
    table = list(csv.DictReader(out(lab.run("laptop", *command, "-t", "set,get", "--csv")).splitlines()))
    assert [row["test"] for row in table] == ["SET", "GET"]
    assert all(float(row["rps"]) > 0 for row in table)
    said = cli(lab, "info", "commandstats")
    assert "cmdstat_set:calls=2000," in said
    assert "cmdstat_get:calls=2000," in said


@pytest.mark.usefixtures("server")
def test_a_replica_follows_from_the_other_host(lab: Network, tmp_path: Path) -> None:
    cli(lab, "set", "before", "the replica came")
    with redis(lab, "laptop", tmp_path, "--replicaof", "server", "6379") as replica:
        replica.says("MASTER <-> REPLICA sync: Finished with success")
        assert cli(lab, "get", "before", at="127.0.0.1") == "the replica came"
        assert cli(lab, "wait", "1", "20000") == "1", "redis itself waits until a replica is online"
        assert "ip=10.0.1.2,port=6379,state=online" in cli(lab, "info", "replication")
        cli(lab, "xadd", "log", "*", "after", "it came")
        assert "it came" in cli(lab, "xread", "block", "20000", "streams", "log", "0", at="127.0.0.1")
        assert replica.end() == 0


def test_it_ends_as_it_should_and_its_port_is_free(lab: Network, tmp_path: Path) -> None:
    for _ in range(2):
        with redis(lab, "laptop", tmp_path) as first:
            assert cli(lab, "ping", at="10.0.1.2", host="server") == "PONG"
            assert first.end() == 0
            assert "bye bye" in first.said
