"""What a step can do. A new action is a new file and a word here; faults register in ``swrap.faults``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from swrap.faults import FAULTS
from swrap.scenario.actions.await_event import AwaitEvent
from swrap.scenario.actions.base import Action, Context
from swrap.scenario.actions.exit import Exit
from swrap.scenario.actions.inflict import Inflict
from swrap.scenario.actions.join import Join
from swrap.scenario.actions.start import Start
from swrap.scenario.actions.tell import Tell
from swrap.scenario.actions.wait import Wait

OWN: Mapping[str, type[Action]] = MappingProxyType(
    {action.word: action for action in (AwaitEvent, Join, Wait, Exit, Start)}
)
"""The runner's own actions by their word, the faults not among them."""

WORDS: Mapping[str, type[Action]] = MappingProxyType({**OWN, **dict.fromkeys(FAULTS, Inflict)})
"""Every key of a step without a dot in it that says what is done."""


def action_for(key: str) -> type[Action] | None:
    """The action that a step's key means; None where the key means none."""
    return Tell if "." in key else WORDS.get(key)


__all__ = ["OWN", "WORDS", "Action", "Context", "Inflict", "Tell", "action_for"]
