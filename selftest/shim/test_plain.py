"""That a call is made by our own instruction is nobody's loss."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from selftest.support.programs import Program
from swrap.abi.paths import libswrap


@pytest.mark.parametrize("order", ["before", "behind"])
def test_another_library_that_has_write_is_called_too(program: Program, order: str) -> None:
    other = program("behind", "-fPIC", "-shared")
    preload = [libswrap(), other] if order == "behind" else [other, libswrap()]
    done = subprocess.run(
        [sys.executable, "-c", "import os; os.write(1, b'one'); os.write(1, b'two')"],
        env={**os.environ, "LD_PRELOAD": ":".join(map(str, preload))},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "......"
