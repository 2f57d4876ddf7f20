"""Files that are there whole or not at all.

Owns the way a report reaches the disk: a temporary file beside the target, then rename(2). What is not a
regular file (a pipe, a device) is written to as it is: renaming over /dev/full would remove it. Every
failure is a ReportError of one line that names the file. Called by the reporters that write files.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .reporter import ReportError


def check(path: Path) -> None:
    """Raises ReportError for a path that cannot be written to, before anybody has waited for a run."""
    with _told(path):
        target = _target(path)
        if target is None:
            return
        if target.is_dir():
            raise IsADirectoryError(None, "Is a directory")
        if not target.parent.exists():
            raise FileNotFoundError(None, f"there is no directory {target.parent}")
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise PermissionError(None, f"no permission to write in {target.parent}")


def write(path: Path, text: str) -> None:
    """Put ``text`` (as UTF-8) into the file at ``path``, whole or not at all. Raises ReportError."""
    file = Growing(path)
    file.write(text)
    file.settle()
    file.close()


class Growing:
    """A file that is written line by line and takes its name when it is ``settle``d.

    Lines after that go to the same file: a second run of one stream continues it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._target: Path | None = None
        self._partial: Path | None = None
        self._file: IO[str] | None = None
        with _told(path):
            self._open()

    def _open(self) -> None:
        self._target = _target(self._path)
        if self._target is None:
            self._file = self._path.open("w", encoding="utf-8")
            return
        partial = self._target.with_name(f".{self._target.name}.{os.getpid()}.partial")
        # Exclusive, so that nothing is followed or overwritten; its mode is left to the umask.
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        self._partial, self._file = partial, os.fdopen(descriptor, "w", encoding="utf-8")

    def write(self, text: str) -> None:
        """Append ``text``; surrogates, which no UTF-8 has, are written as escapes."""
        if self._file is None:
            return
        with _told(self._path, self._abandon):
            self._file.write(text.encode("utf-8", "backslashreplace").decode())

    def settle(self) -> None:
        """Everything so far is on the disk and under the name that was asked for."""
        if self._file is None:
            return
        with _told(self._path, self._abandon):
            self._file.flush()
            if self._partial is not None and self._target is not None:
                os.fsync(self._file.fileno())
                self._partial.rename(self._target)
                self._partial = None

    def close(self) -> None:
        """Close it; what was never settled is taken away. Again is harmless."""
        file, self._file = self._file, None
        try:
            if file is not None:
                with _told(self._path):
                    file.close()
        finally:
            self._remove()

    def _abandon(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()
        self._remove()

    def _remove(self) -> None:
        partial, self._partial = self._partial, None
        if partial is not None:
            with suppress(OSError):
                partial.unlink()


def _target(path: Path) -> Path | None:
    """The regular file behind ``path`` (that may not exist yet), or None for what is no such file."""
    resolved = path.resolve()
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return resolved
    if stat.S_ISREG(mode) and resolved.exists() and not resolved.is_relative_to("/proc"):
        return resolved
    return resolved if stat.S_ISDIR(mode) else None


@contextmanager
def _told(path: Path, otherwise: object = None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if callable(otherwise):
            otherwise()
        raise ReportError(f"cannot write {path}: {error.strerror or error}") from error
