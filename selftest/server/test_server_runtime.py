"""A server's directory: lived in while any of its processes lives, and swept by the next server of the user."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from server import runtime

HOLD = "import sys; from server import runtime; print(runtime.make()[0], flush=True); sys.stdin.read()"


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        monkeypatch.setattr(tempfile, "tempdir", directory)
        monkeypatch.setattr(runtime, "SHORT", directory)
        yield Path(directory)


def test_it_is_for_its_owner_alone() -> None:
    path, lock = runtime.make()
    assert path.stat().st_mode & 0o777 == 0o700
    os.close(lock)


def test_one_that_is_lived_in_stays_and_one_of_the_killed_goes(place: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(place)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        (theirs / "store").mkdir()
        runtime.sweep()
        assert (theirs / "store").is_dir()
        other.kill()
        other.wait()
        mine, lock = runtime.make()
        assert list(place.iterdir()) == [mine]
        os.close(lock)


def test_what_is_not_one_is_left_alone(place: Path) -> None:
    (place / f"{runtime.PREFIX}notes").write_text("a file")
    (place / "elsewhere").mkdir()
    (place / f"{runtime.PREFIX}link").symlink_to(place / "elsewhere")
    runtime.sweep()
    assert len(list(place.iterdir())) == 3
