"""All faults by their verb. A new fault is a new file and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from swrap.faults.add_address import AddAddress
from swrap.faults.base import Fault
from swrap.faults.block import Block
from swrap.faults.corrupt import Corrupt
from swrap.faults.cut import Cut
from swrap.faults.delay import Delay
from swrap.faults.duplicate import Duplicate
from swrap.faults.heal import Heal
from swrap.faults.hold import Hold
from swrap.faults.kill import Kill
from swrap.faults.link_down import LinkDown
from swrap.faults.link_up import LinkUp
from swrap.faults.lose_acks import LoseAcks
from swrap.faults.loss import Loss
from swrap.faults.move import Move
from swrap.faults.partition import Partition
from swrap.faults.rate import Rate
from swrap.faults.release import Release
from swrap.faults.remove_address import RemoveAddress
from swrap.faults.reorder import Reorder
from swrap.faults.reset import Reset
from swrap.faults.ruling import Ruling
from swrap.faults.speed import Speed
from swrap.faults.unblock import Unblock

_RULINGS: tuple[type[Ruling], ...] = (
    Block,
    Cut,
    Partition,
    Hold,
    LoseAcks,
    Delay,
    Loss,
    Duplicate,
    Reorder,
    Corrupt,
)
_OTHERS: tuple[type[Fault], ...] = (
    LinkDown,
    LinkUp,
    Rate,
    Speed,
    AddAddress,
    RemoveAddress,
    Move,
    Unblock,
    Release,
    Reset,
    Heal,
    Kill,
)

RULINGS: Mapping[str, type[Ruling]] = MappingProxyType({fault.verb: fault for fault in _RULINGS})
"""Those that make a rule."""

FAULTS: Mapping[str, type[Fault]] = MappingProxyType({**{one.verb: one for one in _OTHERS}, **RULINGS})
