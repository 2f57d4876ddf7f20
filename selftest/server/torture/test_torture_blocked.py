"""A channel whose acknowledgments are lost for real: the break that goes over it is repeated on the next one.

smbtorture blocks its own channel by `swrap iptables`: what the server sends still arrives, and its TCP never learns of
it. Nothing is pretended here: the server asks its sockets (SIOCOUTQ, TCP_INFO).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support import commands, netns
from selftest.support.lab_fixtures import lab_file, running_lab, runtime_directory
from selftest.support.service import Service, installed

__all__ = ["lab_file", "running_lab", "runtime_directory"]

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True, scope="module")
def namespace() -> None:
    netns.enter()


@pytest.fixture
def served(running_lab: Path, tmp_path: Path) -> Iterator[Path]:
    """Our server on `server` of a lab; its share is `data`."""
    (tmp_path / "share").mkdir()
    server = [sys.executable, "-m", "server", "--user", "alice%secret", "--share", f"data={tmp_path}/share"]
    process = commands.start(
        *("exec", "--lab", running_lab, "--host", "server", "--", *server),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    with Service(process) as service:
        service.says("listening")
        yield running_lab
        assert " error " not in service.said, "an error of the server's own"


def test_a_lease_break_is_sent_again_on_the_channel_that_works(served: Path) -> None:
    torture = installed("smbtorture", "samba-testsuite")
    firewall = f"{sys.executable} -m swrap.cli iptables"
    command = commands.argv(
        *("exec", "--lab", served, "--host", "laptop", "--"),
        *(torture, "//10.0.1.1/data", "-U", "alice%secret", "--configfile=/dev/null"),
        *("--option=torture:use_iptables=yes", f"--option=torture:iptables_command={firewall}"),
        "smb2.multichannel.leases.test2",
    )
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200, check=False
    )
    assert "success: test2" in done.stdout, done.stdout + done.stderr
    assert "blocking transport2A dport" in done.stderr
    assert "Received 2 lease break(s)!!" in done.stderr, "the first was never acked, so a second was sent"
