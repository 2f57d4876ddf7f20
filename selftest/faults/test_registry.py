"""Every fault can be found by its verb, and says all that its documentation and its event need."""

from __future__ import annotations

from dataclasses import is_dataclass

from swrap.document.keywords import unusable
from swrap.faults import FAULTS, Touched


def test_the_verb_is_the_name_of_the_file_and_of_the_class() -> None:
    for verb, fault in FAULTS.items():
        assert fault.__module__.rpartition(".")[2] == verb.replace("-", "_")
        assert fault.__name__.lower() == verb.replace("-", "")
        assert is_dataclass(fault)


def test_every_fault_says_what_it_does_and_what_it_takes() -> None:
    for fault in FAULTS.values():
        assert fault.sentence.endswith(".")
        assert unusable(fault.schema) == []
        assert fault.__doc__
        assert fault.verb in fault.__doc__


def test_only_what_takes_nothing_away_may_miss() -> None:
    may_miss = {verb for verb, fault in FAULTS.items() if fault.may_miss}
    assert may_miss == {"link-up", "unblock", "release", "heal", "speed", "add-address"}


def test_touching_nothing_is_nothing_and_anything_is_something() -> None:
    assert Touched().nothing
    assert Touched(details={"rule": 1}).nothing
    assert not Touched(flows=1).nothing
    assert not Touched(bytes=1).nothing
    assert not Touched(processes=1).nothing
