"""Every codec has a target, each target finds what it should, and a short run with atheris finds nothing."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from selftest.server.fuzz.targets import codecs, connection, decoders, everything
from server.wire import readwrite
from server.wire.errors import MalformedError


def test_every_module_with_something_to_read_has_a_target() -> None:
    modules = Path(readwrite.__file__).parent.glob("*.py")
    assert {path.stem for path in modules if "    def decode(" in path.read_text()} <= codecs().keys()
    assert {name for name, _ in decoders(readwrite)} >= {"ReadRequest.decode", "WriteRequest.decode"}


@pytest.mark.parametrize("name", sorted(everything()))
def test_random_bytes(name: str) -> None:
    dice, target = random.Random(name), everything()[name]
    for _ in range(5 if name == "connection" else 300):
        target(dice.randbytes(dice.randrange(120)))


def test_a_refusal_is_none_and_a_crash_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("planted")

    def decode(data: bytes) -> int:
        if not data:
            raise MalformedError("nothing")
        return data[1]

    decode.__module__ = "planted"
    module.decode = decode  # type: ignore[attr-defined]
    [(_, found)] = decoders(module)
    with pytest.raises(IndexError):
        found(b"x")


def test_a_connection_takes_whole_conversations() -> None:
    target = connection()
    target(bytes([8, 49]) + b"\x31\0" + bytes(14) + b"FILEFILE" + bytes(30) + bytes([13, 4, 4, 0, 0, 0]))


@pytest.mark.parametrize(("name", "runs"), [("codecs", 30000), ("connection", 300)])
def test_a_short_run_with_atheris(name: str, runs: int, tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: the extra `fuzz` has it")
    command = [sys.executable, "-m", "selftest.server.fuzz", name, f"-runs={runs}", "-seed=1", "-max_len=400"]
    done = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"Done {runs} runs" in done.stderr
