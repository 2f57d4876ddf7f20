"""The catalogue explains every kind that a run can make."""

from __future__ import annotations

from swrap.events import CATALOGUE, NETWORK, RUN
from swrap.faults import FAULTS


def test_every_kind_has_a_sentence_and_every_field_a_meaning() -> None:
    for name, kind in CATALOGUE.items():
        assert kind.sentence.endswith("."), name
        assert all(kind.fields.values()), name
        assert kind.source in (RUN, NETWORK), name


def test_every_fault_is_a_kind_under_its_verb() -> None:
    assert FAULTS.keys() <= CATALOGUE.keys()
    assert CATALOGUE["link-down"].fields.keys() == {"interface", "flows", "bytes"}


def test_only_what_the_clock_makes_is_a_sample() -> None:
    assert {name for name, kind in CATALOGUE.items() if kind.sample} == {"flow-sample", "progress"}
