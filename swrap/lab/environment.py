"""What a program must have in its environment to be inside a host.

Owns the three variables that libswrap.so reads (LD_PRELOAD is ld.so(8)'s). Called by lab and joined, and by
`swrap env`.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Collection, Mapping
from pathlib import Path

import swrap
from swrap.abi.paths import libswrap
from swrap.document.suggest import did_you_mean
from swrap.lab.errors import LabError, Refused

LAB = "SWRAP_LAB"
HOST = "SWRAP_HOST"
PRELOAD = "LD_PRELOAD"

PYTHON = (sys.executable, "-P")
"""How a Python of ours is started: without the user's current folder on its path, whatever lies there."""

_SEPARATORS = re.compile(r"[ :]")
"""What separates the names in LD_PRELOAD; it has no way to escape them."""


def inside(directory: Path, host: str, base: Mapping[str, str]) -> dict[str, str]:
    """The variables that put a program into ``host`` of the lab in ``directory``; ``base`` is what it would
    have had.

    What ``base`` preloads stays, behind the shim.
    """
    shim = str(_shim_for(directory))
    others = [name for name in _SEPARATORS.split(base.get(PRELOAD, "")) if name and not _is_shim(name)]
    return {PRELOAD: ":".join([shim, *others]), LAB: str(directory), HOST: host}


def outside(base: Mapping[str, str]) -> dict[str, str]:
    """``base`` without what `inside` adds: for the lab's own helpers, which belong to no host."""
    result = {name: value for name, value in base.items() if name not in (LAB, HOST, PRELOAD)}
    others = [name for name in _SEPARATORS.split(base.get(PRELOAD, "")) if name and not _is_shim(name)]
    if others:
        result[PRELOAD] = ":".join(others)
    return result


def of_helper() -> dict[str, str]:
    """The environment of a Python of ours that belongs to no host: it imports the swrap that we are."""
    env = outside(os.environ)
    parent = Path(swrap.__file__).resolve().parent.parent
    if not parent.samefile(sysconfig.get_path("purelib")):  # which must not come before the standard library
        env["PYTHONPATH"] = os.pathsep.join([str(parent), *filter(None, [env.get("PYTHONPATH")])])
    return env


def prepare(directory: Path) -> None:
    """Make `inside` possible where the package lies in a folder with a blank or a colon in its name."""
    real = libswrap()
    if not _SEPARATORS.search(str(real)):
        return
    if _SEPARATORS.search(str(directory)):
        raise LabError(
            f"neither {real} nor {directory} can stand in LD_PRELOAD: no blank or colon may be in the name"
        )
    (directory / real.name).symlink_to(real)


def pick_host(hosts: Collection[str], host: str | None, where: str) -> str:
    """``host`` if the lab has it; the only one where none was named. Refused names those that there are."""
    if host is None:
        if len(hosts) == 1:
            return next(iter(hosts))
        raise Refused(f"--host is missing; {where} has {', '.join(hosts)}")
    if host not in hosts:
        raise Refused(f"no host {host!r} in {where}{did_you_mean(host, hosts)}")
    return host


def _shim_for(directory: Path) -> Path:
    try:
        real = libswrap()
    except FileNotFoundError as error:
        raise LabError(str(error)) from None
    return directory / real.name if _SEPARATORS.search(str(real)) else real


def _is_shim(name: str) -> bool:
    return os.path.basename(name) == "libswrap.so"  # noqa: PTH119 a word of LD_PRELOAD, which need not be a path
