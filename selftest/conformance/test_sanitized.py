"""The promises again, with libswrap.so and the programs under AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selftest.conformance import test_around, test_datagrams, test_streams
from selftest.conformance.backends import Shim
from selftest.conformance.differences import expected
from selftest.support.network import network
from selftest.support.programs import FLAGS, Program, compiled

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
UNLIKE = {
    "processes env-i": "env is another program, without the sanitizers' library",
    "passing 253-at-once": "the same as 200, and the slowest",
}
"""What is not asked for here, with the reason."""


@pytest.fixture(scope="session")
def preload(tmp_path_factory: pytest.TempPathFactory) -> str:
    """LD_PRELOAD with a sanitized libswrap.so."""
    runtime = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True
    ).stdout.strip()
    if not Path(runtime).is_absolute():
        pytest.skip("gcc's libasan is missing")
    library = tmp_path_factory.mktemp("sanitized") / "libswrap.so"
    sources = [
        *ROOT.glob("swrap/shim/*.c"),
        *(ROOT / f"swrap/abi/{name}.c" for name in ("page", "name", "packet")),
    ]
    include = [f"-I{ROOT}/swrap/abi", f"-I{ROOT}/swrap/shim"]
    shared = [
        *FLAGS,
        *SANITIZE,
        "-D_GNU_SOURCE",
        "-fPIC",
        "-shared",
        "-fvisibility=hidden",
        *include,
        *sources,
    ]
    subprocess.run(["gcc", *shared, "-o", library, "-ldl"], check=True)
    return f"{Path(runtime).resolve()}:{library}"


class Sanitized(Shim):
    """The hosts of a lab, with another libswrap.so in their programs."""

    preload: str

    def start(self, host: str, argv: list[str | Path], **options: Any) -> subprocess.Popen[str]:
        extra = {"LD_PRELOAD": self.preload, "ASAN_OPTIONS": "detect_leaks=0"}
        options["env"] = {**extra, **options.get("env", {})}
        return super().start(host, argv, **options)


@pytest.fixture(scope="module", params=["direct", "switched"])
def backend(
    request: pytest.FixtureRequest, preload: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sanitized]:
    with network(tmp_path_factory.mktemp("net") / "lab", direct=request.param == "direct") as lab:
        running = Sanitized(request.param, lab)
        running.preload = preload
        yield running


@pytest.fixture(scope="session")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """programs/*.c with the sanitizers in them, compiled when asked for."""
    build = compiled(HERE / "programs", tmp_path_factory.mktemp("programs"))
    return lambda name, *extra: build(name, *extra, *SANITIZE)


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_hand_over(backend: Sanitized, sanitized: Program, family: str) -> None:
    done = backend.run("server", sanitized("handover"), backend.address(family), timeout=60)
    assert (done.returncode, done.stdout) == (0, "handed over\n"), done.stderr


@pytest.mark.parametrize("promise", [one for one in test_around.EVERY if one not in UNLIKE])
def test_a_promise(backend: Sanitized, sanitized: Program, promise: str) -> None:
    name, one = promise.split()
    done = backend.run("server", sanitized(name), backend.address("ipv4"), one, timeout=60)
    test_around.must_be_kept(done)


@pytest.fixture(scope="module")
def early(sanitized: Program) -> tuple[Path, Path]:
    return test_around.early_program(sanitized)


@pytest.mark.parametrize("promise", test_around.CONSTRUCTORS)
def test_a_constructor_that_runs_before_ours(
    backend: Sanitized, early: tuple[Path, Path], promise: str
) -> None:
    library, linked = early
    address = backend.address("ipv4")
    runtime, shim = backend.preload.split(":")
    preload = f"{runtime}:{test_around.around([shim], library, promise)}"
    done = backend.run(
        "server", linked, address, "constructor", env={"EARLY_ADDRESS": address, "LD_PRELOAD": preload}
    )
    test_around.must_be_kept(done)


@pytest.mark.parametrize(
    ("suite", "family"), [(test_streams, "ipv4"), (test_datagrams, "ipv4"), (test_datagrams, "ipv6")]
)
def test_all_that_is_promised_in_python(backend: Sanitized, suite: Any, family: str) -> None:
    """In one process, since one under the sanitizers takes a second to start."""
    prelude = suite.PRELUDE.format(address=backend.address(family))
    kept = {
        promise: text
        for promise, text in suite.PROMISES.items()
        if not expected(promise, backend.name, family)
    }
    program = f"""
for promise, text in {kept!r}.items():
    try: exec({prelude!r} + text, {{}})
    except BaseException: print(promise); raise
print("all kept")
"""
    done = backend.run("server", sys.executable, "-c", program, timeout=100)
    assert (done.returncode, done.stdout) == (0, "all kept\n"), done.stdout + done.stderr
