"""Whatever a file says, the check ends with problems or with a scenario, and with nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swrap.document import BadInput
from swrap.scenario import check, load

SCENARIOS = Path(__file__).parents[2] / "scenarios"
STORIES = [yaml.safe_load(file.read_text()) for file in sorted(SCENARIOS.rglob("*.yaml"))]

scraps = st.recursive(
    st.sampled_from([None, True, 0, -1, 5, 1.5, "", "$", "$x", "$login.y", "$$", "server", "server.eth0", "5s", "64MiB", "50%", "a.b"]),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(["event", "where", "from", "as", "value", "equals", "heal", "kill", "x"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to all values of a tree."""
    found = [path]
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        found += places(value, (*path, key))
    return found


def replaced(tree: Any, path: tuple[Any, ...], scrap: Any) -> Any:
    """A copy of a tree with the value at `path` replaced."""
    if not path:
        return scrap
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = replaced(tree[path[0]], path[1:], scrap)
    return copy


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_story_with_anything_in_any_place_is_checked_to_its_end(
    tmp_path: Path, data: st.DataObject
) -> None:
    story = data.draw(st.sampled_from(STORIES))
    for _ in range(data.draw(st.integers(1, 3))):
        story = replaced(story, data.draw(st.sampled_from(places(story))), data.draw(scraps))
    file = tmp_path / "story.yaml"
    file.write_text(json.dumps(story, indent=1))
    found = check(file)
    assert found == sorted(set(found))
    if not found:
        load(file)
        return
    with pytest.raises(BadInput) as caught:
        load(file)
    assert caught.value.problems == found
