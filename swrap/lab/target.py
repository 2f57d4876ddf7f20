"""May this program be wrapped? Answered before it is started, with the reason if not.

LD_PRELOAD needs the dynamic loader: a static program has none, a setuid one's ignores the variable, one of
another architecture or C library cannot load libswrap.so; and a Go program has a loader but calls the kernel
itself. Each of them would meet the guard at its first socket; this says so earlier and better. Called by lab
and joined for what they start, and by `swrap doctor PROGRAM`. Looks at files only.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import BinaryIO

from swrap.lab import elf
from swrap.lab.errors import CannotWrap, NoProgram

_MOST_INTERPRETERS = 4  # as the kernel follows them (BINPRM_MAX_RECURSION)
_SHEBANG = 256  # bytes of a #! line that the kernel reads (BINPRM_BUF_SIZE)


def check(argv: Sequence[str], *, env: Mapping[str, str], cwd: str | os.PathLike[str] | None = None) -> Path:
    """The absolute path of what ``argv[0]`` names, as execvpe(3) would find it, if it can be wrapped.

    Raises NoProgram where there is none, CannotWrap with the reason where it cannot be run or cannot be
    wrapped.
    """
    if not argv or not argv[0]:
        raise NoProgram("no program was named")
    path = find(argv[0], env=env, cwd=cwd)
    _check_file(path, env, Path(cwd or "."), depth=0)
    return path.absolute()


def find(name: str, *, env: Mapping[str, str], cwd: str | os.PathLike[str] | None = None) -> Path:
    """Look a program up in PATH, or where it says.

    Raises NoProgram or CannotWrap (there, but not executable).
    """
    here = Path(cwd or ".")
    if "/" in name:
        path = here / name
        if not path.exists():
            raise NoProgram(f"{name}: no such file")
        problem = _not_executable(path)
        if problem:
            raise CannotWrap(f"{name}: {problem}")
        return path
    seen: tuple[Path, str] | None = None
    for folder in env.get("PATH", os.defpath).split(os.pathsep):
        path = here / folder / name
        if not path.is_file():
            continue
        problem = _not_executable(path)
        if not problem:
            return path
        seen = seen or (path, problem)
    if seen:
        raise CannotWrap(f"{seen[0]}: {seen[1]}")
    raise NoProgram(f"{name}: not found in PATH")


def _not_executable(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return error.strerror or str(error)
    if stat.S_ISDIR(mode):
        return "is a directory"
    if not stat.S_ISREG(mode):
        return "is not a file"
    # For root access(2) looks for any x bit, which is what execve(2) wants too.
    return None if os.access(path, os.X_OK) else "not executable (chmod +x)"


def _check_file(path: Path, env: Mapping[str, str], cwd: Path, depth: int) -> None:
    problem = _privileged(path)
    if problem:
        raise CannotWrap(f"{path}: {problem}")
    try:
        file = path.open("rb")
    except PermissionError:
        return  # it may be executed and not read: the guard will have to do
    with file:
        start = file.read(_SHEBANG)
        if start.startswith(b"#!"):
            _check_script(path, start, env, cwd, depth)
        elif start.startswith(elf.MAGIC):
            _check_elf(path, file)
        elif start:
            raise CannotWrap(f"{path}: neither an ELF program nor a script with a #! line")
        else:
            raise CannotWrap(f"{path}: an empty file")


def _privileged(path: Path) -> str | None:
    mode = path.stat().st_mode
    if mode & stat.S_ISUID:
        return "setuid: the loader ignores LD_PRELOAD for it, so it cannot be wrapped"
    if mode & stat.S_ISGID and mode & stat.S_IXGRP:
        return "setgid: the loader ignores LD_PRELOAD for it, so it cannot be wrapped"
    try:
        os.getxattr(path, "security.capability")
    except OSError:
        return None
    return (
        "has file capabilities, which `setcap -r` takes off: the loader ignores LD_PRELOAD for such a program"
    )


def _check_script(path: Path, start: bytes, env: Mapping[str, str], cwd: Path, depth: int) -> None:
    words = os.fsdecode(start[2:].split(b"\n")[0]).split()
    if not words:
        raise CannotWrap(f"{path}: its #! line names no interpreter")
    if depth >= _MOST_INTERPRETERS:
        raise CannotWrap(f"{path}: too many interpreters, each a script again")
    interpreter = Path(words[0]) if words[0].startswith("/") else cwd / words[0]
    try:
        problem = _not_executable(interpreter)
        if problem:
            raise CannotWrap(problem)
        _check_file(interpreter, env, cwd, depth + 1)
        if interpreter.name == "env":
            run = next((word for word in words[1:] if not word.startswith("-") and "=" not in word), None)
            if run is not None:
                _check_file(find(run, env=env, cwd=cwd), env, cwd, depth + 1)
    except (CannotWrap, NoProgram) as error:
        text = str(error)
        about = text if text.startswith("/") or interpreter.name == "env" else f"{interpreter}: {text}"
        raise CannotWrap(f"{path}: its interpreter cannot be wrapped: {about}") from None


def _check_elf(path: Path, file: BinaryIO) -> None:
    try:
        program = elf.read(file)
    except elf.NotElf as error:
        raise CannotWrap(f"{path}: {error}") from None
    ours = _ours()
    if (program.bits, program.machine) != (ours.bits, ours.machine):
        raise CannotWrap(f"{path}: a {program.architecture} program, and libswrap.so is {ours.architecture}")
    if program.go:
        raise CannotWrap(
            f"{path}: a Go program: it calls the kernel past the C library, so it cannot be wrapped"
        )
    if program.interpreter is None:
        raise CannotWrap(
            f"{path}: statically linked: there is no loader to bring libswrap.so in, so it cannot be wrapped"
        )
    loader, own_loader = Path(program.interpreter).name, Path(ours.interpreter or "").name
    if own_loader and loader != own_loader:
        raise CannotWrap(
            f"{path}: its loader is {program.interpreter}, and libswrap.so needs {ours.interpreter}"
        )


@cache
def _ours() -> elf.Elf:
    """This interpreter stands for libswrap.so: both were built for the same machine and C library."""
    with Path("/proc/self/exe").open("rb") as file:
        return elf.read(file)
