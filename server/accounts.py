"""The file of users: a name and an NT hash a line, nobody's business but its owner's.

Owns its format and its mode. Changed by writing a new one beside it, so that a reader sees the old or the new. Called
by the command line and by whatever reads a server's settings.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from server.config import UserConfig

_LINE = re.compile(r"(?P<name>[^:]+):(?P<hash>[0-9a-fA-F]{32})")
_OTHERS = 0o077


class AccountsError(Exception):
    """The file cannot be used; the text says where and why."""


def private(path: Path) -> str:
    """The text of a file that nobody else may read. AccountsError: others may, or there is none."""
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise AccountsError(
                    f"{path}: others may read it, and what is in it is as good as a password (chmod 600)"
                )
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise AccountsError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def read(path: Path) -> tuple[UserConfig, ...]:
    """Empty lines and those that begin with # are passed over."""
    lines = private(path).splitlines()
    users: dict[str, UserConfig] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise AccountsError(f"{path}:{number}: not NAME:NTHASH, with 32 hexadecimal digits")
        name = found["name"]
        if name.casefold() in users:
            raise AccountsError(f"{path}:{number}: {name} is there twice")
        users[name.casefold()] = UserConfig(name, found["hash"].lower())
    return tuple(users.values())


def write(path: Path, users: Iterable[UserConfig]) -> None:
    """Replace the file, mode 0600. OSError: cannot."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{user.name}:{user.nt_hash}\n" for user in users)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise


def with_user(users: Iterable[UserConfig], added: UserConfig) -> tuple[UserConfig, ...]:
    """`added` takes the place of who is called so, in whatever case."""
    return (*without_user(users, added.name), added)


def without_user(users: Iterable[UserConfig], name: str) -> tuple[UserConfig, ...]:
    return tuple(user for user in users if user.name.casefold() != name.casefold())
