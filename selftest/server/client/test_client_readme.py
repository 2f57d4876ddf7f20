"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from selftest.support.smb_server import Running

README = Path(__file__).parents[3] / "server" / "client" / "README.md"


def test_the_example_runs(tmp_path: Path) -> None:
    [program] = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    with Running(tmp_path / "share") as running:
        assert "port=445" in program
        done = subprocess.run(
            [sys.executable, "-c", program.replace("port=445", f"port={running.port}")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert (running.share / "film.bin").read_bytes() == b"x" * 8_000_000
    said = done.stdout.splitlines()
    assert said[0].startswith("session-opened")
    assert said[-2:] == ["100 RWH", "session-closed "]
