"""The cffi builder of `swrap._switch`: the data plane. `api.h` is what Python sees; it is read, not repeated, here."""

import re
from glob import glob
from pathlib import Path

from cffi import FFI

API = Path(__file__).with_name("api.h").read_text()
DIRECTIVE = re.compile(r"^#.*\n", re.MULTILINE)

ffi = FFI()
ffi.cdef("struct sw_endpoint { uint8_t ip[16]; uint16_t port; };\n#define SW_ANY ...\n" + DIRECTIVE.sub("", API))
ffi.set_source(
    "swrap._switch",
    '#include "api.h"',
    sources=[*sorted(glob("swrap/switch/*.c")), "swrap/abi/page.c", "swrap/abi/name.c"],
    include_dirs=["swrap/switch", "swrap/abi"],
    depends=[*sorted(glob("swrap/switch/*.h")), *sorted(glob("swrap/abi/*.h"))],
    extra_compile_args=["-std=c11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"],
)
