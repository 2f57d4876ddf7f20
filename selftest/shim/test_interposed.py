"""The table of what is interposed is complete, and nothing else is exported."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from swrap.abi.paths import libswrap

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_names_exactly_what_the_library_exports() -> None:
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", libswrap()], capture_output=True, text=True, check=True
    )
    exported = {line.split()[2] for line in listed.stdout.splitlines()}
    table = (ROOT / "swrap/shim/README.md").read_text().split("| not interposed")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == exported


def test_all_that_every_process_writes_is_on_one_page() -> None:
    """What few need is mapped by those: .bss on a page of its own would be mapped by every program that starts."""
    listed = subprocess.run(["readelf", "-lW", libswrap()], capture_output=True, text=True, check=True)
    loads = [line.split() for line in listed.stdout.splitlines() if line.split()[:1] == ["LOAD"]]
    (written,) = [load for load in loads if "W" in load[6]]
    start, size = int(written[2], 16), int(written[5], 16)
    assert start // 4096 == (start + size - 1) // 4096
