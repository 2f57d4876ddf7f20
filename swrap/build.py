"""How the compiled parts are made: libswrap.so, which has no Python in it, and the extensions, from the same C.

setuptools calls `BuildExt` (pyproject names it), run from the root of the tree. Nothing is compiled at run time.
"""

from __future__ import annotations

import os
import runpy
from glob import glob
from typing import Any

from setuptools import Extension
from setuptools.command.build_ext import build_ext

SHIM_CFLAGS = ["-std=c11", "-O3", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"]


def _libswrap() -> Extension:
    return Extension(
        "swrap.libswrap",
        sources=[
            *sorted(glob("swrap/shim/*.c")),
            *(f"swrap/abi/{name}.c" for name in ("page", "name", "packet")),
        ],
        depends=[*glob("swrap/shim/*.h"), *glob("swrap/abi/*.h")],
        include_dirs=["swrap/abi", "swrap/shim"],
        extra_compile_args=SHIM_CFLAGS,
        # What every program that starts pays for. z,lazy: only what is called is bound, by ld.so in the way that is safe in
        # signal handlers and after vfork, as for any program. Bsymbolic-functions: no search for our own functions.
        # z,noseparate-code, z,norelro: three mappings less, and what is written is on one page. nostartfiles: no search for
        # hooks that nobody has.
        extra_link_args=[
            *(f"-Wl,-z,{how}" for how in ("lazy", "noseparate-code", "norelro")),
            "-nostartfiles",
            "-Wl,-Bsymbolic-functions",
            "-Wl,--no-undefined",
        ],
    )


class BuildExt(build_ext):
    """build_ext, with the extensions put together when it starts."""

    def initialize_options(self) -> None:
        """The placeholder in pyproject makes setuptools call us; here come the real ones."""
        # By path: importing the packages would need what is about to be built.
        builders = [runpy.run_path(path)["ffi"] for path in sorted(glob("swrap/*/build.py"))]
        temporary = os.path.join("build", "cffi")  # generated C must not land in the tree
        self.distribution.ext_modules = [
            _libswrap(),
            *(ffi.distutils_extension(temporary) for ffi in builders),
        ]
        super().initialize_options()

    def get_ext_filename(self, fullname: str) -> str:
        """A plain shared object has no Python version in its name."""
        if fullname.rpartition(".")[2] == "libswrap":
            return os.path.join(*fullname.split(".")) + ".so"
        return str(super().get_ext_filename(fullname))  # type: ignore[no-untyped-call]

    def get_export_symbols(self, ext: Any) -> list[str]:
        """No PyInit is looked for in libswrap.so."""
        return [] if ext.name == "swrap.libswrap" else list(super().get_export_symbols(ext))  # type: ignore[no-untyped-call]
