"""Debian's smbd, smbclient and smbtorture run under libswrap.so as people run them under libsocket_wrapper."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support.dropin import Dropin, namespace
from selftest.support.samba import PASSWORD, USER, Samba
from selftest.support.service import installed, out

LOGIN = ("-U", f"{USER}%{PASSWORD}", "--configfile=/dev/null")


@pytest.fixture(scope="module")
def prefix() -> Iterator[tuple[str, ...]]:
    with namespace() as prefix:
        yield prefix


@pytest.fixture
def net(prefix: tuple[str, ...], tmp_path: Path) -> Dropin:
    (tmp_path / "net").mkdir()
    return Dropin(prefix, tmp_path / "net")


@pytest.fixture
def samba(net: Dropin, tmp_path: Path) -> Iterator[Samba]:
    """smbd as host number 21, which takes connections."""
    configured = Samba(tmp_path / "samba")
    with net.start(*configured.command(), iface=21) as service:
        service.says("waiting for connections")
        yield configured
        assert not configured.panic.exists(), service.said


@pytest.mark.parametrize("at", ["127.0.0.21", "fd00::5357:5f15"])
def test_smbclient_copies_there_and_back(net: Dropin, samba: Samba, tmp_path: Path, at: str) -> None:
    film, back = tmp_path / "film", tmp_path / "back"
    film.write_bytes(os.urandom(5 << 20))
    command = f"put {film} film; ls; get film {back}"
    said = out(net.run(installed("smbclient", "smbclient"), *LOGIN, f"//{at}/data", "-c", command, iface=31))
    assert str(5 << 20) in said
    assert (samba.share / "film").read_bytes() == film.read_bytes() == back.read_bytes()


@pytest.mark.usefixtures("samba")
@pytest.mark.parametrize("case", ["smb2.multichannel.generic", "smb2.session.bind1", "smb2.connect"])
def test_smbtorture_passes(net: Dropin, case: str) -> None:
    torture = installed("smbtorture", "samba-testsuite")
    said = out(net.run(torture, *LOGIN, "//127.0.0.21/data", case, iface=32))
    assert "success: " in said
    assert "failure: " not in said
