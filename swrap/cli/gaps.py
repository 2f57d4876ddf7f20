"""ss --gaps: what programs of a lab asked for and did not get, as a table or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from swrap.lab.gaps import CALLS, what
from swrap.lab.joined import Joined

_HEAD = ("Call", "What", "Process", "Count")


def show(lab: Joined, *, as_json: bool) -> int:
    """Print the gaps of a lab, the most frequent first."""
    found, unlisted = lab.gaps()
    found.sort(key=lambda gap: (-gap.count, what(gap), gap.pid))
    if as_json:
        rows = [{**asdict(gap), "kind": gap.kind.name.lower(), "what": what(gap)} for gap in found]
        print(json.dumps({"gaps": rows, "unlisted": unlisted}, indent=1))
        return 0
    lines = [_HEAD] if found else []
    lines += [(CALLS[gap.kind], what(gap), f"{gap.pid} {gap.program}", str(gap.count)) for gap in found]
    widths = [max(len(line[i]) for line in lines) for i in range(3)] if lines else []
    for line in lines:
        left = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        print("  ".join([*left, line[3]]))
    if unlisted:
        print(f"and {unlisted} more, for which there was no room")
    elif not found:
        print("no gaps: nothing was asked for that is not emulated")
    return 0
