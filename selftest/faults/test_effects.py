"""An effect that cannot be is refused when it is made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from swrap.faults import effects


@pytest.mark.parametrize(
    "make",
    [
        lambda: effects.Delay(-1),
        lambda: effects.Delay(7200),
        lambda: effects.Delay(1, 2),
        lambda: effects.Delay(1, -0.1),
        lambda: effects.Delay(float("nan")),
        lambda: effects.Loss(0),
        lambda: effects.Loss(1.1),
        lambda: effects.Corrupt(-0.5),
        lambda: effects.Duplicate(float("nan")),
        lambda: effects.Reorder(0.5, 0),
        lambda: effects.Reorder(2, 0.1),
    ],
)
def test_bounds(make: Callable[[], effects.Effect]) -> None:
    with pytest.raises(ValueError, match="not "):
        make()


def test_an_effect_is_told_by_its_fields() -> None:
    assert effects.data(effects.Drop()) == {}
    assert effects.data(effects.Reject()) == {"reject": True}
    assert effects.data(effects.Delay(0.02, 0.005)) == {"time": 0.02, "jitter": 0.005}
    assert effects.data(effects.Loss(0.01)) == {"chance": 0.01}
