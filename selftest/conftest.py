"""What holds for every test: a skip must say what is missing, and in CI nothing may be; Ctrl-C is heard by what it starts."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import pytest

ALLOWED_SKIPS = ("needs root", "needs kernel")
"""What a machine cannot install: without root, or on another kernel, these skip even in CI."""


def pytest_configure() -> None:
    """Who starts us by `nohup … &` has these ignored, and so would every program that a test sends them to."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


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
