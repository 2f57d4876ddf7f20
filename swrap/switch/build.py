"""The cffi builder of `swrap._switch`: the data plane. `api.h` is what Python sees; it is read, not repeated, here."""

import re
from pathlib import Path

from cffi import FFI

CFLAGS = ["-std=c11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"]
API = Path(__file__).with_name("api.h").read_text()
DIRECTIVE = re.compile(r"^#.*\n", re.MULTILINE)


def _here(pattern: str) -> list[str]:
    """Files of this folder, as setuptools wants them: relative to the root of the tree."""
    return [f"swrap/switch/{path.name}" for path in sorted(Path(__file__).parent.glob(pattern))]


ffi = FFI()
ffi.cdef(
    "struct sw_endpoint { uint8_t ip[16]; uint16_t port; };\n#define SW_ANY ...\n" + DIRECTIVE.sub("", API)
)
ffi.set_source(
    "swrap._switch",
    '#include "api.h"',
    sources=[*_here("*.c"), *(f"swrap/abi/{name}.c" for name in ("page", "name", "packet", "pcapng"))],
    include_dirs=["swrap/switch", "swrap/abi"],
    depends=[*_here("*.h"), *(f"swrap/abi/{name}.h" for name in ("page", "name", "syn", "packet", "pcapng"))],
    extra_compile_args=CFLAGS,
)
