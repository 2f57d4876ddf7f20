"""The private directories that labs live in, each level checked before it is trusted.

Owns where they are: `$XDG_RUNTIME_DIR/swrap` where that exists and is ours, else `/tmp/swrap-UID`. /tmp is
everybody's: another user may have made a directory of that name, or a symbolic link to one of ours. So every
level is opened without following links and judged by fstat of what was opened. Knows nothing of what is kept
inside. Called by registry and lab.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from swrap.lab.errors import Refused

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS = 0o077


def user_name(uid: int) -> str:
    """`alice (uid 1000)`, or the bare number where nobody is called that."""
    import pwd  # here: it costs start-up time and is needed for bad news only

    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"


@contextmanager
def opened(path: str | Path, *, dir_fd: int | None = None, shown: Path | None = None) -> Iterator[int]:
    """An fd of a directory that is ours alone. Refused says what is wrong with any other.

    ``shown`` is the whole path for messages where ``path`` is relative to ``dir_fd``.
    """
    label = shown or Path(path)
    try:
        fd = os.open(path, _OPEN, dir_fd=dir_fd)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Refused(f"{label}: {_why(label, error)}") from None
    try:
        check(fd, label)
        yield fd
    finally:
        os.close(fd)


def _why(path: Path, error: OSError) -> str:
    """Why a directory cannot be opened; for what another user keeps from us, that it is his."""
    try:
        status = path.lstat()
    except OSError:
        return "not yours to enter" if isinstance(error, PermissionError) else str(error.strerror)
    if stat.S_ISLNK(status.st_mode):
        return "a symbolic link, which is not followed; remove it"
    if isinstance(error, PermissionError) and status.st_uid != os.geteuid():
        return f"belongs to {user_name(status.st_uid)}, not to you"
    return str(error.strerror)


def check(fd: int, label: Path) -> None:
    """Refuse a directory that is another user's, or that others may enter."""
    status = os.fstat(fd)
    if status.st_uid != os.geteuid():
        raise Refused(f"{label}: belongs to {user_name(status.st_uid)}, not to you")
    if stat.S_IMODE(status.st_mode) & _OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise Refused(f"{label}: open to others (mode {mode:04o}); chmod 700 it, or remove it")


def base_path() -> Path:
    """The directory that holds this user's labs, whether it exists or not."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/"):
        try:
            status = Path(runtime).lstat()
        except OSError:
            pass
        else:
            ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
            if ours and not stat.S_IMODE(status.st_mode) & 0o022:
                return Path(runtime) / "swrap"
    return Path(f"/tmp/swrap-{os.geteuid()}")  # noqa: S108 every level is checked after it was opened


@contextmanager
def base(*, create: bool = False) -> Iterator[int]:
    """An fd of `base_path()`; FileNotFoundError where there is none and ``create`` is false."""
    path = base_path()
    if create:
        make(path)
    with opened(path) as fd:
        yield fd


def make(path: str | Path, *, dir_fd: int | None = None) -> bool:
    """Make a directory of mode 0700; False where something is there already (which is still to be
    checked).
    """
    try:
        os.mkdir(path, 0o700, dir_fd=dir_fd)
    except FileExistsError:
        return False
    return True
