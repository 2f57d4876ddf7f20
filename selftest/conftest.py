"""What holds for every test: a skip must say what is missing, and in CI nothing may be."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

ALLOWED_SKIPS = ("needs root", "needs kernel")
"""What a machine cannot install: without root, or on another kernel, these skip even in CI."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With SWRAP_SKIPS=fail, a test that skips for something that could be installed has failed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("SWRAP_SKIPS") == "fail":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith(ALLOWED_SKIPS):
            report.outcome = "failed"
            report.longrepr = f"skipped where nothing may be missing: {reason}"
    return report
