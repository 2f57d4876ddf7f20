"""Clients in Python that are not ours, each in a process of its own, on the kernel's network and on ours."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from selftest.server.interop.conftest import Place

HERE = Path(__file__).parent


def needs(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: the extra `interop` has it")


def test_smbprotocol(emptied: Place) -> None:
    needs("smbprotocol")
    emptied.python(HERE / "with_smbprotocol.py")


@pytest.mark.parametrize("dialect", ["0x202", "0x210", "0x300"])
def test_impacket(emptied: Place, dialect: str) -> None:
    needs("impacket")
    emptied.python(HERE / "with_impacket.py", dialect)
