"""Which lab a command means.

Owns the rule: `--lab` if it was given; inside a host, that host's lab; otherwise the only one that runs.
Called by every command that takes `--lab`.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from swrap.document import did_you_mean
from swrap.lab import registry, source
from swrap.lab.environment import LAB
from swrap.lab.errors import NoLab, Refused
from swrap.lab.joined import Joined


def find(lab: str | None) -> Joined | None:
    """The running lab that is meant. None: ``lab`` is a file from which none runs, or nothing runs at all.

    Raises NoLab for a directory where none runs, Refused where several fit or nothing of that name exists.
    """
    if lab is None:
        lab = os.environ.get(LAB) or None
    if lab is None:
        running = registry.running()
        return _only(running, "several labs run; --lab names one") if running else None
    path = Path(lab)
    try:
        kind = path.stat().st_mode
    except PermissionError:
        raise Refused(f"{lab}: not yours to enter") from None
    except OSError:
        known = [str(one.directory) for one in registry.running()]
        known += [one.record.source for one in registry.running() if one.record.source]
        raise Refused(f"--lab {lab}: no such file or directory{did_you_mean(lab, known)}") from None
    if stat.S_ISDIR(kind):
        return Joined.at(path)
    running = registry.of_file(source.file_of(path))
    return _only(running, f"several labs run from {lab}; name one by its directory") if running else None


def require(lab: str | None) -> Joined:
    """The running lab that is meant; NoLab where none runs."""
    found = find(lab)
    if found is None and lab is None:
        raise NoLab("no lab is running; `swrap up LAB.yaml` starts one")
    if found is None:
        raise NoLab(f"no lab runs from {lab}; `swrap up {lab}` starts one")
    return found


def _only(running: list[registry.Running], problem: str) -> Joined:
    if len(running) > 1:
        raise Refused(f"{problem}: {', '.join(_told(one) for one in running)}")
    return Joined.of(running[0])


def _told(lab: registry.Running) -> str:
    return f"{lab.directory} ({lab.record.source})" if lab.record.source else str(lab.directory)
