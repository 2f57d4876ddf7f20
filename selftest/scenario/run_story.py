"""``python run_story.py FILE``: run a scenario on real processes and print each event as it comes; the exit code is its."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from swrap.events import encode
from swrap.scenario import load, run
from swrap.scenario.shim_backend import ShimBackend


async def main(file: Path) -> int:
    """The verdict's exit code."""
    verdict = await run(load(file), ShimBackend(), lambda event: print(encode(event), flush=True))
    return verdict.exit_code


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
