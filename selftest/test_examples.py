"""The examples in docstrings are whole programs, and what they assert is true."""

from __future__ import annotations

import re
import textwrap
from types import ModuleType

import pytest

import swrap.fake
import swrap.testing
from selftest.support.lab_fixtures import namespace, runtime_directory

__all__ = ["namespace", "runtime_directory"]


@pytest.mark.parametrize("module", [swrap.fake, swrap.testing], ids=lambda module: module.__name__)
def test_an_example_runs(module: ModuleType) -> None:
    (block,) = re.findall(r"::\n\n((?:    .*\n|\n)+)", module.__doc__ or "")
    code = textwrap.dedent(block)
    assert "assert" in code
    exec(compile(code, module.__name__, "exec"), {})  # the only way to run what stands in a text
