"""YAML text → nodes with marks.

Owns the syntax: YAML as PyYAML parses it, with the scalars of YAML 1.2's core schema (so ``on`` and
``1:30`` are text), anchors, aliases and ``<<``. Must not know what a document means. Called by every loader
of a file.

Syntax errors, a key there twice, tags, and anything built to explode are problems like all others.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from swrap.document.node import Entry, Mapping, Mark, Node, Scalar, Sequence
from swrap.document.problem import Problems

MAX_NODES = 200_000
"""Of one document with its aliases written out: far beyond any scenario, well below what hurts."""

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_OTHER_BASE = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)?(?:\.[0-9]+|(?<=[0-9])\.)?(?:(?<=[0-9.])[eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {"": None, "~": None}
_WORDS |= dict.fromkeys(("null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True)
_WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)


class _Composer(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML up to its node graph; the resolver without implicit tags leaves scalars as they are written."""

    def __init__(self, stream: str) -> None:
        Reader.__init__(self, stream)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)


def parse_file(path: Path, problems: Problems) -> Node | None:
    """The document in the file at ``path``; None, with the reason in ``problems``, where there is none."""
    start = Mark(str(path), 1, 1)
    try:
        raw = path.read_bytes()
    except OSError as error:
        problems.add(start, f"cannot be read: {error.strerror}")
        return None
    try:
        return parse(raw.decode("utf-8-sig"), str(path), problems)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.add(Mark(str(path), line, 1), f"not UTF-8: byte {raw[error.start]:#04x}")
        return None


def parse(text: str, file: str, problems: Problems) -> Node | None:
    """The document in ``text``, which messages call ``file``; None, with the reason, where there is none."""
    start = Mark(file, 1, 1)
    try:
        root = _Composer(text).get_single_node()
        if root is None:
            problems.add(start, "the file is empty")
            return None
        return _Conversion(file, problems).node(root)
    except yaml.MarkedYAMLError as error:
        where = error.problem_mark or error.context_mark
        mark = Mark(file, where.line + 1, where.column + 1) if where else start
        context = f" ({error.context})" if error.context else ""
        problems.add(mark, f"not YAML: {error.problem}{context}")
    except ReaderError as error:
        lines = text[: error.position].split("\n")
        problems.add(Mark(file, len(lines), len(lines[-1]) + 1), f"not YAML: a character {error.character!r}")
    except RecursionError:
        problems.add(start, "nested too deeply")
    except _TooLarge:
        problems.add(start, f"more than {MAX_NODES} values, aliases written out")
    return None


class _TooLarge(Exception):
    """A signal inside this file, not an error for anybody."""


class _Conversion:
    """One pass over PyYAML's graph; an alias leads to the node of its anchor, which is converted once."""

    def __init__(self, file: str, problems: Problems) -> None:
        self.file = file
        self.problems = problems
        self.done: dict[yaml.Node, tuple[Node, int]] = {}
        self.open: set[yaml.Node] = set()

    def mark(self, node: yaml.Node) -> Mark:
        return Mark(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def node(self, node: yaml.Node) -> Node:
        return self.sized(node)[0]

    def sized(self, node: yaml.Node) -> tuple[Node, int]:
        """The node and how many values it is with its aliases written out."""
        if node in self.done:
            return self.done[node]
        mark = self.mark(node)
        if node in self.open:
            self.problems.add(mark, "an alias leads back into its own anchor")
            return Scalar(None, mark, ""), 1
        self.open.add(node)
        if isinstance(node, yaml.ScalarNode):
            found: tuple[Node, int] = self.scalar(node, mark), 1
        elif isinstance(node, yaml.SequenceNode):
            self.tag(node, "tag:yaml.org,2002:seq", mark)
            parts = [self.sized(item) for item in node.value]
            found = Sequence(tuple(part for part, _ in parts), mark), 1 + sum(size for _, size in parts)
        elif isinstance(node, yaml.MappingNode):
            self.tag(node, "tag:yaml.org,2002:map", mark)
            found = self.mapping(node, mark)
        else:
            raise NotImplementedError(f"a YAML node of kind {type(node).__name__}")
        self.open.discard(node)
        if found[1] > MAX_NODES:
            raise _TooLarge
        self.done[node] = found
        return found

    def tag(self, node: yaml.Node, plain: str, mark: Mark) -> None:
        if node.tag not in (plain, "!"):
            self.problems.add(mark, f"tags such as {node.tag} mean nothing here")

    def scalar(self, node: yaml.ScalarNode, mark: Mark) -> Scalar:
        self.tag(node, "tag:yaml.org,2002:str", mark)
        if node.style is not None:  # quoted or a block: text, whatever it looks like
            return Scalar(node.value, mark, node.value)
        return Scalar(resolve(node.value), mark, node.value)

    def mapping(self, node: yaml.MappingNode, mark: Mark) -> tuple[Mapping, int]:
        entries: dict[str, Entry] = {}
        merged: list[Entry] = []
        total = 1
        for key_node, value_node in node.value:
            key_mark = self.mark(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.add(key_mark, "a key is a word, not a list or a mapping")
                continue
            value, size = self.sized(value_node)
            total += 1 + size
            key = key_node.value
            if key == "<<" and key_node.style is None:
                merged.extend(self.merge(value))
            elif key in entries:
                first = entries[key].mark
                self.problems.add(key_mark, f"{key!r} is there twice; first on line {first.line}")
            else:
                entries[key] = Entry(key, key_mark, value)
        for entry in merged:
            entries.setdefault(entry.key, entry)
        return Mapping(tuple(entries.values()), mark), total

    def merge(self, value: Node) -> list[Entry]:
        parts = value.items if isinstance(value, Sequence) else (value,)
        for part in parts:
            if not isinstance(part, Mapping):
                self.problems.add(part.mark, "`<<` merges mappings only")
        return [entry for part in parts if isinstance(part, Mapping) for entry in part]


def resolve(text: str) -> bool | int | float | str | None:
    """What a plain scalar means (YAML 1.2, 10.3.2); ``.inf`` and ``.nan``, which JSON lacks, are text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text) and any(character.isdigit() for character in text):
        return float(text)
    return text
