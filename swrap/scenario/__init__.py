"""Scenarios: a file becomes a checked story, the story is played on a network, and comes to a verdict.

``load`` and ``check`` read files, ``schema`` is what they may say, ``run`` plays one on a back end.
"""

from swrap.scenario.backend import Backend, Ended, Program
from swrap.scenario.load import check, load
from swrap.scenario.model import Scenario
from swrap.scenario.run import run
from swrap.scenario.schema import schema
from swrap.scenario.verdict import Outcome, Verdict

__all__ = ["Backend", "Ended", "Outcome", "Program", "Scenario", "Verdict", "check", "load", "run", "schema"]
