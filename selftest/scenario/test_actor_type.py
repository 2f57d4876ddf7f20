"""What actors declare is taken at its word, once it is whole; installed ones are found by name."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from swrap.scenario import actor_type
from swrap.scenario.actor_type import BadDeclaration, available, declared, installed


def test_our_own_actors_are_installed_and_declare_what_they_can_do() -> None:
    assert {"smb-client", "smb-server"} <= set(available())
    for name in ("smb-client", "smb-server"):
        found = installed(name)
        assert found is not None
        assert found.command[0] == "-m"
        assert found.verbs
        assert all(verb.doc for verb in found.verbs.values())
        assert all(kind.doc and all(kind.fields.values()) for kind in found.events.values())


def test_a_name_that_is_not_installed_is_nobody() -> None:
    assert installed("smb-sever") is None


def test_an_actor_whose_module_cannot_be_imported_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("broken", "no_such_module_at_all:ACTOR", actor_type.GROUP)
    monkeypatch.setattr(actor_type, "entry_points", lambda **_: [broken])
    with pytest.raises(BadDeclaration, match="ModuleNotFoundError: No module named 'no_such_module_at_all'"):
        installed("broken")


@pytest.mark.parametrize(
    ("declaration", "reason"),
    [
        ([], "a list where a mapping belongs"),
        ({"verb": {}}, "unknown key 'verb'"),
        ({"command": "python"}, "`command` is a list of words"),
        ({"verbs": []}, "`verbs` is a mapping of names to mappings"),
        ({"verbs": {"x": 5}}, "`verbs` is a mapping of names to mappings"),
        ({"events": {"x": {"fields": ["a"]}}}, "events.x.fields is a mapping of names to meanings"),
        ({"config": {"type": "objekt"}}, "config.type: unknown type 'objekt'; did you mean 'object'?"),
        ({"verbs": {"x": {"result": {"allOf": []}}}}, "verbs.x.result: the keyword 'allOf' is not supported"),
    ],
)
def test_a_declaration_that_cannot_be_used_says_why(declaration: Any, reason: str) -> None:
    with pytest.raises(BadDeclaration) as caught:
        declared("toy", declaration)
    assert reason in str(caught.value)


def test_what_is_not_declared_is_not_there() -> None:
    found = declared("toy", {"verbs": {"go": {}}})
    assert found.verbs["go"].args == {"type": "object", "properties": {}}
    assert found.config == {"type": "object", "properties": {}}
    assert found.events == {}
