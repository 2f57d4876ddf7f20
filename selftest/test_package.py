"""What `pip install .` installs: everything that a user needs, and nothing that is compiled later."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a copy of the tree as it is checked in and changed."""
    source = tmp_path_factory.mktemp("source")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            target.write_bytes((ROOT / name).read_bytes())
    made = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        made,
    ]
    subprocess.run([*map(str, build), str(source)], check=True, capture_output=True, timeout=100)
    (found,) = made.glob("*.whl")
    return found


def test_the_wheel_holds_swrap_server_and_scenarios(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "swrap/libswrap.so",
        "swrap/lab/lab.py",
        "server/__main__.py",
        "server/actor/schema.py",
        "scenarios/link-switching/lan-to-wifi.yaml",
    ):
        assert needed in names
    for extension in ("swrap/_abi.", "swrap/_switch."):
        assert any(name.startswith(extension) and name.endswith(".so") for name in names)
    assert not [name for name in names if name.startswith("selftest") or name.endswith((".c", ".h"))]


def test_libswrap_has_no_python_in_it(wheel: Path, tmp_path: Path) -> None:
    """It is preloaded into programs that are not Python."""
    zipfile.ZipFile(wheel).extract("swrap/libswrap.so", tmp_path)
    needs = subprocess.run(
        ["readelf", "-d", tmp_path / "swrap/libswrap.so"], capture_output=True, text=True, check=True
    )
    assert "libpython" not in needs.stdout
    symbols = subprocess.run(
        ["nm", "-D", tmp_path / "swrap/libswrap.so"], capture_output=True, text=True, check=True
    )
    assert not [line for line in symbols.stdout.splitlines() if line.split()[-1].startswith("Py")]


def test_it_works_from_any_directory(wheel: Path, tmp_path: Path) -> None:
    """Installed elsewhere, run elsewhere, with none of the tree in reach."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    program = "import sys; sys.path.insert(0, sys.argv[1]); import swrap.abi; print(swrap.abi.__file__)"
    done = subprocess.run(
        [sys.executable, "-Pc", program, str(site)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(site / "swrap/abi/__init__.py")
