"""Nothing of a virtual host reaches the machine's real network, whatever the program does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from selftest.support.network import Network
from swrap.abi import lib
from swrap.abi.paths import libswrap


def test_a_static_program_gets_no_ip_socket(lab: Network, program: Callable[..., Path]) -> None:
    """No shim is in it, so its calls go to the kernel as they are."""
    done = lab.run("laptop", program("escape", "-static"))
    assert (done.returncode, done.stdout) == (0, "kept in\n"), done.stderr


def test_without_the_guard_the_same_program_does_reach_the_kernel(program: Callable[..., Path]) -> None:
    """So that the test above is known to be able to fail."""
    assert subprocess.run([program("escape", "-static")], capture_output=True, timeout=10).returncode == 1


def test_a_program_without_a_lab_gets_no_network_at_all() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import socket; socket.socket()"],
        env={**os.environ, "LD_PRELOAD": str(libswrap())},
        capture_output=True,
        text=True,
        timeout=10,
    )
    assert "Address family not supported" in done.stderr


def test_the_other_abi_is_no_way_out(tmp_path: Path) -> None:
    """`int 0x80` has other numbers for the same calls; behind the guard it ends the process."""
    if os.uname().machine != "x86_64":
        pytest.skip("needs kernel with the 32-bit ABI of x86-64")
    source = tmp_path / "int80.c"
    source.write_text(
        'int main(void) { int r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(20)); return r <= 0; }'
    )
    subprocess.run(["cc", "-o", tmp_path / "int80", source], check=True)
    if subprocess.run([tmp_path / "int80"]).returncode != 0:
        pytest.skip("needs kernel with the 32-bit ABI of x86-64")

    def guarded() -> None:
        assert lib.sw_guard_install() == 0

    assert subprocess.run([tmp_path / "int80"], preexec_fn=guarded).returncode == -31  # SIGSYS
