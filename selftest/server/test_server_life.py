"""A server ends when it is told to, and when any of its processes is killed nothing is left of it but what still serves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import pytest

from selftest.support.smb_peer import OverTcp, Peer
from selftest.support.smb_server import Running, family
from server.cli import config_from, parser


def scratch(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A place for the server's runtime directory, short enough for sockets in it."""
    place = Path(tempfile.mkdtemp(prefix="life-", dir="/tmp"))
    return place, {"TMPDIR": str(place)}


def zygote_of(running: Running) -> int:
    return int(
        Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()[0]
    )


@pytest.mark.parametrize("victim", ["term", "acceptor", "zygote", "group"])
def test_nothing_is_left_behind(tmp_path: Path, victim: str) -> None:
    place, env = scratch(tmp_path)
    with Running(tmp_path / "share", env=env) as running:
        peer = Peer(OverTcp("127.0.0.1", running.port), uuid.uuid4())
        peer.negotiate()
        session = peer.log_on()
        peer.tree_connect(session)
        peer.create(session, "open")
        watched = running.everything()
        if victim == "term":
            assert running.end() == 0
        elif victim == "acceptor":
            running.process.kill()
        elif victim == "zygote":
            os.kill(zygote_of(running), signal.SIGKILL)
        else:
            for pid in family(running.process.pid):
                os.kill(pid, signal.SIGTERM)
        assert watched.left_after() == []
        watched.close()
        running.process.wait()
        assert isinstance(peer.exchange, OverTcp)
        peer.exchange.close()
    assert list(place.iterdir()) == []
    place.rmdir()


def test_a_port_that_is_taken_is_said_and_fails(tmp_path: Path) -> None:
    with Running(tmp_path / "share") as running:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "server", "--address", "127.0.0.1", "--port", str(running.port)),
                *("--share", f"data={tmp_path / 'share'}"),
            ],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {running.port}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing to serve"),
        (["--share", "data"], "NAME=DIR"),
        (["--share", "data=/nowhere/at/all"], "NAME=DIR"),
        (["--share", "tmp=/", "--user", "alice"], "NAME%PASSWORD"),
        (["--share", "tmp=/", "--port", "0"], "not a TCP port"),
        (["--share", "tmp=/", "--workers", "0"], "between 1 and 64"),
    ],
)
def test_flags_that_make_no_sense_are_explained(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        config_from(parser(), arguments)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_a_password_is_not_kept(tmp_path: Path) -> None:
    config = config_from(parser(), ["--share", f"data={tmp_path}", "--user", "alice%secret"])
    assert config.users[0].nt_hash == "878d8014606cda29677a44efa1353fc7"
    assert "secret" not in config.to_json()
    assert type(config).from_json(config.to_json()) == config
