"""A document's values, each with the place in the file where it stands.

Owns the three shapes (scalar, sequence, mapping) and the mark. Must not know YAML's syntax (``parser``) nor
what any document means. ``read`` turns these into checked plain values; loaders keep the marks for messages
of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
"""What JSON can say (RFC 8259), as Python's values."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file; line and column count from 1, as editors do. Reads ``file:line:col``."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value, resolved by YAML 1.2's core schema. ``text`` is what was written."""

    value: bool | int | float | str | None
    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping with its value; keys are text always, at a place of their own."""

    key: str
    mark: Mark
    value: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order of the file; no key is there twice."""

    entries: tuple[Entry, ...]
    mark: Mark

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def entry(self, key: str) -> Entry | None:
        """The entry of ``key``, or None."""
        return next((entry for entry in self.entries if entry.key == key), None)

    def get(self, key: str) -> Node | None:
        """The value of ``key``, or None where there is no such key."""
        entry = self.entry(key)
        return entry.value if entry else None

    def place(self, key: str) -> Mark:
        """Where ``key`` stands, or the mapping itself where it does not."""
        entry = self.entry(key)
        return entry.mark if entry else self.mark


Node: TypeAlias = Scalar | Sequence | Mapping


def at(node: Node, path: tuple[str | int, ...]) -> Mark:
    """The mark of the value that ``path`` leads to, or of the last one on the way that is there."""
    for part in path:
        if isinstance(node, Mapping) and isinstance(part, str):
            found = node.get(part)
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            found = node.items[part]
        else:
            found = None
        if found is None:
            return node.mark
        node = found
    return node.mark


def node_of(value: JSON, mark: Mark) -> Node:
    """A plain value as nodes that all stand at ``mark``: to check what was not read from a file."""
    if isinstance(value, dict):
        return Mapping(tuple(Entry(str(key), mark, node_of(item, mark)) for key, item in value.items()), mark)
    if isinstance(value, list | tuple):
        return Sequence(tuple(node_of(item, mark) for item in value), mark)
    return Scalar(value, mark, "" if value is None else str(value))
