"""The shim under AddressSanitizer and UndefinedBehaviorSanitizer does nothing that they object to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from selftest.shim import test_around, test_datagrams
from selftest.support.network import Network, network

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["-std=c11", "-g", "-D_GNU_SOURCE", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """LD_PRELOAD with a sanitized libswrap.so, and the hand-over program."""
    made = tmp_path_factory.mktemp("sanitized")
    runtime = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True
    ).stdout.strip()
    if not Path(runtime).is_absolute():
        pytest.skip("gcc's libasan is missing")
    sources = [*ROOT.glob("swrap/shim/*.c"), ROOT / "swrap/abi/page.c", ROOT / "swrap/abi/name.c"]
    include = [f"-I{ROOT}/swrap/abi", f"-I{ROOT}/swrap/shim"]
    shared = [*FLAGS, "-fPIC", "-shared", "-fvisibility=hidden", *include, *sources]
    subprocess.run(["gcc", *shared, "-o", made / "libswrap.so", "-ldl"], check=True)
    source = ROOT / "selftest/shim/programs/handover.c"
    subprocess.run(["gcc", *FLAGS, "-o", made / "handover", source], check=True)
    return f"{Path(runtime).resolve()}:{made}/libswrap.so", made / "handover"


@pytest.mark.parametrize("address", ["10.0.1.1", "fd00:1::1"])
def test_a_hand_over(lab: Network, sanitized: tuple[str, Path], address: str) -> None:
    preload, program = sanitized
    environment = {**lab.environment("server"), "LD_PRELOAD": preload, "ASAN_OPTIONS": "detect_leaks=0"}
    with lab.start("server", [program, address], env=environment) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "handed over\n"), err


@pytest.mark.parametrize("address", ["10.0.1.1", "fd00:1::1"])
@pytest.mark.parametrize("how", ["direct", "switched"])
def test_all_that_is_promised_of_datagrams(
    sanitized: tuple[str, Path], how: str, address: str, tmp_path: Path
) -> None:
    promises = test_datagrams.EVERYWHERE | (test_datagrams.SWITCHED if how == "switched" else {})
    prelude = test_datagrams.PRELUDE.format(address=address)
    program = f"""
for promise, text in {promises!r}.items():
    try: exec({prelude!r} + text, {{}})
    except BaseException: print(promise); raise
"""
    with network(tmp_path / "lab", direct=how == "direct") as lab:
        environment = {
            **lab.environment("server"),
            "LD_PRELOAD": sanitized[0],
            "ASAN_OPTIONS": "detect_leaks=0",
        }
        with lab.start("server", [sys.executable, "-c", program], env=environment) as process:
            out, err = process.communicate(timeout=100)
    assert process.returncode == 0, out + err


@pytest.mark.parametrize(("name", "promise"), test_around.RISKY)
def test_what_is_around_a_socket(lab: Network, sanitized: tuple[str, Path], name: str, promise: str) -> None:
    program = sanitized[1].with_name(name)
    if not program.exists():
        source = ROOT / f"selftest/shim/programs/{name}.c"
        subprocess.run(["gcc", *FLAGS, "-pthread", "-o", program, source], check=True)
    environment = {**lab.environment("server"), "LD_PRELOAD": sanitized[0], "ASAN_OPTIONS": "detect_leaks=0"}
    with lab.start("server", [program, "10.0.1.1", promise], env=environment) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "kept\n"), err
