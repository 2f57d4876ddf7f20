"""run --verify, run --seeds: scenarios on the fake network, again and again.

Owns what is printed of it and the exit status: that of the worst run, 3 where two runs of one seed differ.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swrap.scenario import Scenario

_DIFFERENT = 3


def verify(scenarios: Sequence[Scenario], seed: int) -> int:
    """Run each twice, and show where the runs part."""
    from swrap.scenario.explore import divergence, lines

    worst = 0
    for scenario in scenarios:
        (first, verdict), (second, _) = lines(scenario, seed), lines(scenario, seed)
        parted = divergence(first, second)
        if parted is not None:
            print(f"{scenario.path}: two runs with seed {seed} differ at {parted}")
            worst = _DIFFERENT
        else:
            print(
                f"{scenario.path}: {len(first)} events, twice the same; {verdict.outcome.value}: {verdict.reason}"
            )
            worst = max(worst, verdict.exit_code)
    return worst


def explore(scenarios: Sequence[Scenario], seeds: range) -> int:
    """Run each with every seed; a line for each seed that fails, and how to see it again."""
    from swrap.scenario.explore import explore as runs

    worst = 0
    for scenario in scenarios:
        failed = 0
        for seed, verdict in runs(scenario, seeds):
            if verdict.exit_code:
                failed += 1
                print(f"seed {seed}: {verdict.outcome.value}: {verdict.reason}", flush=True)
                print(f"  again: swrap run --backend fake --seed {seed} {shlex.quote(str(scenario.path))}")
                worst = max(worst, verdict.exit_code)
            if verdict.interrupted is not None:
                return worst
        print(f"{scenario.path}: {failed} of {len(seeds)} seeds failed")
    return worst
