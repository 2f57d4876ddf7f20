"""The loader ignores LD_PRELOAD for a setuid program: it is refused before it starts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from selftest.support.commands import swrap


def test_a_setuid_program_is_refused_with_the_reason(tmp_path: Path) -> None:
    echo = shutil.which("echo")
    if echo is None:
        pytest.skip("echo is missing")
    setuid = Path(shutil.copy(echo, tmp_path / "echo"))
    assert swrap("exec", "--", setuid, "here").stdout == "here\n"
    setuid.chmod(0o4755)
    done = swrap("exec", "--", setuid, "here")
    assert done.returncode != 0
    assert done.stdout == ""
    assert f"{setuid}: setuid" in done.stderr
