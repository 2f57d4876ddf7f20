"""A fault from its verb and what stands after it in a scenario, for who writes Python: ``"cut", ["a", "b"]``.

Owns that every mistake is a ValueError with a sentence. Called by what tests hold in their hands.
"""

from __future__ import annotations

import json

from swrap.document import JSON, Problems, parse, read
from swrap.document.suggest import did_you_mean
from swrap.faults.base import Fault
from swrap.faults.registry import FAULTS
from swrap.topology import Topology


def spelled(verb: str, value: JSON, topology: Topology) -> Fault:
    """The fault, which makes sense in ``topology``; None is for verbs that need nothing. Raises ValueError."""
    fault = FAULTS.get(verb)
    if fault is None:
        raise ValueError(f"no fault {verb!r}{did_you_mean(verb, FAULTS)}")
    value = {} if value is None else value
    problems = Problems()
    node = parse(json.dumps(value), verb, problems)
    assert node is not None  # noqa: S101  # JSON is YAML
    read(node, fault.schema, problems)
    if problems:
        raise ValueError("; ".join(problem.message for problem in problems))
    made = fault.of(value)
    for path, message in made.against(topology):
        raise ValueError(f"{'.'.join((verb, *path))}: {message}")
    return made
