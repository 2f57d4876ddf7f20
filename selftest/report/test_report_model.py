"""The state of a run is what its events have told, at every moment of the story."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from swrap.events import Event
from swrap.report.model import Model
from swrap.report.state import State
from swrap.scenario import Verdict

Make = Callable[..., Event]


def played(events: Iterable[Event], until: float = float("inf")) -> State:
    model = Model()
    for event in events:
        if event.at > until:
            break
        model.apply(event)
    return model.state


def test_before_the_cable_comes_out_two_channels_share_the_fast_link(story: list[Event]) -> None:
    state = played(story, 3.0)
    assert all(port.up for port in state.network.ports.values())
    assert [channel.standing() for channel in state.channels.values()] == ["open", "open"]
    sent, received = state.port_rates(3.0)["server.eth0"]
    assert received == pytest.approx(10e6, rel=0.05)
    assert sent < received / 100
    assert state.port_rates(3.0)["laptop.eth0"] == (received, sent)
    assert "server.wlan0" not in state.port_rates(3.0)


def test_while_it_is_out_the_old_channels_stall_and_new_ones_carry_on(story: list[Event]) -> None:
    state = played(story, 7.0)
    assert not state.network.ports["server.eth0"].up
    assert [channel.standing() for channel in state.channels.values()] == ["stalled"] * 2 + ["open"] * 2
    stalled, carrying = list(state.channels.values())[::2]
    assert (stalled.to_server.rate(7.0), stalled.unacked) == (0.0, 262144)
    assert carrying.to_server.rate(7.0) == pytest.approx(1.875e6, rel=0.05)


def test_all_is_over_at_the_end(story: list[Event]) -> None:
    state = played(story)
    assert state.ended
    assert [channel.standing() for channel in state.channels.values()] == ["reset"] * 2 + ["closed"] * 2 + [
        "open"
    ] * 2
    copy = state.copies["3"]
    assert (copy.fraction, copy.failed) == (1.0, False)
    assert copy.ended is not None
    assert state.outcome.verdict == "pass"
    carried = sum(sums[1] for name, sums in state.carried.items() if name.startswith("server."))
    assert carried == pytest.approx(64 << 20, abs=16)


def test_a_channel_belongs_to_the_process_that_answered_last(story: list[Event]) -> None:
    first, second, *_ = played(story).channels.values()
    state = played(story)
    assert state.owner_of(first) == state.owner_of(second) == (48213, "worker")
    assert (first.handed_from, second.handed_from) == (None, 48210)


def test_a_server_that_tells_nothing_is_known_by_who_holds_its_sockets(event: Make) -> None:
    flow = {"id": 1, "client": "10.0.1.2:4", "server": "10.0.1.1:80"}
    state = played(
        [event("flow-opened", **flow), event("flow-sample", **flow, server_holders=[[77, "nginx"]])]
    )
    assert state.owner_of(state.channels["1"]) == (77, "nginx")


def test_when_the_owner_is_gone_whoever_holds_the_socket_now_is_shown(event: Make) -> None:
    flow = {"id": 1, "client": "10.0.1.2:4", "server": "10.0.1.1:80"}
    ready = event(
        "connection-ready",
        source="server",
        connection=9,
        pid=50,
        client=flow["client"],
        server=flow["server"],
    )
    state = played(
        [event("flow-opened", **flow), ready, event("flow-sample", **flow, server_holders=[[60, "smbd"]])]
    )
    assert state.owner_of(state.channels["1"]) == (60, "smbd")


def test_a_hand_over_that_is_told_before_the_flow_is_not_lost(event: Make) -> None:
    ends = {"client": "10.0.1.2:4", "server": "10.0.1.1:445"}
    state = played(
        [
            event("connection-accepted", source="server", connection=9, pid=50, **ends),
            event("connection-passed", source="server", connection=9, from_pid=50, to_pid=51),
            event("flow-opened", id=1, **ends),
        ]
    )
    assert (state.channels["1"].owner, state.channels["1"].handed_from) == (51, 50)


def test_a_dual_stack_server_is_understood(event: Make) -> None:
    mapped = {"client": "[::ffff:10.0.1.2]:4", "server": "[::ffff:10.0.1.1]:445"}
    told = [
        event("flow-opened", id=1, client="10.0.1.2:4", server="10.0.1.1:445"),
        event("connection-ready", source="server", connection=9, pid=51, **mapped),
    ]
    assert played(told).channels["1"].owner == 51


def test_a_connect_into_silence_waits_and_a_refused_one_is_over(event: Make) -> None:
    ends = {"client": "10.0.1.2:4", "server": "10.0.1.1:80"}
    waiting = event("flow-waiting", id=1, **ends, reason="no carrier")
    assert played([waiting]).channels["1"].standing() == "waiting"
    refused = played([waiting, event("flow-refused", 1.0, id=1, **ends, reason="timeout")]).channels["1"]
    assert (refused.standing(), refused.open) == ("refused", False)


def test_an_ended_channel_moves_nothing_any_more(story: list[Event]) -> None:
    closed = next(event.at for event in story if event.kind == "flow-closed" and event.data["how"] == "fin")
    assert "server.wlan0" not in played(story, closed + 0.1).port_rates(closed + 0.1)


def test_a_copy_that_moves_no_byte_is_waiting(event: Make) -> None:
    told = [
        event("progress", tick * 0.2, step=2, done=1000 * min(tick, 10), total=50_000) for tick in range(30)
    ]
    state = played(told)
    assert state.copies["2"].meter.rate(state.at) == 0.0


def test_a_failed_step_fails_its_copy(event: Make) -> None:
    state = played(
        [event("progress", step=2, done=1, total=2), event("step-failed", 1.0, step=2, text="x", error="no")]
    )
    assert state.copies["2"].failed
    assert state.outcome.failed_steps()[0].error == "no"


def test_rules_are_there_until_they_are_taken_back(event: Make) -> None:
    blocked = [event("block", rule=1, host="server", port=445), event("block", rule=2, between=["a", "b"])]
    assert list(played(blocked).rules.values()) == ["blocked: server port 445", "blocked: a and b"]
    assert list(played([*blocked, event("unblock", rule=1)]).rules) == ["2"]
    assert not played([*blocked, event("unblock")]).rules
    down = event("link-down", interface="a.eth0")
    slow = event("rate", interface="a.eth0", rate=1_000)
    healed = played([*blocked, down, slow, event("heal", 2.0)])
    assert not healed.rules
    assert healed.network.ports["a.eth0"].up
    assert healed.network.ports["a.eth0"].rate is None


def test_a_second_run_of_the_stream_begins_from_nothing(story: list[Event], event: Make) -> None:
    state = played([*story, event("run-started", title="another", file="b.yaml")])
    assert (state.title, state.at, state.ended) == ("another", 0.0, False)
    assert not state.channels
    assert not state.outcome.expectations


def test_ten_thousand_connections_do_not_fill_the_memory(event: Make) -> None:
    model = Model()
    for number in range(10_000):
        ends = {"id": number, "client": f"10.0.1.2:{number}", "server": "10.0.1.1:80"}
        model.apply(event("flow-opened", number / 100, **ends))
        model.apply(event("flow-closed", number / 100, **ends, how="fin"))
    assert len(model.state.channels) < 100
    assert model.state.counted["flow-closed"] == 10_000


def test_a_run_that_breaks_off_is_no_pass(story: list[Event]) -> None:
    model = Model()
    for event in story[:50]:
        model.apply(event)
    model.finish()
    assert model.state.outcome.exit_code == 3


def test_the_runner_has_the_last_word(story: list[Event]) -> None:
    model = Model()
    for event in story:
        model.apply(event)
    model.finish(4)
    assert model.state.outcome.verdict == "inconclusive"


@pytest.mark.parametrize(("interrupted", "harness"), [(None, None), (None, "the switch died"), (2, None)])
def test_the_runner_and_the_report_say_the_same_word(interrupted: int | None, harness: str | None) -> None:
    given = Verdict((), harness=harness, interrupted=interrupted)
    model = Model()
    model.finish(given)
    outcome = model.state.outcome
    assert (outcome.verdict, outcome.exit_code) == (given.outcome.value, given.exit_code)
    assert outcome.reason == given.reason


def test_a_fault_that_missed_is_told_of_and_not_taken_for_done(event: Make) -> None:
    step = {"step": 2, "text": "link-down server.eth1", "where": "a.yaml:9"}
    state = played(
        [event("step-started", **step), event("fault-missed", **step), event("step-done", 1.0, **step)]
    )
    (missed,) = state.outcome.failed_steps()
    assert (missed.status, missed.where) == ("inconclusive", "a.yaml:9")
    assert "1 fault touched nothing" in state.outcome.tally()
