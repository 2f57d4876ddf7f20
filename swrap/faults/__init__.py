"""What goes wrong in a network: one small value a fault, the same on every back end and in every spelling.

``FAULTS`` has them by verb; ``Target`` is what they act on; ``Touched`` is what they report.
"""

from swrap.faults.base import Fault, Network, Processes, Target, Touched
from swrap.faults.match import Match
from swrap.faults.registry import FAULTS, RULINGS
from swrap.faults.rule import Rule
from swrap.faults.spelled import spelled

__all__ = [
    "FAULTS",
    "RULINGS",
    "Fault",
    "Match",
    "Network",
    "Processes",
    "Rule",
    "Target",
    "Touched",
    "spelled",
]
