"""`python -m selftest.server.fuzz TARGET [arguments of libFuzzer]`: fuzz with atheris until a bug is found."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["server"]):
    from selftest.server.fuzz.targets import everything


def main() -> None:
    targets = everything()
    if len(sys.argv) < 2 or sys.argv[1] not in targets:
        sys.exit(f"usage: python -m selftest.server.fuzz TARGET [-runs=N …]; targets: {', '.join(targets)}")
    atheris.Setup([sys.argv[0], *sys.argv[2:]], targets[sys.argv[1]])
    atheris.Fuzz()


main()
