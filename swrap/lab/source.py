"""The file that a lab runs from: a lab file, or a scenario, whose `lab:` is one or names one.

Owns that choice; the network itself is read by `swrap.topology`. Called by the command line, so that `--lab`
takes either.
"""

from __future__ import annotations

from pathlib import Path

from swrap.document import Mapping, Node, Problems, Scalar, parse_file
from swrap.topology import Topology, topology_of


def load(path: Path) -> tuple[Topology, Path]:
    """The network that ``path`` describes, and the lab file that it stands in.

    Raises `swrap.document.BadInput` with all that is wrong with it.
    """
    problems = Problems()
    file, node = _lab_in(path, problems)
    topology = None if node is None else topology_of(node, problems)
    problems.raise_any()
    if topology is None:
        raise AssertionError("no problem, and no network")
    return topology, file


def file_of(path: Path) -> Path:
    """The lab file that ``path`` stands for; ``path`` itself where it cannot be read."""
    return _lab_in(path, Problems())[0]


def _lab_in(path: Path, problems: Problems) -> tuple[Path, Node | None]:
    node = parse_file(path, problems)
    inner = node.get("lab") if isinstance(node, Mapping) and node.get("hosts") is None else None
    if inner is None:
        return path, node
    if isinstance(inner, Scalar) and isinstance(inner.value, str):
        file = path.parent / inner.value
        if not file.is_file():
            problems.add(inner.mark, f"there is no lab file {file}")
            return file, None
        return file, parse_file(file, problems)
    return path, inner
