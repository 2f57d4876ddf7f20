"""The selftest, by name, with a summary: `python -m selftest [pytest arguments]`.

Without arguments all of it. What this machine lacks is skipped and named; with SWRAP_SKIPS=fail such a skip is a failure.
"""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Run pytest on this tree, from its root; returns pytest's exit status."""
    os.chdir(HERE.parent)
    arguments = sys.argv[1:] or [str(HERE)]
    return int(pytest.main(["--durations=5", "--tb=short", *arguments]))


if __name__ == "__main__":
    sys.exit(main())
