"""CPython's own tests of its socket module pass in a host, as they do on a kernel; this very interpreter's, unmodified."""

from __future__ import annotations

import importlib.util
import re
import sys

import pytest

from selftest.support.network import Network

NOT_HERE = (
    # families and protocols that a host of a lab does not have: refused as by a kernel without them
    *("SCTP", "AF_ALG", "Bluetooth", "CAN", "QIPCRTR", "RDS", "SocketCan", "TIPC", "VSOCK"),
    # other systems' cases
    *("Windows", "macOS", "Linux specific test", "Numeric scope id"),
    # by design: no name server is asked, and a wrapped program does not rename the machine
    *("Resource 'python.org' is not available", "test should be run as root"),
)
"""Why its cases may be skipped: a part of the reason that it gives."""


def have_tests() -> bool:
    """Whether this interpreter came with its own tests."""
    try:
        return importlib.util.find_spec("test.test_socket") is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.timeout(400)
@pytest.mark.skipif(
    not have_tests(),
    reason="this Python came without its tests: Debian's package "
    f"libpython{sys.version_info.major}.{sys.version_info.minor}-testsuite has them",
)
def test_pythons_own_tests_of_sockets_pass(lab: Network) -> None:
    done = lab.run("server", sys.executable, "-m", "unittest", "-v", "test.test_socket", timeout=300)
    said = done.stdout + done.stderr
    ran = re.search(r"(?m)^Ran (\d+) tests in ", said)
    assert ran is not None, said
    assert int(ran[1]) > 600, said
    failed = re.findall(r"(?m)^(?:ERROR|FAIL|UNEXPECTED SUCCESS): (.*)$", said)
    # A machine's VSOCK is the hypervisor's: it is refused, and those tests do not expect that.
    assert [case for case in failed if "VSOCK" not in case] == [], said
    skipped = re.findall(r"(?m)\.\.\. skipped (.*)$", said)
    assert [reason for reason in skipped if not any(known in reason for known in NOT_HERE)] == []
