"""Debian's smbtorture finds in our server what it found before: every case that passes, and why the others do not.

The server runs in one host of a network with a switch, smbtorture in another; `cases.yaml` is what is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from selftest.support.smbtorture import Outcome, Torture, ours

CASES: Mapping[str, Any] = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text())
PASSES = [f"{suite}.{case}" for suite, cases in CASES["passes"].items() for case in cases]
FAILS: Mapping[str, str] = CASES["fails"]

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def torture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Torture]:
    with ours(tmp_path_factory.mktemp("torture")) as (torture, _):
        yield torture


@pytest.fixture(scope="module")
def outcomes(torture: Torture) -> dict[str, Outcome]:
    """Of every case. What did not pass among others is run once more, alone: a case counts breaks by tenths of a
    second, whatever else the machine has to do.
    """
    found = torture.run([*PASSES, *FAILS])
    again = [case for case in PASSES if not found[case].passed]
    return found | {case: torture.case(case) for case in again}


@pytest.mark.parametrize("suite", list(CASES["passes"]))
def test_what_passes_still_does(suite: str, outcomes: Mapping[str, Outcome]) -> None:
    broken = {
        case: outcomes[case] for case in PASSES if case.startswith(f"{suite}.") and not outcomes[case].passed
    }
    assert not broken


def test_what_does_not_pass_is_still_as_it_is_said_to_be(outcomes: Mapping[str, Outcome]) -> None:
    assert [case for case in FAILS if outcomes[case].passed] == [], "passes by now: say so in cases.yaml"


@pytest.mark.parametrize("suite", list(CASES["smbd"]))
def test_of_each_suite_no_fewer_pass_than_of_smbd(suite: str, outcomes: Mapping[str, Outcome]) -> None:
    passed = [case for case in CASES["passes"].get(suite, ()) if outcomes[f"{suite}.{case}"].passed]
    assert len(passed) >= CASES["smbd"][suite]


def test_no_case_is_both() -> None:
    assert not set(PASSES) & set(FAILS)
    assert all(FAILS.values()), "a case that does not pass wants a reason"
