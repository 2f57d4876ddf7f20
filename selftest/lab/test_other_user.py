"""Another user of the machine gets into no lab: neither by its directory nor by its names, and cannot pose as one either."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path

import pytest

from selftest.support import commands
from swrap.abi.names import service_address
from swrap.abi.page import Page

NOBODY = 65534

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root: only root can be a second user"
)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Where others may come near enough to be refused by the lab itself, not by the folders above it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


USER = ("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups")


@cache
def python() -> str:
    """A Python like ours that the other user may run; ours may be in a folder of root's."""
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/python{wanted}"):
        # Through a shell, so that it is the other user who starts it.
        done = subprocess.run([*USER, "sh", "-c", f"{candidate} -c 0"], capture_output=True, check=False)
        if done.returncode == 0:
            return candidate
    pytest.skip(f"needs root's Python {wanted} where other users may run it")


def as_nobody(argv: list[str], tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a user of no rights, with a place for labs of its own."""
    place = tmp_path / "nobodys"
    if not place.exists():
        place.mkdir(mode=0o700)
        os.chown(place, NOBODY, NOBODY)
    path = os.pathsep.join([str(Path.cwd()), sysconfig.get_path("purelib")])
    env = {**os.environ, "XDG_RUNTIME_DIR": str(place), "PYTHONPATH": path, "HOME": "/"}
    argv = [python() if word == sys.executable else word for word in argv]
    return subprocess.run([*USER, *argv], env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def directory(lab_file: Path) -> Iterator[Path]:
    """The directory of root's lab. Its base is closed to others, but the folder above is not."""
    with ExitStack() as stack:
        process = commands.start("up", lab_file, "--dir", lab_file.parent / "lab")
        stack.callback(commands.finish, [process])
        commands.first_line(process)
        yield lab_file.parent / "lab"
        assert process.poll() is None, "it lives on, whatever they tried"


def test_the_directory_is_refused_by_every_command(directory: Path, lab_file: Path, tmp_path: Path) -> None:
    for words in (
        ["exec", "--lab", directory, "--host", "server", "--", "true"],
        ["ss", "--lab", directory],
        ["down", directory],
    ):
        done = as_nobody(commands.argv(*words), tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"swrap: {directory}: belongs to root (uid 0), not to you\n"
    done = as_nobody(commands.argv("ss"), tmp_path)
    assert "no lab is running" in done.stderr
    directory.parent.chmod(0o700)
    done = as_nobody(commands.argv("ss", "--lab", directory), tmp_path)
    assert (done.returncode, done.stderr) == (2, f"swrap: {directory}: not yours to enter\n")


def test_even_an_open_directory_is_refused_by_its_owner(directory: Path, tmp_path: Path) -> None:
    # Should the user have opened it by mistake: the names in it are still not for others.
    directory.chmod(0o755)
    done = as_nobody(commands.argv("ss", "--lab", directory), tmp_path)
    assert done.stderr == f"swrap: {directory}: belongs to root (uid 0), not to you\n"
    directory.chmod(0o700)


def test_root_itself_does_not_walk_into_the_lab_of_another(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, NOBODY, NOBODY)
    done = commands.swrap("ss", "--lab", theirs)
    assert (done.returncode, done.stderr) == (
        2,
        f"swrap: {theirs}: belongs to nobody (uid 65534), not to you\n",
    )


def test_a_command_to_the_switch_by_its_public_name_is_not_carried_out(
    directory: Path, tmp_path: Path
) -> None:
    with closing(Page.open(directory / "page")) as page:
        name = service_address(page, "control")
    code = f"""
import json, socket
s = socket.socket(socket.AF_UNIX)
s.connect({name!r})
try:
    s.sendall(json.dumps({{"v": 1, "id": 1, "do": "stop", "args": {{}}}}).encode() + b"\\n")
    print(s.recv(4096))
except OSError as error:
    print(b"")
"""
    done = as_nobody([sys.executable, "-c", code], tmp_path)
    answer = done.stdout.strip()
    assert answer == "b''" or json.loads(eval(answer))["ok"] is False, done.stderr


def test_a_connection_to_a_listener_by_its_public_name_is_not_accepted(
    directory: Path, tmp_path: Path
) -> None:
    code = "import socket; s = socket.create_server(('', 80)); print('up', flush=True); s.settimeout(1)\n"
    code += "try: s.accept(); print('accepted')\nexcept TimeoutError: print('nobody came')"
    server = commands.start("exec", "--lab", directory, "--host", "server", "--", "python3", "-c", code)
    try:
        assert commands.first_line(server) == "up"
        with closing(Page.open(directory / "page")) as page:
            prefix = f"@sw/{page.lab}/"
        names = [
            line.split()[-1]
            for line in Path("/proc/net/unix").read_text().splitlines()
            if prefix + "0000/t" in line
        ]
        assert len(names) == 1
        attempt = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect(b'\\0' + {names[0][1:]!r}.encode()); print(s.recv(1))"
        as_nobody([sys.executable, "-c", attempt], tmp_path)
        assert commands.first_line(server) == "nobody came"
    finally:
        commands.finish([server])


def test_the_other_user_has_labs_of_his_own_at_the_same_time(
    directory: Path, tmp_path: Path, lab_file: Path
) -> None:
    lab_file.chmod(0o644)
    code = "import socket; socket.create_connection(('10.0.1.1', 80))"
    done = as_nobody(
        commands.argv("exec", "--lab", lab_file, "--host", "laptop", "--", sys.executable, "-c", code),
        tmp_path,
    )
    assert "ConnectionRefusedError" in done.stderr
