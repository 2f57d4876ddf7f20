"""Files that people write: YAML to values with positions, checked against schemas, with suggestions.

``parse`` text to nodes · ``read`` nodes by a schema to plain values · ``units`` sizes, rates, times ·
``problem`` what is wrong, where · ``suggest`` did you mean. Knows nothing of networks, actors or scenarios.
"""

from swrap.document.node import JSON, Entry, Mapping, Mark, Node, Scalar, Sequence, at, node_of
from swrap.document.parser import parse, parse_file
from swrap.document.problem import BadInput, Problem, Problems
from swrap.document.reader import Schema, read
from swrap.document.suggest import did_you_mean, nearest

__all__ = [
    "JSON",
    "BadInput",
    "Entry",
    "Mapping",
    "Mark",
    "Node",
    "Problem",
    "Problems",
    "Scalar",
    "Schema",
    "Sequence",
    "at",
    "did_you_mean",
    "nearest",
    "node_of",
    "parse",
    "parse_file",
    "read",
]
