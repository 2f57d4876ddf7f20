"""Debian's smbclient, unmodified: all that people do with it, on the kernel's network and on ours, encrypted and not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from selftest.server.interop.conftest import Place
from selftest.support.service import installed, out

PLAIN, ENCRYPTED = (), ("--option=client smb encrypt=required",)


@pytest.fixture(params=[PLAIN, ENCRYPTED], ids=["signed", "encrypted"])
def options(request: pytest.FixtureRequest) -> tuple[str, ...]:
    found: tuple[str, ...] = request.param
    return found


def smbclient(place: Place, options: tuple[str, ...], here: Path, *commands: str) -> str:
    return out(
        place.run(
            *(installed("smbclient", "smbclient"), f"//{place.address}/data", "-p", str(place.port)),
            *("-U", "alice%secret", "--configfile=/dev/null", *options),
            *("-c", "; ".join((f"lcd {here}", "prompt off", *commands))),
        )
    )


def test_put_ls_get(emptied: Place, options: tuple[str, ...], tmp_path: Path) -> None:
    film = os.urandom(5_000_000)
    (tmp_path / "film").write_bytes(film)
    said = smbclient(emptied, options, tmp_path, "put film", "ls", "get film back")
    assert "5000000" in said
    assert (emptied.share / "film").read_bytes() == (tmp_path / "back").read_bytes() == film


def test_mget_a_whole_tree(emptied: Place, options: tuple[str, ...], tmp_path: Path) -> None:
    wanted = {f"sub/deep/{n}.txt": os.urandom(1000 * n) for n in range(12)} | {"top.txt": b"top"}
    for name, data in wanted.items():
        path = emptied.share / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (emptied.share / "not.dat").write_bytes(b"no")
    smbclient(emptied, options, tmp_path, "recurse on", "mask *.txt", "mget *.txt sub")
    got = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*.txt")}
    assert got == wanted


def test_rename_and_del(emptied: Place, options: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("a", "b", "c.log", "d.log"):
        (emptied.share / name).write_text(name)
    smbclient(emptied, options, tmp_path, "mkdir sub", "rename a sub\\moved", "del *.log")
    left = {str(path.relative_to(emptied.share)) for path in emptied.share.rglob("*") if path.is_file()}
    assert left == {"b", "sub/moved"}
    assert (emptied.share / "sub" / "moved").read_text() == "a"


def test_the_list_of_shares(place: Place, options: tuple[str, ...]) -> None:
    said = out(
        place.run(
            *(installed("smbclient", "smbclient"), "-L", place.address, "-p", str(place.port)),
            *("-U", "alice%secret", "--configfile=/dev/null", "--grepable", *options),
        )
    )
    assert {"Disk|data|", "IPC|IPC$|of this server itself"} <= set(said.splitlines())
