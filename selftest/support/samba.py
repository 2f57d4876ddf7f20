"""Debian's smbd for a test: an ordinary user's, with everything of its own in one folder, and users that only it knows.

Needs samba, libnss-wrapper and libuid-wrapper. Knows how smbd is configured and started; not what it is asked.
"""

from __future__ import annotations

import ctypes.util
import os
import subprocess
from pathlib import Path

import pytest

from selftest.support.service import installed
from swrap.abi.paths import libswrap

USER, PASSWORD = "alice", "secret"

_FOLDERS = {
    "private dir": "private",
    "binddns dir": "binddns",
    "pid directory": "pid",
    "lock directory": "lock",
    "state directory": "state",
    "cache directory": "cache",
    "ncalrpc dir": "ncalrpc",
    "winbindd socket directory": "winbindd",
    "nmbd:socket dir": "nmbd",
}

_CONFIGURATION = """\
[global]
workgroup = SAMBA
netbios name = SERVER
server role = standalone server
smb ports = 445
server multi channel support = yes
smbd:FSCTL_SMBTORTURE = yes
usershare path =
disable netbios = yes
printing = bsd
load printers = no
disable spoolss = yes
kernel oplocks = no
kernel change notify = no
store dos attributes = yes
{objects}
max log size = 0
panic action = echo panic in %d >>{folder}/panic
{folders}
[data]
path = {folder}/share
read only = no
[private]
path = {folder}/share
read only = no
smb encrypt = desired
"""

_OBJECTS = """\
vfs objects = acl_xattr xattr_tdb streams_depot
acl_xattr:ignore system acls = yes"""
"""What smbtorture's tests need of a server; it costs."""


def _wrapper(name: str) -> str:
    """A wrapper's file name, by which LD_PRELOAD finds it."""
    found = ctypes.util.find_library(name)
    if found is None:
        pytest.skip(f"lib{name}.so is not installed: Debian's package lib{name.replace('_', '-')} has it")
    return f"lib{name}.so"


class Samba:
    """A configured smbd in `folder`, which is made; `share` is the folder behind //server/data, and behind
    //server/private, which asks for encryption. `plain`: with nothing that is there for tests alone.
    """

    def __init__(self, folder: Path, *, plain: bool = False) -> None:
        self._smbd = installed("smbd", "samba")
        self._nss, self._uid = _wrapper("nss_wrapper"), _wrapper("uid_wrapper")
        self.share = folder / "share"
        self.panic = folder / "panic"
        self._folder = folder
        for name in ("", *_FOLDERS.values(), "log", "share"):
            (folder / name).mkdir(mode=0o755)
        (folder / "private").chmod(0o700)
        folders = "\n".join(f"{option} = {folder}/{name}" for option, name in _FOLDERS.items())
        (folder / "smb.conf").write_text(
            _CONFIGURATION.format(folder=folder, folders=folders, objects="" if plain else _OBJECTS)
        )
        self._users()

    def _users(self) -> None:
        """The users that smbd needs to know, `alice` being who runs the test; and her password."""
        people = {"nobody": (65534, 65533), "root": (65533, 65532), USER: (os.getuid(), os.getgid())}
        (self._folder / "passwd").write_text(
            "".join(f"{name}:x:{uid}:{gid}:{name}:/:/bin/false\n" for name, (uid, gid) in people.items())
        )
        groups = {"nogroup": 65534, **{name: gid for name, (_, gid) in people.items()}}
        (self._folder / "group").write_text("".join(f"{name}:x:{gid}:\n" for name, gid in groups.items()))
        (self._folder / "hosts").write_text("")
        subprocess.run(
            [
                *(installed("smbpasswd", "samba-common-bin"), "-c", self._folder / "smb.conf"),
                *("-L", "-s", "-a", USER),
            ],
            env={**os.environ, **self._names(), "LD_PRELOAD": f"{self._nss}:{self._uid}"},
            input=f"{PASSWORD}\n{PASSWORD}\n",
            text=True,
            check=True,
            capture_output=True,
        )

    def _names(self) -> dict[str, str]:
        files = {
            f"NSS_WRAPPER_{kind.upper()}": str(self._folder / kind) for kind in ("passwd", "group", "hosts")
        }
        return {**files, "UID_WRAPPER": "1", "UID_WRAPPER_ROOT": "1"}

    def command(self, *, shim: bool = True, debug: int = 2) -> list[str]:
        """What to run in a host (or, without the shim, on the kernel's network); it stays in the foreground and writes to
        stdout. Its stdin must not be a pipe.
        """
        # The order matters: nss_wrapper's names, our sockets, and uid_wrapper, which passes `syscall` on.
        libraries = [self._nss, *([str(libswrap())] if shim else []), self._uid]
        names = {**self._names(), "LD_PRELOAD": ":".join(libraries)}
        return [
            *("env", *(f"{name}={value}" for name, value in names.items())),
            *(self._smbd, "--foreground", "--no-process-group", "--debug-stdout", f"--debuglevel={debug}"),
            *(f"--configfile={self._folder}/smb.conf", f"--log-basename={self._folder}/log"),
        ]
