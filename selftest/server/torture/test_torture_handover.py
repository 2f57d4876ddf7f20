"""Whether a connection is handed over at Negotiate, by its client, or at session setup, by its session, smbtorture cannot
tell: every bind has the result that it has the other way.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from selftest.server.torture.test_torture import FAILS, PASSES
from selftest.support.smbtorture import ours

BINDS = ("session.bind", "multichannel.")

pytestmark = pytest.mark.timeout(600)


def test_binds_have_the_same_results_by_session_as_by_client(tmp_path: Path) -> None:
    cases = {case: case in PASSES for case in (*PASSES, *FAILS) if case.startswith(BINDS)}
    assert len(cases) > 40, "the suites are there"
    with ours(tmp_path, "--handover", "session") as (torture, server):
        found = torture.run(cases)
        again = {case: torture.case(case) for case in cases if found[case].passed is not cases[case]}
        said = server.said
    assert {case: again[case] for case in again if again[case].passed is not cases[case]} == {}
    passed = re.findall(r"connection-passed .*owned=True", said)
    assert len(passed) > 40, "connections went from worker to worker"
