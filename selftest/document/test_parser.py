"""YAML becomes values that know where they stand, and every mistake in it is told with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrap.document import Mapping, Mark, Problems, Scalar, Sequence, parse, parse_file, read
from swrap.document.parser import resolve


def problems_of(text: str) -> list[str]:
    found = Problems()
    parse(text, "f.yaml", found)
    return [str(problem) for problem in found]


def parsed(text: str) -> Mapping:
    found = Problems()
    node = parse(text, "f.yaml", found)
    assert [*found] == []
    assert isinstance(node, Mapping)
    return node


def test_every_key_and_value_knows_its_line_and_column() -> None:
    node = parsed("hosts:\n  server:\n    eth0: 10.0.1.1/24\n  list: [1, two]\n")
    hosts = node.get("hosts")
    assert isinstance(hosts, Mapping)
    server = hosts.entry("server")
    assert server is not None
    assert str(server.mark) == "f.yaml:2:3"
    assert isinstance(server.value, Mapping)
    eth0 = server.value.get("eth0")
    assert eth0 == Scalar("10.0.1.1/24", Mark("f.yaml", 3, 11), "10.0.1.1/24")
    items = hosts.get("list")
    assert isinstance(items, Sequence)
    assert [str(item.mark) for item in items.items] == ["f.yaml:4:10", "f.yaml:4:13"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("0644", "0644"),
        ("0x1f", 31),
        ("0o17", 15),
        ("-7", -7),
        ("1e3", 1000.0),
        ("1.5", 1.5),
        (".5", 0.5),
        (".", "."),
        ("-", "-"),
        ("e3", "e3"),
        (".inf", ".inf"),
        ("true", True),
        ("~", None),
        ("", None),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    found = resolve(text)
    assert (found, type(found)) == (value, type(value))


def test_quotes_make_text() -> None:
    node = parsed("a: '5'\nb: \"true\"\nc: 5\n")
    assert read(node, {}, Problems()) == {"a": "5", "b": "true", "c": 5}


def test_aliases_and_merges_are_written_out_and_own_keys_win() -> None:
    node = parsed(
        "base: &b {speed: 10G, rss: true}\na: *b\nc:\n  <<: *b\n  speed: 1G\nd: {<<: [*b, {mtu: 9000}]}\n"
    )
    value = read(node, {}, Problems())
    assert value["a"] == {"speed": "10G", "rss": True}
    assert value["c"] == {"speed": "1G", "rss": True}
    assert value["d"] == {"speed": "10G", "rss": True, "mtu": 9000}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: 'a' is there twice; first on line 1"),
        ("a: [1, 2\nb: 3\n", "f.yaml:2:2: not YAML: expected ',' or ']'"),
        ("a:\n\t- b\n", "f.yaml:2:1: not YAML"),
        ("", "f.yaml:1:1: the file is empty"),
        ("# nothing\n", "f.yaml:1:1: the file is empty"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: not YAML: but found another document"),
        ("a: !thing 5\n", "f.yaml:1:4: tags such as !thing mean nothing here"),
        ("? [a, b]\n: 5\n", "f.yaml:1:3: a key is a word"),
        ("a: &x [*x]\n", "an alias leads back into its own anchor"),
        ("a: *nobody\n", "f.yaml:1:4: not YAML: found undefined alias"),
        ("a: {<<: 5}\n", "`<<` merges mappings only"),
        ("a: b\x01c\n", "f.yaml:1:5: not YAML"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, problem: str) -> None:
    assert any(problem in line for line in problems_of(text)), problems_of(text)


def test_aliases_that_explode_are_refused_before_they_do() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert "values, aliases written out" in problems_of("\n".join(lines))[0]


def test_a_file_that_cannot_be_read_is_a_problem_like_any_other(tmp_path: Path) -> None:
    found = Problems()
    assert parse_file(tmp_path / "none.yaml", found) is None
    bad = tmp_path / "bad.yaml"
    bad.write_bytes(b"a: 1\nb: \xff\n")
    assert parse_file(bad, found) is None
    assert [str(problem) for problem in found] == [
        f"{bad}:2:1: not UTF-8: byte 0xff",
        f"{tmp_path / 'none.yaml'}:1:1: cannot be read: No such file or directory",
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    file = tmp_path / "bom.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    node = parse_file(file, Problems())
    assert isinstance(node, Mapping)
    assert node.get("a") is not None


# A key has 1024 characters at most (YAML 1.2, 7.4.2), escapes included.
# YAML's \u escapes name a character each; JSON's name UTF-16 units, which is the same below 0x10000 only.
words = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=100)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@given(value=st.dictionaries(words, values, max_size=4))
def test_json_is_yaml_and_means_the_same(value: dict[str, object]) -> None:
    assert read(parsed(json.dumps(value)), {}, Problems()) == value
