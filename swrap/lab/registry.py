"""The labs of this user: where a new one goes, which ones run, and the clearing away of dead ones.

Owns the names inside the base directory: a lab's own directory `STEM-XXXXXX`, or a symbolic link of such a
name to a directory that the user chose. All changes happen under an flock(2) of the base directory, held for
as long as a mkdir takes. Knows nothing of what a lab does. Called by lab (create), keeper (remove) and the
command line (find).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from swrap.lab import reaper, runtime
from swrap.lab.errors import NoLab, Refused
from swrap.lab.record import Record, lives, take_lock

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}-[0-9a-f]{6}")
_JOINING = ".joining"
_STEM = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Running:
    """A lab that lives: its directory and what lab.json said when it was found."""

    directory: Path
    record: Record


def create(stem: str, directory: Path | None = None) -> tuple[Path, int]:
    """Make the directory of a new lab and take its lock: (directory, fd of the lock).

    ``directory`` is the one that the user chose: absent, empty, or left by a lab that is dead. Refused says
    what is wrong with it; OSError is what the file system says (disk full, no such parent).
    """
    with _locked() as base:
        _sweep(base)
        name = f"{_STEM.sub('-', stem)[:40].strip('-') or 'lab'}-{secrets.token_hex(3)}"
        if directory is None:
            os.mkdir(name, 0o700, dir_fd=base)
            path = runtime.base_path() / name
            return path, _own_lock(path)
        directory = directory.absolute()
        path = directory.parent.resolve(strict=True) / directory.name
        return path, _chosen(path, name, base)


def _chosen(path: Path, name: str, base: int) -> int:
    """Take a directory that the user chose, and leave a pointer to it."""
    if not runtime.make(path):
        with runtime.opened(path):
            pass
        if lives(path):
            raise Refused(f"{path}: a lab runs there already")
        if (path / "lab.json").is_file():
            clear_away(path)
            runtime.make(path)
        elif any(path.iterdir()):
            raise Refused(f"{path}: not empty, and not the directory of a lab")
    lock = _own_lock(path)
    try:
        os.symlink(path, name, dir_fd=base)
    except OSError:
        os.close(lock)
        path.rmdir()
        raise
    return lock


def _own_lock(path: Path) -> int:
    """Take the lock of what was found or made there, and look at it once more, now that it is held."""
    lock = take_lock(path)
    try:
        runtime.check(lock, path)
    except Refused:
        os.close(lock)
        raise
    return lock


def clear_away(directory: Path) -> None:
    """End whatever is left of a dead lab, and remove its directory."""
    reaper.end(directory, grace=0.0)
    shutil.rmtree(directory, ignore_errors=True)


def remove(directory: Path) -> None:
    """Remove the directory of a lab that has ended, with the pointer to it; after the last the base too."""
    shutil.rmtree(directory, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError), _locked(create=False) as base:
        for name, target in _entries(base):
            if target == directory and name != directory.name:
                os.unlink(name, dir_fd=base)
    _leave_nothing()


def _leave_nothing() -> None:
    """Remove the base directory if there is no lab in it and nobody is about to start one."""
    # OSError: other labs are in it, or somebody starts one, or somebody else was quicker.
    with contextlib.suppress(OSError), _locked(create=False) as base:
        if os.listdir(base) == [_JOINING]:  # noqa: PTH208 an fd, not a path
            _remove_joining(base)
        runtime.base_path().rmdir()


def running() -> list[Running]:
    """The labs that live, the oldest first."""
    found: list[Running] = []
    try:
        with runtime.base() as base:
            candidates = [target for _, target in _entries(base)]
    except FileNotFoundError:
        return []
    for directory in candidates:
        try:
            with runtime.opened(directory):
                pass
            if lives(directory):
                found.append(Running(directory, Record.read(directory)))
        except (NoLab, FileNotFoundError):
            continue  # it is just being made, or being removed
        except Refused:
            continue  # a pointer to where somebody else is by now
    return sorted(found, key=lambda lab: (lab.record.since, str(lab.directory)))


def at(directory: Path) -> Running:
    """The lab in this directory. NoLab where none lives; Refused where it is somebody else's."""
    try:
        path = directory.resolve(strict=True)
        with runtime.opened(path):
            pass
    except FileNotFoundError:
        raise NoLab(f"{directory}: there is no such directory") from None
    except PermissionError:
        raise Refused(f"{directory}: not yours to enter") from None
    record = Record.read(path)
    if not lives(path):
        raise NoLab(f"{directory}: no lab runs there any more")
    return Running(path, record)


def of_file(source: Path) -> list[Running]:
    """The labs that run from this file, by its real path."""
    real = str(source.resolve())
    return [lab for lab in running() if lab.record.source == real]


def _remove_joining(base: int) -> None:
    fd = os.open(_JOINING, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=base)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: somebody is starting a lab
        os.unlink(_JOINING, dir_fd=base)
    finally:
        os.close(fd)


@contextlib.contextmanager
def joining() -> Iterator[None]:
    """Held by whoever looks for a lab in order to start one if there is none, until it has started.

    Two commands with the same `--lab FILE`, started together, so become one owner and one guest.
    """
    with contextlib.ExitStack() as stack:
        stack.callback(_leave_nothing)  # first, so that it is done whenever Ctrl-C comes
        while True:
            with _locked() as base:
                fd = os.open(
                    _JOINING, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=base
                )
            stack.callback(os.close, fd)
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_nlink:  # else it was removed with the last lab while we waited
                break
        yield


@contextlib.contextmanager
def _locked(*, create: bool = True) -> Iterator[int]:
    """An fd of the base directory, which nobody else changes meanwhile."""
    while True:
        with runtime.base(create=create) as fd:
            fcntl.flock(fd, fcntl.LOCK_EX)
            try:
                still = runtime.base_path().lstat()
            except FileNotFoundError:
                continue  # the last lab took it away while we waited
            if not os.path.samestat(still, os.fstat(fd)):
                continue
            yield fd
            return


def _entries(base: int) -> list[tuple[str, Path]]:
    """What the base directory points to: (name, directory), in the order of the names."""
    result = []
    for name in sorted(os.listdir(base)):
        if not _NAME.fullmatch(name):
            continue
        try:
            target = Path(os.readlink(name, dir_fd=base))
        except OSError:
            target = runtime.base_path() / name
        result.append((name, target))
    return result


def _sweep(base: int) -> None:
    """Clear away the labs that nobody holds, and the pointers to nowhere."""
    for name, target in _entries(base):
        try:
            with runtime.opened(target):
                pass
            if lives(target):
                continue
            clear_away(target)
        except FileNotFoundError:
            pass
        except Refused:
            continue  # what is not ours alone is not ours to remove
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=base)  # of a pointer; a directory of ours is gone by now
