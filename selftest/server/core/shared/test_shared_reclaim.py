"""What a worker leaves behind is found among all that is open, and nothing else is."""

from __future__ import annotations

from server.core.shared import reclaim
from server.core.shared.records import OpenRecord
from server.core.shared.table import FileTable
from server.memory import MemoryStore


def test_a_dead_workers_opens_go_and_those_of_others_stay() -> None:
    store = MemoryStore()
    table = FileTable(store, "acceptor", lambda _: True, lambda: 0, lambda *_: None)
    owners = {(1, 1): ["one", "another one"], (1, 2): ["one", "one"], (1, 3): ["another one"]}
    for key, names in owners.items():
        with table.draft(key) as (_, file):
            for number, owner in enumerate(names):
                file.put(OpenRecord(number, owner, 1, "", "alice", "data", ("one",), 1, 7))
            file.waiters.append("another one")
    assert reclaim.inherit(table, "one") == {(1, 1): ["another one"], (1, 2): ["another one"]}
    left = {key: [opened.owner for opened in table.look(key).opens.values()] for key in owners}
    assert left == {(1, 1): ["another one"], (1, 2): [], (1, 3): ["another one"]}
